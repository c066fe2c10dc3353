//! One PostgreSQL database a test, cloned from a template that the first process migrates.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use tanhui_store::{Database, Engine};

use crate::raw::Raw;
use crate::stage::FIRST_MONTH;
use crate::trouble::Outcome;

/// The setting that `cargo xtask test` always makes.
const URL_SETTING: &str = "TANHUI_TEST_POSTGRES_URL";
/// What the template's schema is made of: another one has a template of its own.
const STEPS: &str = include_str!("../../migrations/checksums.txt");
/// Any number that the program itself does not lock.
const TEMPLATE_LOCK: i64 = 0x7465_6d70_6c61;

/// The server's URL, where there is a server.
pub(crate) fn server() -> Option<String> {
    std::env::var(URL_SETTING).ok().filter(|url| !url.is_empty())
}

/// A database of this test alone.
pub(crate) struct Own {
    server: String,
    name: String,
}

impl Own {
    pub(crate) async fn create(server: &str) -> Outcome<Self> {
        let admin = Raw::connect(server, Engine::Postgres).await?;
        admin.execute(&format!("SELECT pg_advisory_lock({TEMPLATE_LOCK})")).await?;
        let template = template();
        make_template(&admin, server, &template).await?;
        admin.execute(&format!("SELECT pg_advisory_unlock({TEMPLATE_LOCK})")).await?;
        let name = format!("test_{}", uuid::Uuid::now_v7().simple());
        admin.execute(&format!("CREATE DATABASE {name} TEMPLATE {template}")).await?;
        admin.close().await?;
        Ok(Self { server: server.to_owned(), name })
    }

    pub(crate) fn url(&self) -> String {
        url_of(&self.server, &self.name)
    }

    pub(crate) async fn drop(self) -> Outcome {
        let admin = Raw::connect(&self.server, Engine::Postgres).await?;
        admin.execute(&format!("DROP DATABASE {} WITH (FORCE)", self.name)).await?;
        admin.close().await
    }
}

fn template() -> String {
    let mut hash = DefaultHasher::new();
    STEPS.hash(&mut hash);
    format!("tanhui_template_{:016x}", hash.finish())
}

/// A half-made template keeps its other name, so nobody clones it.
async fn make_template(admin: &Raw, server: &str, template: &str) -> Outcome {
    let sql = format!("SELECT COUNT(*) FROM pg_database WHERE datname = '{template}'");
    if admin.number(&sql).await? > 0 {
        return Ok(());
    }
    let making = format!("{template}_making");
    admin.execute(&format!("DROP DATABASE IF EXISTS {making} WITH (FORCE)")).await?;
    admin.execute(&format!("CREATE DATABASE {making}")).await?;
    let database = Database::connect(&url_of(server, &making)).await?;
    let (year, month) = FIRST_MONTH;
    database.migrate(year, month).await?;
    database.close().await?;
    admin.execute(&format!("ALTER DATABASE {making} RENAME TO {template}")).await.map(|_| ())
}

/// The server's URL with another database.
fn url_of(server: &str, name: &str) -> String {
    let head = server.rsplit_once('/').map_or(server, |(head, _)| head);
    format!("{head}/{name}")
}
