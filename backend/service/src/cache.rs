//! The cache as the faces may use it: for rate limits and health. Boards and codes belong to their use cases.

pub use tanhui_store::cache::{Cache, CacheError, CacheHealth, Quota, RateDecision};
