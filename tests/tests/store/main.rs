//! Every store function on PostgreSQL and on SQLite.

mod schema;
