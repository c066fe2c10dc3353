//! Turns foreign record files into CloudEvents; never touches a database.
