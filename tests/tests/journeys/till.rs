//! The server is killed under tills and holders, and while it gives vouchers back: each voucher ends once.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::json;
use tanhui_tests::{Dice, Engine, Outcome, Raw};

use crate::market::{Held, Market, USE, at_till, buy, count, give_back, hold, points, word};
use crate::process::wait_for;
use crate::sale::{buy_until_it_dies, redeem, rich};
use crate::server::{Answer, Caller};
use crate::world::{World, each_store};

each_store!(a_server_is_killed_under_tills_and_holders, a_refund_is_killed_half_way);

/// Vouchers at the beginning, for tills, for their holder, and for both.
const VOUCHERS: usize = 90;
const ROUNDS: u32 = 3;
/// What is redeemed under keys meanwhile.
const KEYS: u32 = 60;

/// How often each voucher was said to be used or given back.
type Told = HashMap<String, u32>;

/// Does something with each of some vouchers until nobody answers any more; notes what was done.
async fn until_it_dies<Doing>(held: &[&Held], told: &mut Told, doing: impl Fn(Held) -> Doing)
where
    Doing: Future<Output = Outcome<Answer>>,
{
    for voucher in held {
        let Ok(answer) = doing((*voucher).clone()).await else { return };
        if word(&answer) == "done" {
            *told.entry(voucher.code.clone()).or_default() += 1;
        }
    }
}

/// All that is done with vouchers, at the till and by their holder at once.
async fn end_all(held: &[Held], till: &Caller, holder: &Caller) -> (Told, Told) {
    let with = |rest: usize| held.iter().enumerate().filter(move |(place, _)| place % 3 != rest);
    let for_tills: Vec<&Held> = with(1).map(|(_, one)| one).collect();
    let for_holder: Vec<&Held> = with(0).map(|(_, one)| one).collect();
    let (mut used, mut back) = (Told::new(), Told::new());
    let at_the_till = |voucher: Held| async move { at_till(till, USE, &voucher).await };
    let at_home = |voucher: Held| async move { give_back(holder, &voucher).await };
    tokio::join!(
        until_it_dies(&for_tills, &mut used, at_the_till),
        until_it_dies(&for_holder, &mut back, at_home)
    );
    (used, back)
}

fn add(sum: &mut Told, more: Told) {
    for (code, count) in more {
        *sum.entry(code).or_default() += count;
    }
}

async fn number(world: &World, sql: &str) -> Outcome<i64> {
    let raw = world.raw().await?;
    let number = raw.number(sql).await?;
    raw.close().await?;
    Ok(number)
}

async fn until_ended(world: &World, enough: i64) -> Outcome {
    let raw = world.raw().await?;
    wait_for("some vouchers to end", || async {
        let ended = raw.number("SELECT COUNT(*) FROM vouchers WHERE status <> 'live'").await?;
        Ok((ended >= enough).then_some(()))
    })
    .await?;
    raw.close().await
}

async fn a_server_is_killed_under_tills_and_holders(world: Arc<World>) -> Outcome {
    let mut market = Market::open(&world).await?;
    let offer = market.offer(1, 1_000).await?;
    let (anna, boris) = (rich(&market.town, 1).await?, rich(&market.town, 2).await?);
    let before = points(&anna).await?;
    let held = hold(&anna, &offer, VOUCHERS).await?;
    let mut dice = Dice::of_this_run();
    let (mut used, mut back) = (Told::new(), Told::new());
    for _ in 0..ROUNDS {
        let ended = number(&world, "SELECT COUNT(*) FROM vouchers WHERE status <> 'live'").await?;
        let server = &market.town.server;
        let (till, anna, boris) = (market.till.at(server), anna.at(server), boris.at(server));
        let (ends, bought, struck) =
            tokio::join!(end_all(&held, &till, &anna), buy_until_it_dies(&boris, &offer, 0..KEYS), async {
                until_ended(&world, ended + i64::from(dice.up_to(20))).await?;
                market.town.server.process().kill()
            });
        struck?;
        bought?;
        add(&mut used, ends.0);
        add(&mut back, ends.1);
        market.town.restart().await?;
    }
    let server = &market.town.server;
    let (till, anna, boris) = (market.till.at(server), anna.at(server), boris.at(server));
    let ends = end_all(&held, &till, &anna).await;
    add(&mut used, ends.0);
    add(&mut back, ends.1);
    for Held { code, .. } in &held {
        let told = [&used, &back].map(|told| told.get(code).copied().unwrap_or_default());
        assert!(told[0] + told[1] <= 1, "{code} was used {} times, given back {} times", told[0], told[1]);
    }
    for key in 0..KEYS {
        redeem(&boris, &offer, key).await?.ok()?;
    }
    assert_eq!(count(&boris, "live").await?, i64::from(KEYS), "one voucher a key");
    let (spent, kept) = (count(&anna, "used").await?, count(&anna, "cancelled").await?);
    assert_eq!(spent + kept, i64::try_from(VOUCHERS)?);
    assert_eq!(points(&anna).await?, before - spent);
    assert_eq!(market.owed().await?, [spent, 0, spent * 100]);
    world.audit().await.map(drop)
}

/// Four hundred vouchers each of two people: one has the points back, the other's row is held, the server
/// dies.
async fn a_refund_is_killed_half_way(world: Arc<World>) -> Outcome {
    let mut market = Market::open(&world).await?;
    let offer = market.offer(1, 1_000).await?;
    let (anna, boris) = (rich(&market.town, 1).await?, rich(&market.town, 2).await?);
    let before = (points(&anna).await?, points(&boris).await?);
    for citizen in [&anna, &boris] {
        for number in 0..20 {
            buy(citizen, &offer, 20, &format!("key-{number}")).await?.ok()?;
        }
    }
    let stop = json!({ "vouchers": "refund", "reason": { "zh": "检查", "en": "Inspection" } });
    let merchant = format!("/v1/city/merchants/{}", market.merchant);
    market.officer.post(&format!("{merchant}/suspend"), &stop).await?.ok()?;
    let me = boris.get("/v1/me").await?.ok()?;
    let id = me["id"].as_str().ok_or("no id")?;
    market.town.server.process().kill()?;

    let holder = hold_account(&world, id).await?;
    market.town.restart().await?;
    let (live, back) = ("status = 'live'", "status = 'refunded'");
    let counted = |status: &str| format!("SELECT COUNT(*) FROM vouchers WHERE {status}");
    let half = if holder.is_some() { 400 } else { 1 };
    let raw = world.raw().await?;
    wait_for("half of the refunds", || async {
        Ok((raw.number(&counted(back)).await? >= half).then_some(()))
    })
    .await?;
    market.town.server.process().kill()?;
    if let Some(holder) = holder {
        assert_eq!(raw.number(&counted(live)).await?, 400, "the other half waits");
        holder.execute("ROLLBACK").await?;
        holder.close().await?;
    }
    raw.close().await?;
    let audit = world.audit().await?;
    assert_eq!(audit["ok"], true);
    market.town.restart().await?;
    let officer = market.officer.at(&market.town.server);
    wait_for("the end of the refunds", || async {
        let found = officer.get(&merchant).await?.ok()?;
        Ok((found["vouchers"] == "refunded").then_some(()))
    })
    .await?;
    let (anna, boris) = (anna.at(&market.town.server), boris.at(&market.town.server));
    assert_eq!((points(&anna).await?, points(&boris).await?), before, "each point once");
    for citizen in [&anna, &boris] {
        assert_eq!(count(citizen, "refunded").await?, 400);
    }
    world.audit().await.map(drop)
}

/// Keeps a citizen's account from everyone, where rows can be locked.
async fn hold_account(world: &World, id: &str) -> Outcome<Option<Raw>> {
    if world.engine == Engine::Sqlite {
        return Ok(None);
    }
    let raw = world.raw().await?;
    raw.execute("BEGIN").await?;
    let held = raw.execute(&format!("UPDATE accounts SET city_id = city_id WHERE owner_id = '{id}'")).await?;
    assert_eq!(held, 1);
    Ok(Some(raw))
}
