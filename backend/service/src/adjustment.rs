//! Corrections of a citizen's balances by two people: one proposes with a reason, another decides.
//!
//! Points up are a lot like any other; points down come from lots that can be spent. Nothing falls below
//! zero.

use chrono::{DateTime, Utc};
use tanhui_domain::amount::{Points, ReductionMg};
use tanhui_domain::city::City;
use tanhui_domain::id::{AdjustmentId, CitizenId};
use tanhui_domain::ledger::{
    Amounts, InsufficientPoints, JournalKind, Lot, LotGrant, LotKey, NEVER, PostingError, take_from_lots,
};
use tanhui_domain::office::{Act, Actor, Adjustment, AdjustmentStatus, Deed, reason_fits};
use tanhui_domain::text::Text;
use tanhui_domain::time::civil_day;
use tanhui_store::{StoreError, Transaction, adjustment, citizen, lot, office_log};

use crate::Services;
use crate::draft::{Draft, overflow, unpostable};
use crate::random::Random;
use crate::retry::{Repeatable, retrying};

/// Most points of one adjustment, up or down.
pub const POINTS_MAX: i64 = 1_000_000;
/// Most milligrams of one adjustment, up or down: a thousand tonnes.
pub const REDUCTION_MAX_MG: i64 = 1_000_000_000_000;

/// Why an adjustment was not proposed or decided.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AdjustmentError {
    /// No such citizen in this city.
    #[error("no such citizen")]
    NoCitizen,
    /// No such adjustment in this city.
    #[error("no such adjustment")]
    NoAdjustment,
    /// Nothing, or too much.
    #[error("1 to {POINTS_MAX} points or 1 to {REDUCTION_MAX_MG} mg, up or down")]
    Amount,
    /// The reason is missing in one language, or too long.
    #[error("give a reason in Chinese and English, 1 to 500 bytes each")]
    Reason,
    /// Whoever proposed it may not decide it.
    #[error("an adjustment is decided by another person than the one who proposed it")]
    SamePerson,
    /// It was decided before.
    #[error("the adjustment was {} before", .0.word())]
    Decided(AdjustmentStatus),
    /// The citizen has fewer points than are to be taken.
    #[error(transparent)]
    InsufficientPoints(#[from] InsufficientPoints),
    /// The citizen has fewer grams than are to be taken.
    #[error("the citizen has fewer grams than that")]
    InsufficientReduction,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Repeatable for AdjustmentError {
    fn is_repeatable(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_repeatable())
    }
}

/// What is to be corrected.
#[derive(Debug, Clone)]
pub struct Proposal {
    /// Whose balances.
    pub citizen: CitizenId,
    /// Points up or down.
    pub points: Points,
    /// Grams up or down.
    pub reduction: ReductionMg,
    /// Why, for the citizen.
    pub reason: Text,
}

/// Writes down a proposal; moves nothing.
pub async fn propose(
    services: &Services,
    city: &City,
    by: CitizenId,
    proposal: Proposal,
) -> Result<Adjustment, AdjustmentError> {
    let Proposal { citizen, points, reduction, reason } = proposal;
    let within = points.get().unsigned_abs() <= POINTS_MAX.unsigned_abs()
        && reduction.get().unsigned_abs() <= REDUCTION_MAX_MG.unsigned_abs();
    if !within || (points == Points::ZERO && reduction == ReductionMg::ZERO) {
        return Err(AdjustmentError::Amount);
    }
    if !reason_fits(&reason) {
        return Err(AdjustmentError::Reason);
    }
    let known = citizen::find(&services.database, citizen).await?;
    known.filter(|known| known.city == city.id).ok_or(AdjustmentError::NoCitizen)?;
    let now = services.clock.now();
    let proposed = Adjustment {
        id: AdjustmentId::new(services.random.uuid_at(now)),
        city: city.id,
        citizen,
        status: AdjustmentStatus::Proposed,
        points,
        reduction,
        reason,
        proposed_by: by,
        proposed_at: now,
        decided_by: None,
        decided_at: None,
    };
    let transaction = services.database.begin().await?;
    adjustment::insert(&transaction, &proposed).await?;
    office_log::insert(&transaction, &deed(&proposed, Act::AdjustmentProposed, by, now)).await?;
    transaction.commit().await?;
    Ok(proposed)
}

/// What a second person says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Post it.
    Approve,
    /// Throw it away.
    Refuse,
}

/// Decides a proposal of somebody else, once.
pub async fn decide(
    services: &Services,
    city: &City,
    id: AdjustmentId,
    by: CitizenId,
    verdict: Verdict,
) -> Result<Adjustment, AdjustmentError> {
    let now = services.clock.now();
    retrying(|again| try_to_decide(services, city, id, by, verdict, (now, again))).await
}

async fn try_to_decide(
    services: &Services,
    city: &City,
    id: AdjustmentId,
    by: CitizenId,
    verdict: Verdict,
    (now, again): (DateTime<Utc>, bool),
) -> Result<Adjustment, AdjustmentError> {
    let transaction = services.database.begin().await?;
    let (status, act) = match verdict {
        Verdict::Approve => (AdjustmentStatus::Approved, Act::AdjustmentApproved),
        Verdict::Refuse => (AdjustmentStatus::Refused, Act::AdjustmentRefused),
    };

    // 1. Load and lock the citizen, under whose lock all decisions about them are made.
    let found = adjustment::find(&transaction, city.id, id).await?.ok_or(AdjustmentError::NoAdjustment)?;
    let mut draft = Draft::open(&transaction, found.citizen).await?.ok_or(AdjustmentError::NoCitizen)?;
    let found = adjustment::find(&transaction, city.id, id).await?.ok_or(AdjustmentError::NoAdjustment)?;
    if found.proposed_by == by {
        return Err(AdjustmentError::SamePerson);
    }
    let decided = Adjustment { status, decided_by: Some(by), decided_at: Some(now), ..found.clone() };
    if found.status != AdjustmentStatus::Proposed {
        // An earlier try at this very instant was committed and its answer lost.
        return if again && found == decided {
            Ok(found)
        } else {
            Err(AdjustmentError::Decided(found.status))
        };
    }

    // 2. Decide, write.
    match verdict {
        Verdict::Approve => post(services, &transaction, city, &mut draft, &found, now).await?,
        Verdict::Refuse => {}
    }
    if !adjustment::decide(&transaction, id, status, by, now).await? {
        return Err(AdjustmentError::Decided(status));
    }
    office_log::insert(&transaction, &deed(&found, act, by, now)).await?;
    draft.write(&transaction, city, now).await?;

    // 3. Commit, then answer.
    transaction.commit().await?;
    Ok(decided)
}

async fn post(
    services: &Services,
    on: &Transaction,
    city: &City,
    draft: &mut Draft,
    adjustment: &Adjustment,
    now: DateTime<Utc>,
) -> Result<(), AdjustmentError> {
    let today = civil_day(now, city.timezone);
    let lots: Vec<Lot> = draft.tidy(on, today).await?;
    let citizen = adjustment.citizen;
    if adjustment.points > Points::ZERO {
        let rules = services.rules.in_force(city.id, now);
        let expires_on = rules.and_then(|rules| rules.rules.expires_on(today)).unwrap_or(NEVER);
        let grant = LotGrant { citizen, key: LotKey::until(expires_on), points: adjustment.points };
        lot::grant(on, &[grant]).await?;
    } else if adjustment.points < Points::ZERO {
        let takes = take_from_lots(&lots, adjustment.points.negated().map_err(overflow)?, today)?;
        lot::take(on, citizen, adjustment.id.get(), &takes).await?;
    }
    let amounts = Amounts::credit(adjustment.points, adjustment.reduction);
    match draft.post(JournalKind::Adjust, amounts, Some(adjustment.id.get())) {
        Err(PostingError::BelowZero) => Err(AdjustmentError::InsufficientReduction),
        outcome => Ok(outcome.map_err(unpostable)?),
    }
}

fn deed(adjustment: &Adjustment, act: Act, by: CitizenId, now: DateTime<Utc>) -> Deed {
    Deed {
        city: adjustment.city,
        act,
        subject: adjustment.id.get(),
        citizen: Some(adjustment.citizen),
        actor: Actor::Person(by),
        reason: adjustment.reason.clone(),
        done_at: now,
    }
}

/// One adjustment of a city.
pub async fn find(
    services: &Services,
    city: &City,
    id: AdjustmentId,
) -> Result<Option<Adjustment>, StoreError> {
    adjustment::find(&services.database, city.id, id).await
}

/// Adjustments of a city, the last proposed first, beginning before one.
pub async fn page(
    services: &Services,
    city: &City,
    before: Option<AdjustmentId>,
    limit: i64,
) -> Result<Vec<Adjustment>, StoreError> {
    adjustment::page(&services.database, city.id, before, limit).await
}
