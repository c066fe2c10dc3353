//! The use cases on PostgreSQL and on SQLite, alone and with rivals; every test ends with an audit.

#![expect(clippy::arithmetic_side_effects, reason = "small numbers that the tests themselves choose")]

mod boards;
mod crediting;
mod faults;
mod lost_answers;
mod redeeming;
mod upgrading;
mod waiting;
