//! A draft of the rules beside the rules in force, over past events. Decides each event exactly as crediting
//! would, in event order. Must never read a file or keep an event longer than its block.
//!
//! Events come in [`Block`]s of columns. Formulas run down a block's columns; same acts, caps and budgets
//! follow event by event. The two sides know nothing of one another, so each can have a processor of its own;
//! a [`Comparison`] puts what they found side by side.

mod acts;
mod badges;
mod block;
mod bytes;
mod clock;
mod comparison;
mod counts;
mod desk;
mod funds;
mod lens;
mod looks;
mod quick;
mod reading;
mod report;
mod row;
mod shape;
mod side;
mod tally;
mod trail;
mod waiting;

pub use block::{BLOCK_ROWS, Block, Head, Horizon};
pub use bytes::RowError;
pub use comparison::Comparison;
pub use report::{BudgetUse, Decile, Difference, Fund, Named, Reached, Report, SideOf, Totals};
pub use row::{Happening, Row, card_number};
pub use shape::{Schema, SchemaError, Shape};
pub use side::{Played, Side, SideError};
pub use tally::{Count, Judged, Pair, Standing};
