//! The only room that speaks SQL and Redis. Domain types in, domain types out; rows never leave.
//!
//! Store functions take a [`Transaction`] when they write, and anything [`Connected`] when they read.

pub mod account;
pub mod act_span;
pub mod activity;
pub mod adjustment;
pub mod audit;
pub mod binding;
pub mod cache;
pub mod citizen;
pub mod city;
mod columns;
pub mod crediting;
mod database;
mod error;
pub mod hold;
pub mod idempotency;
pub mod lot;
pub mod merchant;
pub mod offer;
pub mod office_log;
pub mod pass_key;
pub mod past;
pub mod prize;
pub mod project;
pub mod redemption;
mod row;
pub mod rule_set;
pub mod scan;
pub mod selling;
pub mod session;
pub mod setting;
pub mod settlement;
pub mod source;
pub mod staff;
pub mod tally;
pub mod usage;
pub mod voucher;
pub mod waiting;
pub mod waiting_points;
pub mod webhook;
mod write;

pub use database::{Connected, Database, Engine, Transaction};
pub use error::StoreError;
