//! Partners who send many rides and send again what was not acknowledged, and what must be there afterwards.

use std::cell::Cell;
use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use tanhui_tests::{Dice, Outcome};

use crate::process::wait_for;
use crate::server::{Answer, Caller, METRO, Town};
use crate::world::World;

/// Riders, whose cards are bound.
pub const RIDERS: u32 = 4;
const BATCHES: u32 = 24;
pub const EVENTS_EACH: u32 = 50;
const EVENTS: u32 = BATCHES * EVENTS_EACH;
/// How many partners send at once.
const SENDERS: u32 = 3;

/// What was acknowledged: each event's answer by its id.
pub type Acknowledged = HashMap<String, Value>;

/// How far partners are.
#[derive(Debug, Default)]
pub struct Watch {
    /// How often they were asked to come again.
    pub refusals: Cell<u32>,
    all_sent: Cell<bool>,
}

impl Watch {
    /// Waits until somebody is refused, or there is nothing left to refuse.
    pub async fn until_refused(&self) -> Outcome {
        wait_for("a refusal", || async { Ok((self.refusals.get() > 0 || self.all_sent.get()).then_some(())) })
            .await
    }
}

/// The rides of a round, no two rounds the same: 1 km each, at most five for a rider and day, which no cap
/// trims.
#[derive(Debug, Clone)]
pub struct Load {
    round: u32,
    begun: DateTime<Utc>,
}

impl Load {
    /// The rides of a round.
    pub fn of(round: u32) -> Self {
        Self { round, begun: Utc::now() }
    }

    fn batch(&self, number: u32) -> String {
        let rides = (number * EVENTS_EACH..(number + 1) * EVENTS_EACH).map(|ride| {
            let days = i64::from(self.round * EVENTS / (RIDERS * 5) + ride / (RIDERS * 5) + 1);
            let at = self.begun - TimeDelta::days(days);
            json!({
                "specversion": "1.0", "id": format!("ride-{}-{ride}", self.round), "source": METRO,
                "time": at.to_rfc3339(), "type": "activity.metro_ride",
                "subject": format!("card-{}", ride % RIDERS), "data": { "distance_km": 1 },
            })
            .to_string()
        });
        rides.collect::<Vec<_>>().join("\n")
    }

    pub async fn send(&self, metro: &Caller, number: u32) -> Outcome<Answer> {
        metro.report("application/x-ndjson", self.batch(number)).await
    }

    /// Posts a batch that must be taken.
    pub async fn post(&self, metro: &Caller, number: u32) -> Outcome<Vec<Value>> {
        Ok(results(&self.send(metro, number).await?.ok()?))
    }

    /// What partners get acknowledged until the server dies.
    pub async fn send_until_it_dies(&self, metro: &Caller) -> Outcome<Acknowledged> {
        let share = |sender: u32| async move {
            let mut acknowledged = Acknowledged::new();
            for number in (sender..BATCHES).step_by(usize::try_from(SENDERS)?) {
                let Ok(results) = self.post(metro, number).await else { break };
                acknowledged.extend(results.into_iter().map(|result| (id_of(&result), result)));
            }
            Outcome::Ok(acknowledged)
        };
        let (one, two, three) = tokio::try_join!(share(0), share(1), share(2))?;
        Ok(one.into_iter().chain(two).chain(three).collect())
    }

    /// What partners get acknowledged by a server that lives on.
    pub async fn send_until_acknowledged(&self, metro: &Caller, watch: &Watch) -> Outcome<Acknowledged> {
        let share = |sender: u32| async move {
            let mut acknowledged = Acknowledged::new();
            for number in (sender..BATCHES).step_by(usize::try_from(SENDERS)?) {
                let taken =
                    wait_for("a batch to be taken", || self.try_to_send(metro, number, &watch.refusals));
                acknowledged.extend(taken.await?.into_iter().map(|result| (id_of(&result), result)));
            }
            Outcome::Ok(acknowledged)
        };
        let (one, two, three) = tokio::try_join!(share(0), share(1), share(2))?;
        watch.all_sent.set(true);
        Ok(one.into_iter().chain(two).chain(three).collect())
    }

    /// The results of a batch; none where the server asks to come again.
    async fn try_to_send(
        &self,
        metro: &Caller,
        number: u32,
        refusals: &Cell<u32>,
    ) -> Outcome<Option<Vec<Value>>> {
        let answer = self.send(metro, number).await?;
        if answer.status == 200 {
            return Ok(Some(results(&answer.body)));
        }
        assert_eq!(answer.status, 503, "{answer:?}");
        assert!(answer.headers.contains_key("retry-after"), "{answer:?}");
        refusals.set(refusals.get() + 1);
        Ok(None)
    }

    /// Everything that was acknowledged is there as it was told, and everything once.
    pub async fn expect_once(&self, town: &Town, acknowledged: &Acknowledged) -> Outcome {
        let metro = town.metro();
        for number in 0..BATCHES {
            for result in self.post(&metro, number).await? {
                let known = acknowledged.get(&id_of(&result));
                assert!(known.is_none() || result["status"] == "duplicate", "{known:?} {result}");
                if let Some(known) = known {
                    assert_eq!(known["activity_id"], result["activity_id"]);
                }
            }
        }
        for (id, result) in acknowledged.iter().take(5) {
            let found = metro.get(&format!("/v1/partner/events/{id}")).await?.ok()?;
            assert_eq!(
                (&found["status"], &found["activity_id"]),
                (&json!("credited"), &result["activity_id"])
            );
        }
        let audit = town.world.audit().await?;
        let events = EVENTS * (self.round + 1);
        assert_eq!(audit["activities"]["credited"], events);
        assert_eq!(audit["totals"]["POINTS"]["issued"], events * 4);
        assert_eq!(audit["totals"]["CO2E"]["issued_mg"], u64::from(events) * 46_700);
        Ok(())
    }

    /// Waits until some of this round's rides are credited, how many is left to chance.
    pub async fn until_some_are_credited(&self, world: &World, dice: &mut Dice) -> Outcome {
        let before = i64::from(self.round * EVENTS);
        until_credited(world, before + dice.within(1, i64::from(EVENTS) / 2)).await
    }
}

/// Waits until so many activities are there.
pub async fn until_credited(world: &World, enough: i64) -> Outcome {
    let raw = world.raw().await?;
    wait_for("some rides to be credited", || async {
        Ok((raw.number("SELECT COUNT(*) FROM activities").await? >= enough).then_some(()))
    })
    .await?;
    raw.close().await
}

fn results(body: &Value) -> Vec<Value> {
    body["results"].as_array().cloned().unwrap_or_default()
}

fn id_of(result: &Value) -> String {
    result["id"].as_str().unwrap_or_default().to_owned()
}
