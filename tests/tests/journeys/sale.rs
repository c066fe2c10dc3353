//! A sale in which the server is killed: whoever was answered has that voucher, and the same key never gets
//! another.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use reqwest::Method;
use serde_json::{Value, json};
use tanhui_tests::Outcome;

use crate::process::wait_for;
use crate::server::{Answer, Caller, Town, ride};
use crate::world::{World, each_store};

each_store!(a_server_is_killed_under_its_buyers);

const KEYS: u32 = 300;
const STOCK: u32 = 1_000;

async fn open_offer(town: &Town) -> Outcome<String> {
    let shop = town.world.run(&["merchant", "create", "Shop"]).await?.last_line().to_owned();
    let words = ["offer", "create", "--merchant", &shop, "--title", "票", "--title-en", "Ticket"];
    let terms =
        ["--price-points", "1", "--payout-fen", "100", "--stock", &STOCK.to_string()].map(str::to_owned);
    let words: Vec<String> = words.map(str::to_owned).into_iter().chain(terms).collect();
    Ok(town.world.run(&words).await?.last_line().to_owned())
}

/// Someone with some hundred points.
pub async fn rich(town: &Town, number: u32) -> Outcome<Caller> {
    let card = format!("card-{number}");
    let person = town.rider(&format!("1380000002{number}"), &card).await?;
    let rides: Vec<String> = (0..4)
        .map(|trip| ride(&format!("{card}-{trip}"), &card, "50", i64::from(24 * trip + 1)).to_string())
        .collect();
    town.metro().report("application/x-ndjson", rides.join("\n")).await?.ok()?;
    Ok(person)
}

pub async fn redeem(buyer: &Caller, offer: &str, key: u32) -> Outcome<Answer> {
    let wish = json!({ "offer_id": offer, "quantity": 1 });
    let key = format!("key-{key}");
    buyer.call(Method::POST, "/v1/redemptions", &wish, &[("idempotency-key", &key)]).await
}

/// The codes that were told before the server died, by key.
pub async fn buy_until_it_dies(
    buyer: &Caller,
    offer: &str,
    keys: Range<u32>,
) -> Outcome<HashMap<u32, Value>> {
    let mut told = HashMap::new();
    for key in keys {
        match redeem(buyer, offer, key).await {
            Ok(answer) if answer.status == 201 => {
                told.insert(key, answer.body["vouchers"][0]["code"].clone())
            }
            Ok(_) | Err(_) => break,
        };
    }
    Ok(told)
}

async fn until_sold(world: &World, enough: u32) -> Outcome {
    let raw = world.raw().await?;
    wait_for("some vouchers to be sold", || async {
        let sold = raw.number("SELECT COUNT(*) FROM vouchers").await?;
        Ok((sold >= i64::from(enough)).then_some(()))
    })
    .await?;
    raw.close().await
}

async fn a_server_is_killed_under_its_buyers(world: Arc<World>) -> Outcome {
    let mut town = Town::open(&world).await?;
    let offer = open_offer(&town).await?;
    let (anna, boris) = (rich(&town, 1).await?, rich(&town, 2).await?);
    let mut told: HashMap<u32, Value> = HashMap::new();
    for enough in [1, KEYS / 4] {
        let (anna, boris) = (anna.at(&town.server), boris.at(&town.server));
        let (one, other, struck) = tokio::join!(
            buy_until_it_dies(&anna, &offer, 0..KEYS / 2),
            buy_until_it_dies(&boris, &offer, KEYS / 2..KEYS),
            async {
                until_sold(&world, enough).await?;
                town.server.process().kill()
            }
        );
        struck?;
        for (key, code) in one?.into_iter().chain(other?) {
            assert_eq!(told.entry(key).or_insert_with(|| code.clone()), &code, "one voucher a key");
        }
        town.restart().await?;
    }
    assert!(told.len() < usize::try_from(KEYS)?, "killed too late");
    for key in 0..KEYS {
        let buyer = if key < KEYS / 2 { &anna } else { &boris };
        let answer = redeem(&buyer.at(&town.server), &offer, key).await?;
        let replayed = answer.headers.contains_key("idempotency-replayed");
        let code = answer.ok()?["vouchers"][0]["code"].clone();
        if let Some(known) = told.get(&key) {
            assert_eq!((known, replayed), (&code, true), "key {key}");
        }
    }
    let shelf = anna.at(&town.server).get(&format!("/v1/offers/{offer}")).await?.ok()?;
    assert_eq!(shelf["stock_left"], STOCK - KEYS);
    assert_eq!(world.audit().await?["totals"]["POINTS"]["spent"], KEYS);
    Ok(())
}
