//! cala-ledger under the load of `tanhui bench credit`: the same amounts, one transaction an event.
//!
//! `seed URL CITIZENS` makes the ledger in an empty database; `run URL CITIZENS BATCH TASKS MILLIS
//! WARM_MILLIS
//! POINTS MILLIGRAMS` measures one cell, compares every balance with what was posted, and prints a line of
//! JSON.
//! A batch of 1 is a single posting; a larger one is the library's batch call.

mod books;
mod cell;

use std::error::Error;

/// Whatever went wrong; the benchmark shows it and stops.
pub type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const USAGE: &str =
    "seed URL CITIZENS | run URL CITIZENS BATCH TASKS MILLIS WARM_MILLIS POINTS MILLIGRAMS";

#[tokio::main]
async fn main() -> Outcome<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["seed", url, citizens] => books::seed(url, citizens.parse()?).await,
        ["run", url, citizens, batch, tasks, millis, warm, points, milligrams] => {
            let cell = cell::Cell {
                citizens: citizens.parse()?,
                batch: batch.parse()?,
                tasks: tasks.parse()?,
                millis: millis.parse()?,
                warm_millis: warm.parse()?,
                points: points.parse::<i64>()?.into(),
                milligrams: milligrams.parse::<i64>()?.into(),
            };
            println!("{}", cell::run(url, cell).await?);
            Ok(())
        }
        _ => Err(USAGE.into()),
    }
}
