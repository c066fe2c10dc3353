//! The use cases on PostgreSQL and on SQLite, alone and with rivals; every test ends with an audit.

mod boards;
mod crediting;
mod redeeming;
mod waiting;
