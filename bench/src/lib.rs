//! Benchmarks: a real server process, measured beside floors and peers in the same run.
//!
//! One module a benchmark. This room makes its own databases and holds raw SQL, because the floor is raw SQL;
//! it must never touch a database that it did not make, nor any server but this machine's own.

pub mod credit;
mod draw;
mod error;
mod flags;
mod histogram;
mod load;
mod machine;
mod place;
pub mod redeem;
pub mod rules;
mod server;
pub mod simulate;
mod spread;

pub use error::BenchError;
