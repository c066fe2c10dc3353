//! Every store function on PostgreSQL and on SQLite.

#![expect(clippy::arithmetic_side_effects, reason = "small numbers that the tests themselves choose")]

mod accounts;
mod activities;
mod audit_plans;
mod audits;
mod faults;
mod lots;
mod offers;
mod people;
mod schema;
mod sessions;
mod sources;
mod statements;
mod usages;
