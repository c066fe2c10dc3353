//! The pure heart of tanhui: rules, amounts, ledger decisions.
//!
//! Nothing here may be async, read a clock, draw a random number, or touch a file, a database or HTTP.

pub mod amount;
pub mod event;
pub mod id;
pub mod rule;
pub mod text;
pub mod time;
