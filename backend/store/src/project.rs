//! Public projects that points are given to, each with an account of its own.

use chrono::{DateTime, Utc};
use tanhui_domain::amount::Points;
use tanhui_domain::id::{CitizenId, CityId, OfferId, ProjectId, RedemptionId};
use tanhui_domain::ledger::OwnerKind;
use tanhui_domain::offer::Project;
use tanhui_domain::text::Text;

use crate::account;
use crate::database::{Connected, Transaction};
use crate::error::StoreError;
use crate::row::{Row, execute, micros, query_all, query_one};

const SELECT: &str = "SELECT p.id, p.city_id, p.title_zh, p.title_en, p.text_zh, p.text_en, a.points
    FROM projects p JOIN accounts a ON a.owner_id = p.id";

/// A new project with its account; made by a person, or by the operator.
pub async fn insert(
    on: &Transaction,
    project: &Project,
    by: Option<CitizenId>,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let sql =
        "INSERT INTO projects (id, city_id, title_zh, title_en, text_zh, text_en, created_by, created_at_us)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let values = [
        project.id.get().into(),
        project.city.get().into(),
        project.title.zh.clone().into(),
        project.title.en.clone().into(),
        project.text.zh.clone().into(),
        project.text.en.clone().into(),
        by.map(CitizenId::get).into(),
        micros(at).into(),
    ];
    execute(on, sql, values).await?;
    account::open(on, project.id.into(), project.city, OwnerKind::Project).await
}

/// One project with what was given to it.
pub async fn find<C: Connected>(on: &C, id: ProjectId) -> Result<Option<Project>, StoreError> {
    let row = query_one(on, &format!("{SELECT} WHERE p.id = $1"), [id.get().into()]).await?;
    row.as_ref().map(read).transpose()
}

/// Projects of every city in id order, beginning after an id.
pub async fn page<C: Connected>(
    on: &C,
    after: Option<ProjectId>,
    limit: i64,
) -> Result<Vec<Project>, StoreError> {
    let after = after.map_or(uuid::Uuid::nil(), ProjectId::get);
    let sql = format!("{SELECT} WHERE p.id > $1 ORDER BY p.id LIMIT $2");
    query_all(on, &sql, [after.into(), limit.into()]).await?.iter().map(read).collect()
}

/// What a citizen gave to a project at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Donation {
    /// The redemption that it was; the number of its certificate.
    pub id: RedemptionId,
    /// To which project.
    pub project: ProjectId,
    /// What it is called.
    pub title: Text,
    /// Through which offer.
    pub offer: OfferId,
    /// How many points.
    pub points: Points,
    /// When.
    pub given_at: DateTime<Utc>,
}

/// What a citizen gave, the last first, beginning before a redemption.
pub async fn donations<C: Connected>(
    on: &C,
    citizen: CitizenId,
    before: Option<RedemptionId>,
    limit: i64,
) -> Result<Vec<Donation>, StoreError> {
    let before = before.map_or(uuid::Uuid::max(), RedemptionId::get);
    let sql = "SELECT r.id, p.id, p.title_zh, p.title_en, r.offer_id, r.points, r.redeemed_at_us
               FROM redemptions r JOIN projects p ON p.id = r.project_id
               WHERE r.citizen_id = $1 AND r.id < $2 ORDER BY r.id DESC LIMIT $3";
    let rows = query_all(on, sql, [citizen.get().into(), before.into(), limit.into()]).await?;
    rows.iter()
        .map(|row| {
            Ok(Donation {
                id: RedemptionId::new(row.uuid(0)?),
                project: ProjectId::new(row.uuid(1)?),
                title: Text::new(row.text(2)?, row.text(3)?),
                offer: OfferId::new(row.uuid(4)?),
                points: Points::new(row.bigint(5)?),
                given_at: row.instant(6)?,
            })
        })
        .collect()
}

fn read(row: &Row) -> Result<Project, StoreError> {
    Ok(Project {
        id: ProjectId::new(row.uuid(0)?),
        city: CityId::new(row.bigint(1)?),
        title: Text::new(row.text(2)?, row.text(3)?),
        text: Text::new(row.text(4)?, row.text(5)?),
        points: Points::new(row.bigint(6)?),
    })
}
