//! The ledger itself: one journal, one programme account, a citizen's account each, and the template by which
//! a
//! credit moves both assets from the programme to the citizen.

use cala_ledger::account::NewAccount;
use cala_ledger::journal::NewJournal;
use cala_ledger::tx_template::{
    NewParamDefinition, NewTxTemplate, NewTxTemplateEntry, NewTxTemplateTransaction, ParamDataType, Params,
};
use cala_ledger::{AccountId, CalaLedger, CalaLedgerConfig, DebitOrCredit, JournalId, job};
use rust_decimal::Decimal;
use sqlx::postgres::PgPoolOptions;
use uuid::Uuid;

use crate::Outcome;

/// The template's code.
pub const TEMPLATE: &str = "CREDIT";
/// The library takes ISO 4217 codes only: its code for tests stands for points.
pub const POINTS: &str = "XTS";
/// Any other code stands for milligrams.
pub const REDUCTION: &str = "EUR";

const ACCOUNTS_PER_CALL: usize = 1_000;

/// Opens the ledger, migrating an empty database.
pub async fn open(url: &str, connections: u32) -> Outcome<(CalaLedger, job::Jobs)> {
    let pool = PgPoolOptions::new().max_connections(connections).connect(url).await?;
    let mut jobs = job::Jobs::init(job::JobSvcConfig::builder().pool(pool.clone()).build()?).await?;
    let config = CalaLedgerConfig::builder().pool(pool).exec_migrations(true).build()?;
    Ok((CalaLedger::init(config, &mut jobs).await?, jobs))
}

/// Makes journal, accounts and template.
pub async fn seed(url: &str, citizens: u32) -> Outcome<()> {
    let (cala, jobs) = open(url, 8).await?;
    cala.journals().create(NewJournal::builder().id(journal()).name("Credits").build()).await?;
    let programme_account = NewAccount::builder()
        .id(programme())
        .name("Programme")
        .code("programme")
        .normal_balance_type(DebitOrCredit::Debit)
        .build();
    cala.accounts().create(programme_account).await?;
    let all: Vec<u32> = (0..citizens).collect();
    for part in all.chunks(ACCOUNTS_PER_CALL) {
        let account = |number: &u32| {
            let name = format!("citizen-{number}");
            NewAccount::builder().id(citizen(*number)).name(name.clone()).code(name).build()
        };
        cala.accounts().create_all(part.iter().map(account).collect()).await?;
    }
    cala.tx_templates().create(template()?).await?;
    sqlx::query("ANALYZE").execute(cala.pool()).await?;
    jobs.shutdown().await?;
    Ok(())
}

/// The only journal.
pub fn journal() -> JournalId {
    JournalId::from(numbered(1, 0))
}

/// From where credits come.
pub fn programme() -> AccountId {
    AccountId::from(numbered(2, 0))
}

/// A citizen's account, by number.
pub fn citizen(number: u32) -> AccountId {
    AccountId::from(numbered(3, number))
}

fn numbered(kind: u32, number: u32) -> Uuid {
    Uuid::from_fields(kind, 0, 0x7000, &(0x8000_0000_0000_0000 + u64::from(number)).to_be_bytes())
}

/// What one credit says.
pub fn credit(number: u32, external_id: String, points: Decimal, milligrams: Decimal) -> Params {
    let mut params = Params::new();
    params.insert("programme", programme());
    params.insert("citizen", citizen(number));
    params.insert("external_id", external_id);
    params.insert("points", points);
    params.insert("milligrams", milligrams);
    params
}

fn template() -> Outcome<NewTxTemplate> {
    let takes = [
        ("programme", ParamDataType::Uuid),
        ("citizen", ParamDataType::Uuid),
        ("external_id", ParamDataType::String),
        ("points", ParamDataType::Decimal),
        ("milligrams", ParamDataType::Decimal),
    ];
    let mut params = Vec::new();
    for (name, kind) in takes {
        params.push(NewParamDefinition::builder().name(name).r#type(kind).build()?);
    }
    let mut entries = Vec::new();
    for (units, currency) in [("points", POINTS), ("milligrams", REDUCTION)] {
        for (account, direction) in [("programme", "DEBIT"), ("citizen", "CREDIT")] {
            let entry = NewTxTemplateEntry::builder()
                .entry_type(format!("'{units}_{direction}'"))
                .account_id(format!("params.{account}"))
                .layer("SETTLED")
                .direction(direction)
                .units(format!("params.{units}"))
                .currency(format!("'{currency}'"))
                .build()?;
            entries.push(entry);
        }
    }
    let transaction = NewTxTemplateTransaction::builder()
        .effective("date()")
        .journal_id(format!("uuid('{}')", journal()))
        .external_id("params.external_id")
        .build()?;
    let template = NewTxTemplate::builder().id(Uuid::now_v7()).code(TEMPLATE).params(params);
    Ok(template.transaction(transaction).entries(entries).build())
}
