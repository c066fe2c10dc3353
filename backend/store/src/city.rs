//! Cities.

use tanhui_domain::city::City;
use tanhui_domain::id::{CityId, OwnerId};
use tanhui_domain::ledger::OwnerKind;
use tanhui_domain::text::Text;

use crate::account;
use crate::database::{Connected, Transaction};
use crate::error::StoreError;
use crate::row::{Row, execute, query_all, query_one, query_row};

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

/// What the boards of a city follow: the number of postings of its programme, and how often somebody stepped
/// on or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BoardVersion {
    /// Every change of the city's books adds one.
    pub books: i64,
    /// Every change of who may be shown where adds one.
    pub epoch: i64,
}

/// The present version of a city's boards.
pub async fn board_version<C: Connected>(on: &C, id: CityId) -> Result<BoardVersion, StoreError> {
    let sql = "SELECT a.version, c.boards_epoch FROM cities c JOIN accounts a
               ON a.owner_id = c.programme_id WHERE c.id = $1";
    let row = query_row(on, sql, [id.get().into()]).await?;
    Ok(BoardVersion { books: row.bigint(0)?, epoch: row.bigint(1)? })
}

/// Makes all boards of a city be built anew, since somebody stepped on or off.
pub async fn renew_boards(on: &Transaction, id: CityId) -> Result<(), StoreError> {
    let sql = "UPDATE cities SET boards_epoch = boards_epoch + 1 WHERE id = $1";
    execute(on, sql, [id.get().into()]).await.map(|_| ())
}

/// The owner of a city's programme account.
pub async fn programme<C: Connected>(on: &C, id: CityId) -> Result<OwnerId, StoreError> {
    let row = query_row(on, "SELECT programme_id FROM cities WHERE id = $1", [id.get().into()]).await?;
    Ok(OwnerId::new(row.uuid(0)?))
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
        "INSERT INTO cities (code, name_zh, name_en, timezone, programme_id, boards_epoch)
         VALUES ($1, $2, $3, $4, $5, 0) RETURNING id",
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
