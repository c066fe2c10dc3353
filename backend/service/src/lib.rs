//! Use cases and workers.

pub mod cache;
pub mod clock;
pub mod identity;
