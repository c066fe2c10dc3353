//! What the rules ask for besides the events of a batch: counts behind caps, look backs and budgets, and
//! where citizens live. Loads only what some claim asks for.

use std::collections::{BTreeSet, HashMap, HashSet};

use tanhui_domain::crediting::{Claim, CountOf, Counter, Needs, UsageBook};
use tanhui_domain::id::CitizenId;
use tanhui_domain::same_act::{ActBook, weeks_around};
use tanhui_domain::time::DayRange;
use tanhui_store::usage::UsageWindow;
use tanhui_store::{StoreError, Transaction, act_span, citizen, tally, usage};

use super::batch::Owned;

/// The districts of those whose acts some campaign asks it of.
pub(super) async fn districts(
    on: &Transaction,
    bound: &[Owned<'_>],
) -> Result<HashMap<CitizenId, String>, StoreError> {
    let asks = |(_, event, _): &&Owned<'_>| {
        event.action().is_some_and(|action| action.campaigns().any(|campaign| campaign.districts().is_some()))
    };
    let citizens: HashSet<CitizenId> = bound.iter().filter(asks).map(|(_, _, citizen)| *citizen).collect();
    if citizens.is_empty() {
        return Ok(HashMap::new());
    }
    let homes = citizen::homes(on, &citizens.into_iter().collect::<Vec<_>>()).await?;
    Ok(homes.into_iter().filter_map(|(citizen, district)| Some((citizen, district?))).collect())
}

/// The counts that the claims ask for. Those that other citizens' batches may change too are locked first.
pub(super) async fn load<'a, 'c>(
    on: &Transaction,
    claims: impl Iterator<Item = &'c Claim<'a>>,
) -> Result<UsageBook<'a>, StoreError>
where
    'a: 'c,
{
    let mut asked: HashSet<(Counter<'a>, DayRange)> = HashSet::new();
    for claim in claims {
        asked.extend(Needs::of(claim).all());
    }
    let (mut caps, mut tallies, mut shared) = (Vec::new(), Vec::new(), Vec::new());
    for (counter, range) in asked {
        match counter.of {
            CountOf::Granted(citizen) => caps.push((counter, citizen, range)),
            // Who waits is locked together with what was issued.
            CountOf::Read(_) | CountOf::Waiting(_) => tallies.push((counter, range)),
            CountOf::Shared(_) | CountOf::Issued(_) => {
                tallies.push((counter, range));
                shared.push(counter);
            }
        }
    }
    let mut book = UsageBook::default();
    tally::lock(on, &shared).await?;
    if !caps.is_empty() {
        let window = |(counter, citizen, range): &(Counter<'_>, CitizenId, DayRange)| UsageWindow {
            citizen: *citizen,
            action: counter.name.to_owned(),
            range: *range,
        };
        let windows: Vec<UsageWindow> = caps.iter().map(window).collect();
        let sums = usage::sums(on, &windows).await?;
        caps.into_iter().zip(sums).for_each(|((counter, _, range), used)| book.enter(counter, range, used));
    }
    if !tallies.is_empty() {
        let sums = tally::sums(on, &tallies).await?;
        tallies.into_iter().zip(sums).for_each(|((counter, range), used)| book.enter(counter, range, used));
    }
    Ok(book)
}

/// The counted acts that claims may be, where their actions ask for that. The citizens must be locked.
pub(crate) async fn acts<'a, 'c>(
    on: &Transaction,
    claims: impl Iterator<Item = &'c Claim<'a>>,
) -> Result<ActBook, StoreError>
where
    'a: 'c,
{
    let mut weeks = BTreeSet::new();
    for claim in claims {
        let Some(same) = claim.action.same_act() else { continue };
        let group = same.group();
        let near = weeks_around(claim.occurred_at);
        weeks.extend(near.into_iter().map(|week| (claim.citizen, group.to_owned(), week)));
    }
    if weeks.is_empty() {
        return Ok(ActBook::default());
    }
    Ok(ActBook::new(act_span::load(on, weeks.iter()).await?))
}

/// Writes the weeks of acts that are not as they were loaded.
pub(crate) async fn save_acts(on: &Transaction, acts: ActBook) -> Result<(), StoreError> {
    let changed = acts.into_changed();
    if changed.is_empty() { Ok(()) } else { act_span::save(on, &changed).await }
}
