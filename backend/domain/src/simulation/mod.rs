//! A draft of the rules beside the rules in force, over past events. Decides each event exactly as crediting
//! would, citizen by citizen in event order. Must never read a file or keep an event longer than its turn.
//!
//! Caps look at one citizen alone, so citizens can be shared out among as many [`Comparison`]s as there are
//! processors, and what those found is joined at the end.

mod comparison;
mod report;
mod row;
mod shape;
mod side;
mod tally;

pub use comparison::Comparison;
pub use report::{Decile, Difference, Named, Report, Totals};
pub use row::{Row, RowError};
pub use shape::{Schema, SchemaError, Shape};
pub use side::SideError;
pub use tally::{Count, Pair};
