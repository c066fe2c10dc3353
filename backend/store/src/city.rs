//! Cities.

use tanhui_domain::city::City;
use tanhui_domain::id::{CityId, OwnerId};
use tanhui_domain::ledger::OwnerKind;
use tanhui_domain::text::Text;

use crate::account;
use crate::database::{Connected, Transaction};
use crate::error::StoreError;
use crate::row::{Row, query_all, query_one, query_row};

const COLUMNS: &str = "id, code, name_zh, name_en, timezone, programme_id";

/// All cities, in order of creation.
pub async fn list<C: Connected>(on: &C) -> Result<Vec<City>, StoreError> {
    let rows = query_all(on, &format!("SELECT {COLUMNS} FROM cities ORDER BY id"), []).await?;
    rows.iter().map(read).collect()
}

/// The city of a short name.
pub async fn find_by_code<C: Connected>(on: &C, code: &str) -> Result<Option<City>, StoreError> {
    let row = query_one(on, &format!("SELECT {COLUMNS} FROM cities WHERE code = $1"), [code.into()]).await?;
    row.as_ref().map(read).transpose()
}

/// A new city with its programme's account.
pub async fn insert(
    on: &Transaction,
    code: &str,
    name: &Text,
    timezone: &str,
    programme: OwnerId,
) -> Result<CityId, StoreError> {
    let row = query_row(
        on,
        "INSERT INTO cities (code, name_zh, name_en, timezone, programme_id) VALUES ($1, $2, $3, $4, $5) RETURNING id",
        [
            code.into(),
            name.zh.clone().into(),
            name.en.clone().into(),
            timezone.into(),
            programme.get().into(),
        ],
    )
    .await?;
    let city = CityId::new(row.bigint(0)?);
    account::open(on, programme, city, OwnerKind::Programme).await?;
    Ok(city)
}

fn read(row: &Row) -> Result<City, StoreError> {
    Ok(City {
        id: CityId::new(row.bigint(0)?),
        code: row.text(1)?,
        name: Text::new(row.text(2)?, row.text(3)?),
        timezone: row.known(4, |name| name.parse().ok())?,
        programme: OwnerId::new(row.uuid(5)?),
    })
}
