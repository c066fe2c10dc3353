//! The pure heart of tanhui: rules, amounts, ledger decisions.
//!
//! Nothing here may be async, read a clock, draw a random number, or touch a file, a database or HTTP.

pub mod activity;
pub mod amount;
pub mod city;
pub mod crediting;
pub mod event;
pub mod id;
pub mod leaderboard;
pub mod ledger;
pub mod merchant;
pub mod offer;
pub mod office;
pub mod pass;
pub mod prize;
pub mod redemption;
pub mod rule;
pub mod same_act;
pub mod settlement;
pub mod simulation;
pub mod text;
pub mod time;
pub mod webhook;
