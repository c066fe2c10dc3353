//! Everything about HTTP that no single endpoint owns: problems, extractors, limits, ids, metrics, serving.

pub mod client;
pub mod context;
pub mod extract;
pub mod guard;
pub mod language;
pub mod metrics;
pub mod page;
pub mod problem;
pub mod rate_limit;
pub mod router;
pub mod server;
#[cfg(test)]
mod tests;
