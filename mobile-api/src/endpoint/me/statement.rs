//! `GET /v1/me/statement`: opening balance, postings, closing balance; they add up.

use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tanhui_domain::ledger::{Amounts, JournalKind};
use tanhui_domain::text::Text;
use tanhui_service::statement::{self, Bound, Entry, Range, RangeError, StatementQuery};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::http::extract::{Json, Me, Query};
use crate::http::page::{Cursor, Limit};
use crate::http::problem::{Code, Problem};
use crate::state::AppState;

const LIST: &str = "statement";

/// Which part of the account.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StatementParams {
    /// First civil day of the city, or first instant (RFC 3339). From the beginning when absent.
    #[param(example = "2026-03-01")]
    from: Option<String>,
    /// Last civil day of the city, which counts in full, or the first instant after (RFC 3339). Until
    /// now when absent.
    #[param(example = "2026-03-31")]
    to: Option<String>,
    /// Postings on a page, 1 to 100.
    #[serde(default)]
    limit: Limit,
    /// `next_cursor` of the page before. It keeps the range: leave `from` and `to` as they were, or out.
    cursor: Option<Cursor>,
}

/// Points and grams at one instant.
#[derive(Debug, Serialize, ToSchema)]
pub struct Amount {
    /// Points.
    points: i64,
    /// CO2e avoided, in milligrams.
    reduction_mg: i64,
}

/// One line of the account.
#[derive(Debug, Serialize, ToSchema)]
pub struct PostingAnswer {
    /// Its number on the account, from 1 without gaps.
    number: i64,
    /// `credit`, `payout` of points that had waited, `prize`, `redeem`, `cancel`, `use`, `expire`, `adjust`
    /// or `reverse`.
    #[schema(example = "credit")]
    kind: &'static str,
    /// The activity behind it, where there is one.
    activity_id: Option<Uuid>,
    /// The redemption behind it, where there is one.
    redemption_id: Option<Uuid>,
    /// The adjustment behind it, where there is one.
    adjustment_id: Option<Uuid>,
    /// The prize behind it, where there is one.
    award_id: Option<Uuid>,
    /// When it was written.
    recorded_at: DateTime<Utc>,
    /// Points added or taken.
    points: i64,
    /// Milligrams of CO2e added or taken.
    reduction_mg: i64,
    /// Points after it.
    points_after: i64,
    /// Milligrams of CO2e after it.
    reduction_after_mg: i64,
}

/// One page of a statement. Opening plus the postings of all pages is closing.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatementAnswer {
    /// First instant inside; null from the beginning.
    from: Option<DateTime<Utc>>,
    /// First instant after.
    until: DateTime<Utc>,
    /// Just before `from`.
    opening: Amount,
    /// This page's lines, oldest first.
    postings: Vec<PostingAnswer>,
    /// Just before `until`.
    closing: Amount,
    /// Send this back for the next page; null on the last.
    next_cursor: Option<String>,
}

/// My statement over civil days or instants.
#[utoipa::path(get, path = "/v1/me/statement", tag = "me", security(("bearer" = [])), params(StatementParams),
    responses((status = 200, body = StatementAnswer)))]
pub async fn show(
    State(state): State<AppState>,
    me: Me,
    Query(params): Query<StatementParams>,
) -> Result<Json<StatementAnswer>, Problem> {
    let sealer = state.services.keys.cursor();
    let from = params.from.as_deref().map(|text| bound("/from", text)).transpose()?;
    let to = params.to.as_deref().map(|text| bound("/to", text)).transpose()?;
    let place: Option<(Range, i64)> = params.cursor.map(|cursor| cursor.read(sealer, LIST)).transpose()?;
    let range = statement::range(&state.services, me.city, from, to, place.map(|(range, _)| range));
    let range = range.await.map_err(range_problem)?;
    let after = place.map_or(0, |(_, after)| after);
    let query = StatementQuery { range, after, limit: params.limit.get().into() };
    let found = statement::statement(&state.services, me.id, query).await?;
    let next_cursor = match found.lines.last() {
        Some(last) if found.more => Some(Cursor::write(sealer, LIST, &(range, last.version))?),
        Some(_) | None => None,
    };
    Ok(Json(StatementAnswer {
        from: range.from,
        until: range.until,
        opening: amount(found.opening),
        postings: found.lines.iter().map(posting).collect(),
        closing: amount(found.closing),
        next_cursor,
    }))
}

fn bound(pointer: &str, text: &str) -> Result<Bound, Problem> {
    // An unescaped `+` of a zone arrives as a space.
    Bound::parse(&text.replace(' ', "+")).ok_or_else(|| {
        let detail = Text::new(
            "请用日期 2026-03-01 或带时区的 RFC 3339 时间",
            "send a date as in 2026-03-01, or RFC 3339 with a zone",
        );
        Problem::new(Code::InvalidQuery).field(pointer, detail)
    })
}

fn range_problem(error: RangeError) -> Problem {
    match error {
        RangeError::Backwards => Problem::new(Code::InvalidQuery)
            .field("/to", Text::new("to 早于 from", "`to` lies before `from`")),
        RangeError::OtherCursor => Problem::new(Code::InvalidCursor)
            .detail("from、to 与游标的范围不同。", "`from` or `to` differs from the cursor's range."),
        RangeError::Store(error) => error.into(),
    }
}

fn amount(amounts: Amounts) -> Amount {
    Amount { points: amounts.points.get(), reduction_mg: amounts.reduction.get() }
}

/// One line for its owner.
pub fn posting(line: &Entry) -> PostingAnswer {
    let mut answer = PostingAnswer {
        number: line.version,
        kind: line.kind.word(),
        activity_id: None,
        redemption_id: None,
        adjustment_id: None,
        award_id: None,
        recorded_at: line.recorded_at,
        points: line.amounts.points.get(),
        reduction_mg: line.amounts.reduction.get(),
        points_after: line.after.points.get(),
        reduction_after_mg: line.after.reduction.get(),
    };
    match line.kind {
        JournalKind::Credit | JournalKind::Reverse | JournalKind::Payout => answer.activity_id = line.cause,
        JournalKind::Redeem | JournalKind::Cancel | JournalKind::Use => answer.redemption_id = line.cause,
        JournalKind::Adjust => answer.adjustment_id = line.cause,
        JournalKind::Prize => answer.award_id = line.cause,
        JournalKind::Expire | JournalKind::Settle | JournalKind::Void => {}
    }
    answer
}
