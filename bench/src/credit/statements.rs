//! How many SQL statements one posted batch costs, statements by PostgreSQL itself, apart from the measured
//! load.

use sqlx::{Connection as _, Executor as _, Row as _};

use super::field::Field;
use super::plan::{BATCHES, Cell};
use crate::error::BenchError;
use crate::load::{self, Bounds, Pace};
use crate::server::Server;

/// Batches that are posted one after another.
const BATCHES_COUNTED: i64 = 20;

/// Statements for one batch of 100; none where the server does not count, or on SQLite. What runs less often
/// than once a batch belongs to workers, or to the first use of something that is then remembered.
pub async fn count(field: &mut Field) -> Result<Option<u64>, BenchError> {
    let Some(place) = field.place.clone() else { return Ok(None) };
    let loaded = place.settings().await?.remove("shared_preload_libraries").unwrap_or_default();
    if !loaded.contains("pg_stat_statements") {
        return Ok(None);
    }
    let mut counter = place.connect(&field.names.ours).await?;
    counter.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements").await?;
    let server = Server::start(&field.program, &tracked(&field.url)).await?;
    counter.execute("SELECT pg_stat_statements_reset()").await?;
    let [_, hundred, _] = BATCHES;
    let cell = Cell { connections: 1, ..hundred };
    let events = u64::from(cell.batch).saturating_mul(BATCHES_COUNTED.unsigned_abs());
    let bounds = Bounds { warm_up: std::time::Duration::ZERO, time: None, events_max: events };
    field.begin_cell();
    let posters = field.posters(&server, &cell).await?;
    let tally = load::drive(posters, Pace::Closed, bounds).await?;
    field.also_credited(tally.acknowledged);
    server.stop().await?;
    let sql = "SELECT COALESCE(SUM(s.calls / $1), 0)::bigint FROM pg_stat_statements s
        JOIN pg_database d ON d.oid = s.dbid WHERE d.datname = current_database() AND s.calls >= $1";
    let statements: i64 = sqlx::query(sql).bind(BATCHES_COUNTED).fetch_one(&mut counter).await?.try_get(0)?;
    counter.close().await?;
    Ok(u64::try_from(statements).ok())
}

/// The URL with counting switched on for its connections, whatever the server's default is.
fn tracked(url: &str) -> String {
    let joint = if url.contains('?') { '&' } else { '?' };
    format!("{url}{joint}options[pg_stat_statements.track]=top")
}
