//! Journeys with the real program: what an operator, a citizen, a partner and a cashier do, from the first
//! command to the audit.

mod citizen;
mod commands;
mod demo;
mod import;
mod kill;
mod outage;
mod partner;
mod process;
mod redis;
mod server;
mod shutdown;
mod world;
