//! SQL and Redis; rows never leave this room.

pub mod cache;
