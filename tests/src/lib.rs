//! What every suite stands on: one database a test on either engine, a told clock, seeded ids.
//!
//! Never stands in for a database: what is tested runs against PostgreSQL and SQLite themselves.

mod books;
mod clock;
mod dice;
mod ids;
mod postgres;
mod programme;
mod raw;
mod slow;
mod stage;
mod town;
mod trouble;
mod wire;

pub use books::{Books, Credit};
pub use clock::FixedClock;
pub use dice::Dice;
pub use ids::{Ids, id, subject};
pub use programme::{Programme, Ride, publish, rules_from, rules_of, rules_of_travel};
pub use raw::Raw;
pub use slow::Slow;
pub use stage::{FIRST_INSTANT, Stage, run, until};
pub use tanhui_store::Engine;
pub use town::Town;
pub use trouble::{Outcome, Trouble};
pub use wire::Wire;

/// Makes two tests of each named function, `name::sqlite` and `name::postgres`.
#[macro_export]
macro_rules! each_database {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            #[test]
            fn sqlite() -> $crate::Outcome {
                $crate::run($crate::Engine::Sqlite, super::$name)
            }

            #[test]
            fn postgres() -> $crate::Outcome {
                $crate::run($crate::Engine::Postgres, super::$name)
            }
        }
    )+};
}

/// Makes one test of each named function, on PostgreSQL only: for what SQLite does not have.
#[macro_export]
macro_rules! on_postgres {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            #[test]
            fn postgres() -> $crate::Outcome {
                $crate::run($crate::Engine::Postgres, super::$name)
            }
        }
    )+};
}

/// Makes one test of each named function, on SQLite only: for what PostgreSQL does not have.
#[macro_export]
macro_rules! on_sqlite {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            #[test]
            fn sqlite() -> $crate::Outcome {
                $crate::run($crate::Engine::Sqlite, super::$name)
            }
        }
    )+};
}
