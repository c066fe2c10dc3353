//! The HTTP face of tanhui and its operator commands.
//!
//! Handlers read a request into domain types, call one service function and write the answer. No SQL, no
//! rules, no arithmetic on amounts in this room.

pub mod cli;
pub mod config;
pub mod courier;
pub mod endpoint;
pub mod http;
pub mod logging;
pub mod sms;
pub mod state;
