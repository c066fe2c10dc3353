//! The use cases on PostgreSQL and on SQLite, alone and with rivals; every test ends with an audit.

#![expect(clippy::arithmetic_side_effects, reason = "small numbers that the tests themselves choose")]

mod adjusting;
mod audits;
mod audits_life;
mod audits_payout;
mod boards;
mod claiming;
mod counting;
mod crediting;
mod expiring;
mod faults;
mod hardships;
mod lost_answers;
mod merchant_log;
mod offering;
mod partner_keys;
mod paying;
mod prizes;
mod reconciling;
mod redeeming;
mod returning;
mod reversing;
mod reviewing;
mod settling;
mod shop;
mod shops;
mod simulating;
mod stopping;
mod telling;
mod upgrading;
mod waiting;
