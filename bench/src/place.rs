//! Databases of the benchmark's own on a server of this machine: made, measured, copied and dropped.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;
use std::str::FromStr as _;

use serde::Serialize;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, Row as _};

use crate::error::BenchError;

/// Refuses any host but this machine.
pub fn refuse_beyond(what: &'static str, host: &str) -> Result<(), BenchError> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let is_here = bare == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    if is_here { Ok(()) } else { Err(BenchError::NotLoopback { what, host: host.to_owned() }) }
}

/// Refuses a Redis address that is none or beyond this machine.
pub fn check_redis(url: &str) -> Result<(), BenchError> {
    let uri = hyper::Uri::from_str(url).ok().filter(|uri| uri.scheme_str() == Some("redis"));
    let host = uri.as_ref().and_then(hyper::Uri::host);
    let host = host.ok_or_else(|| BenchError::Usage("--redis takes redis://HOST:PORT".to_owned()))?;
    refuse_beyond("Redis", host)
}

/// A PostgreSQL server of this machine.
#[derive(Debug, Clone)]
pub struct Place {
    options: PgConnectOptions,
    url: String,
}

impl Place {
    /// The server behind the URL of any of its databases; a superuser's, since databases are made.
    pub async fn open(url: &str) -> Result<Self, BenchError> {
        let options = PgConnectOptions::from_str(url)
            .map_err(|cause| BenchError::Usage(format!("--postgres: {cause}")))?;
        refuse_beyond("PostgreSQL", options.get_host())?;
        let place = Self { options: options.disable_statement_logging(), url: url.to_owned() };
        let admin = place.options.connect().await;
        let address = || format!("{}:{}", place.options.get_host(), place.options.get_port());
        admin.map_err(|cause| BenchError::Unreachable { address: address(), cause })?.close().await?;
        Ok(place)
    }

    /// The URL of one of its databases.
    pub fn url_of(&self, database: &str) -> String {
        let (address, query) = self
            .url
            .split_once('?')
            .map_or((self.url.as_str(), None), |(address, query)| (address, Some(query)));
        let head = address
            .match_indices('/')
            .nth(2)
            .map_or(address, |(slash, _)| address.get(..slash).unwrap_or(address));
        query.map_or_else(|| format!("{head}/{database}"), |query| format!("{head}/{database}?{query}"))
    }

    /// A connection to one of its databases.
    pub async fn connect(&self, database: &str) -> Result<PgConnection, BenchError> {
        Ok(self.options.clone().database(database).connect().await?)
    }

    /// Makes a database, empty or as a copy of one that nobody is connected to.
    pub async fn create(&self, database: &str, copy_of: Option<&str>) -> Result<(), BenchError> {
        let copied = copy_of.map(|other| format!(" TEMPLATE {other}")).unwrap_or_default();
        self.run(format!("CREATE DATABASE {database}{copied}")).await
    }

    /// Drops a database with whoever is still connected.
    pub async fn drop(&self, database: &str) -> Result<(), BenchError> {
        self.run(format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)")).await
    }

    /// Writes all dirty pages, so that no measurement pays for the one before.
    pub async fn checkpoint(&self) -> Result<(), BenchError> {
        self.run("CHECKPOINT".to_owned()).await
    }

    async fn run(&self, sql: String) -> Result<(), BenchError> {
        let mut admin = self.options.connect().await?;
        admin.execute(AssertSqlSafe(sql)).await?;
        Ok(admin.close().await?)
    }

    /// Bytes of write-ahead log since the server was made.
    pub async fn wal_bytes(&self) -> Result<u64, BenchError> {
        let mut admin = self.options.connect().await?;
        let sql = "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint";
        let bytes: i64 = sqlx::query_scalar(sql).fetch_one(&mut admin).await?;
        admin.close().await?;
        Ok(u64::try_from(bytes).unwrap_or(0))
    }

    /// The settings that decide what a commit costs, as the server tells them.
    pub async fn settings(&self) -> Result<BTreeMap<String, String>, BenchError> {
        let sql =
            "SELECT name, current_setting(name) FROM pg_settings WHERE name IN ('server_version', 'fsync',
            'synchronous_commit', 'full_page_writes', 'wal_sync_method', 'wal_level', 'shared_buffers',
            'max_wal_size', 'max_connections', 'autovacuum', 'jit', 'shared_preload_libraries')";
        let mut admin = self.options.connect().await?;
        let rows = sqlx::query(sql).fetch_all(&mut admin).await?;
        admin.close().await?;
        rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
    }

    /// Bytes of every table of a database with indexes and TOAST, partitions under their parent's name.
    pub async fn table_bytes(&self, database: &str) -> Result<BTreeMap<String, u64>, BenchError> {
        let sql = "SELECT COALESCE(pg_partition_root(c.oid), c.oid)::regclass::text,
                SUM(pg_total_relation_size(c.oid))::bigint
            FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace GROUP BY 1";
        let mut connection = self.connect(database).await?;
        let rows = sqlx::query(sql).fetch_all(&mut connection).await?;
        connection.close().await?;
        rows.iter()
            .map(|row| Ok((row.try_get(0)?, u64::try_from(row.try_get::<i64, _>(1)?).unwrap_or(0))))
            .collect()
    }
}

/// The URL of a database for a server: a new one of the place, or without a place an SQLite file in a folder.
pub async fn make(place: Option<&Place>, database: &str, folder: &Path) -> Result<String, BenchError> {
    match place {
        Some(place) => {
            place.create(database, None).await?;
            Ok(place.url_of(database))
        }
        None => Ok(format!("sqlite://{}", folder.join("bench.db").display())),
    }
}

/// What a table takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Growth {
    /// Its name.
    pub table: String,
    /// Bytes more than before, indexes included.
    pub bytes: u64,
}

/// What grew between two looks, largest first.
pub fn growth(before: &BTreeMap<String, u64>, after: &BTreeMap<String, u64>) -> Vec<Growth> {
    let mut grown: Vec<Growth> = after
        .iter()
        .map(|(table, bytes)| {
            let had = before.get(table).copied().unwrap_or(0);
            Growth { table: table.clone(), bytes: bytes.saturating_sub(had) }
        })
        .filter(|growth| growth.bytes > 0)
        .collect();
    grown.sort_by_key(|growth| std::cmp::Reverse(growth.bytes));
    grown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_loaded() {
        for here in ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost"] {
            refuse_beyond("PostgreSQL", here).unwrap();
        }
        for elsewhere in ["10.0.0.1", "0.0.0.0", "db.example.org", "localhost.example.org", "::2", ""] {
            let refusal = refuse_beyond("PostgreSQL", elsewhere).unwrap_err();
            assert!(matches!(refusal, BenchError::NotLoopback { .. }), "{elsewhere}");
        }
        check_redis("redis://127.0.0.1:6379").unwrap();
        check_redis("redis://user:pass@[::1]:6379/1").unwrap();
        for wrong in
            ["redis://cache:6379", "rediss://127.0.0.1", "127.0.0.1:6379", "redis+unix:///run/redis", ""]
        {
            check_redis(wrong).unwrap_err();
        }
    }

    #[tokio::test]
    async fn a_url_that_points_elsewhere_by_its_query_is_refused() {
        for url in ["postgres://a@10.1.1.1/x", "postgres://a@127.0.0.1/x?host=10.1.1.1"] {
            let refusal = Place::open(url).await.unwrap_err();
            assert!(matches!(refusal, BenchError::NotLoopback { .. }), "{url}: {refusal}");
        }
    }

    #[test]
    fn a_database_keeps_the_servers_address_and_options() {
        let place = |url: &str| Place { options: PgConnectOptions::new(), url: url.to_owned() };
        let cases = [
            ("postgres://u@127.0.0.1:5/postgres", "postgres://u@127.0.0.1:5/b"),
            ("postgres://u@127.0.0.1:5", "postgres://u@127.0.0.1:5/b"),
            ("postgres://u@127.0.0.1:5/p?sslmode=disable", "postgres://u@127.0.0.1:5/b?sslmode=disable"),
        ];
        for (url, expected) in cases {
            assert_eq!(place(url).url_of("b"), expected);
        }
    }

    #[test]
    fn growth_is_told_largest_first() {
        let sizes =
            |pairs: &[(&str, u64)]| pairs.iter().map(|(name, size)| ((*name).to_owned(), *size)).collect();
        let grown = growth(&sizes(&[("a", 5), ("b", 7)]), &sizes(&[("a", 6), ("b", 7), ("c", 3)]));
        let grown: Vec<(&str, u64)> = grown.iter().map(|it| (it.table.as_str(), it.bytes)).collect();
        assert_eq!(grown, [("c", 3), ("a", 1)]);
    }
}
