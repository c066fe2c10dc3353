//! End to end: real server, real databases, real files.
