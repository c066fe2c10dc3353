//! Journeys with the real program: what an operator, a citizen, a partner and a cashier do, from the first
//! command to the audit.

#![expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test fails by panicking; a missing JSON member is null; small counts do not overflow"
)]

mod bench;
mod citizen;
mod cluster;
mod commands;
mod demo;
mod import;
mod kill;
mod load;
mod market;
mod outage;
mod partner;
mod process;
mod races;
mod receiver;
mod redis_server;
mod restart;
mod sale;
mod server;
mod shop;
mod shutdown;
mod simulate;
mod till;
mod world;
