//! Journeys with the real program: what an operator, a citizen, a partner and a cashier do, from the first
//! command to the audit.

mod commands;
mod import;
mod kill;
mod process;
mod redis;
mod server;
mod world;
