//! Activities of the database as rows, in the order in which they were recorded.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use chrono::NaiveDate;
use tanhui_domain::city::City;
use tanhui_domain::crediting::card_id;
use tanhui_domain::id::{CitizenId, CityId};
use tanhui_domain::rule::{Action, Cap, CapScope, Receipt, RuleSet};
use tanhui_domain::simulation::{Happening, Row, Schema};
use tanhui_domain::time::day_start;
use tanhui_store::past::{self, PastActivity};
use tanhui_store::{Database, StoreError};

use super::kept::{Keeper, Kept};
use super::{Phase, Progress, SimulationError};
use crate::rule_book::{PublishedRuleSet, RuleBook};

/// Which activities.
#[derive(Debug, Clone, Copy)]
pub struct Stored<'a> {
    /// Whose.
    pub city: &'a City,
    /// From which civil day of the acts on.
    pub from: Option<NaiveDate>,
    /// To which civil day, which is in.
    pub to: Option<NaiveDate>,
    /// Where they are kept; a temporary file where it is not said.
    pub keep: Option<&'a Path>,
}

/// Keeps activities of the database. Those that were reversed are left out; the district is the one that the
/// decision saw, or today's. Which card an act came from is known where its citizen had one card at its
/// source.
pub async fn read_stored(
    database: &Database,
    book: &RuleBook,
    rules: [&RuleSet; 2],
    stored: Stored<'_>,
    progress: Progress<'_>,
) -> Result<Kept, SimulationError> {
    book.refresh(database).await?;
    let published = book.of_city(stored.city.id);
    let all: Vec<&RuleSet> =
        rules.into_iter().chain(published.iter().map(|published| &published.rules)).collect();
    let on = database.snapshot().await?;
    let districts = past::districts(&on, stored.city.id).await?;
    let schema = Schema::of(&all, districts)?;
    let mut rows = Rows::new(stored.city.id, &published, &schema)?;
    let mut keeper = Keeper::create(stored.keep, schema)?;
    let zone = rules.map(RuleSet::timezone)[0];
    let range = past::Range {
        city: stored.city.id,
        from: stored.from.map(|day| day_start(day, zone)),
        until: stored.to.and_then(|day| day.succ_opt()).map(|day| day_start(day, zone)),
        with_cards: rules.iter().any(|rules| asks_for_cards(rules)),
    };
    let of = past::count(&on, &range).await?;
    let (mut reader, mut done) = (past::Reader::open(&on, range).await?, 0_u64);
    loop {
        let page = reader.next(&on).await?;
        if page.is_empty() {
            break;
        }
        for activity in &page {
            keeper.add(&rows.row(activity)?)?;
        }
        done = done.saturating_add(u64::try_from(page.len()).unwrap_or(0));
        progress(Phase::Reading, done, of);
    }
    on.commit().await?;
    keeper.finish()
}

fn asks_for_cards(rules: &RuleSet) -> bool {
    let of_card = |cap: &Cap| cap.scope() == CapScope::Binding;
    rules.actions().any(|action| action.caps().iter().any(of_card))
}

/// Makes rows of activities.
struct Rows<'p> {
    city: CityId,
    published: &'p [Arc<PublishedRuleSet>],
    /// The shape of each action of each rule set.
    shapes: HashMap<(i64, &'p str), u16>,
    districts: HashMap<String, u16>,
    citizens: HashMap<CitizenId, u32>,
}

impl<'p> Rows<'p> {
    fn new(
        city: CityId,
        published: &'p [Arc<PublishedRuleSet>],
        schema: &Schema,
    ) -> Result<Self, SimulationError> {
        let mut shapes = HashMap::new();
        for set in published {
            for action in set.rules.actions() {
                let shape = schema.shape_of(action).ok_or(SimulationError::TooMany("actions"))?;
                shapes.insert((set.id.get(), action.id()), shape);
            }
        }
        let mut districts = HashMap::new();
        for (name, place) in schema.districts.iter().zip(1_usize..) {
            let number = u16::try_from(place).map_err(|_| SimulationError::TooMany("districts"))?;
            districts.insert(name.clone(), number);
        }
        Ok(Self { city, published, shapes, districts, citizens: HashMap::new() })
    }

    fn row(&mut self, past: &PastActivity) -> Result<Row, SimulationError> {
        let activity = &past.activity;
        let unreadable = |what: &str| {
            SimulationError::Store(StoreError::Corrupt(format!("activity {}: {what}", activity.id)))
        };
        let set = self.published.iter().find(|set| set.id == activity.rule_set);
        let set = set.ok_or_else(|| unreadable("no such rule set"))?;
        let action = set.rules.action(&activity.action).ok_or_else(|| unreadable("no such action"))?;
        let shape = self.shapes.get(&(set.id.get(), action.id())).copied();
        let shape = shape.ok_or_else(|| unreadable("no such shape"))?;
        let receipt = Receipt::from_bytes(action, activity.occurred_at, &activity.receipt)
            .map_err(|error| unreadable(&error.to_string()))?;
        let mut row =
            row_of(shape, action, &receipt, &set.rules).ok_or_else(|| unreadable("foreign inputs"))?;
        let district = receipt.district.as_ref().or(past.district.as_ref());
        let next = u32::try_from(self.citizens.len()).map_err(|_| SimulationError::TooMany("citizens"))?;
        row.citizen = *self.citizens.entry(activity.citizen).or_insert(next);
        row.district = district.and_then(|name| self.districts.get(name)).copied().unwrap_or(0);
        let known = past.card.map(|hash| card_id(self.city, activity.source, &hash));
        row.card = receipt.card.or(known).map_or(0, |card| card.get().as_u64_pair().0.max(1));
        row.reviewed = receipt.reviewed;
        let behind = activity.recorded_at.signed_duration_since(activity.occurred_at);
        // What came later than its rules take waited for its subject, and was in time when it came.
        let taken = set.rules.accept_of(action).late.map_or(behind, |late| behind.min(late));
        Ok(row.reported(taken))
    }
}

fn row_of(shape: u16, action: &Action, receipt: &Receipt, rules: &RuleSet) -> Option<Row> {
    let when = Happening { at: receipt.occurred_at, zone: rules.timezone() };
    Row::of(shape, action, &receipt.inputs, when, receipt.evidence)
}
