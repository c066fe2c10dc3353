//! A shop that the operator set up, and what people do there over HTTP.

use std::sync::Arc;

use reqwest::Method;
use serde_json::{Value, json};
use tanhui_tests::Outcome;

use crate::server::{Answer, Caller, Town};
use crate::world::World;

pub const USE: &str = "/v1/merchant/vouchers/use";
pub const VOID: &str = "/v1/merchant/vouchers/void";
const STATEMENTS: &str = "/v1/city/statements";

pub struct Market {
    pub town: Town,
    pub merchant: String,
    pub till: Caller,
    /// May do all that the city office does.
    pub officer: Caller,
    /// May approve what the officer submits.
    pub second: Caller,
}

/// One voucher in someone's hands.
#[derive(Debug, Clone)]
pub struct Held {
    pub redemption: String,
    pub code: String,
}

impl Market {
    pub async fn open(world: &Arc<World>) -> Outcome<Self> {
        let town = Town::open(world).await?;
        let merchant = world.run(&["merchant", "create", "Market"]).await?.last_line().to_owned();
        let till = ["grant", "--phone", "13900000001", "--role", "merchant_staff", "--merchant", &merchant];
        world.done(&till).await?;
        for (phone, role) in [("1", "city_editor"), ("1", "city_approver"), ("2", "city_approver")] {
            world.done(&["grant", "--phone", &format!("1370000000{phone}"), "--role", role]).await?;
        }
        let till = town.server.person("13900000001").await?;
        let officer = town.server.person("13700000001").await?;
        let second = town.server.person("13700000002").await?;
        Ok(Self { town, merchant, till, officer, second })
    }

    /// A live offer whose use costs the city one yuan.
    pub async fn offer(&self, price: u32, stock: u32) -> Outcome<String> {
        let (price, stock) = (price.to_string(), stock.to_string());
        let words = ["offer", "create", "--merchant", &self.merchant, "--title", "票"];
        let terms = ["--price-points", &price, "--payout-fen", "100", "--stock", &stock];
        Ok(self.town.world.run(&[&words[..], &terms].concat()).await?.last_line().to_owned())
    }

    /// Takes a step with a statement.
    pub async fn step(&self, who: &Caller, statement: &str, step: &str) -> Outcome<Answer> {
        let note = if step == "pay" { json!({ "note": "bank 4711" }) } else { json!({}) };
        who.post(&format!("{STATEMENTS}/{statement}/{step}"), &note).await
    }

    /// Closes what is open; gives how many statements.
    pub async fn close(&self, who: &Caller) -> Outcome<i64> {
        let closed = who.post(STATEMENTS, &json!({})).await?.ok()?;
        Ok(closed["closed"].as_i64().ok_or("no count")?)
    }

    /// All statements, the first first.
    pub async fn statements(&self) -> Outcome<Vec<Value>> {
        let till = self.till.at(&self.town.server);
        Ok(till.all("/v1/merchant/statements", "items").await?.into_iter().rev().collect())
    }

    /// Uses, voids and fen of all statements together, with what was still open.
    pub async fn owed(&self) -> Outcome<[i64; 3]> {
        self.close(&self.officer.at(&self.town.server)).await?;
        let mut sums = [0; 3];
        for statement in self.statements().await? {
            for (sum, member) in sums.iter_mut().zip(["uses", "voids", "due_fen"]) {
                *sum += statement[member].as_i64().unwrap_or_default();
            }
        }
        Ok(sums)
    }
}

/// Redeems under a key.
pub async fn buy(citizen: &Caller, offer: &str, quantity: u32, key: &str) -> Outcome<Answer> {
    let wish = json!({ "offer_id": offer, "quantity": quantity });
    citizen.call(Method::POST, "/v1/redemptions", &wish, &[("idempotency-key", key)]).await
}

/// Redeems so often, one voucher each.
pub async fn hold(citizen: &Caller, offer: &str, count: usize) -> Outcome<Vec<Held>> {
    let mut held = Vec::with_capacity(count);
    for number in 0..count {
        let made = buy(citizen, offer, 1, &format!("held-{number}")).await?.ok()?;
        let text = |value: &Value| value.as_str().map(str::to_owned).ok_or("no text");
        held.push(Held { redemption: text(&made["id"])?, code: text(&made["vouchers"][0]["code"])? });
    }
    Ok(held)
}

/// Uses or voids at a till.
pub async fn at_till(till: &Caller, path: &str, held: &Held) -> Outcome<Answer> {
    till.post(path, &json!({ "code": held.code })).await
}

pub async fn give_back(citizen: &Caller, held: &Held) -> Outcome<Answer> {
    citizen.post(&format!("/v1/redemptions/{}/cancel", held.redemption), &json!({})).await
}

/// `done`, or the code of the problem.
pub fn word(answer: &Answer) -> &str {
    if answer.status < 300 { "done" } else { answer.body["code"].as_str().unwrap_or("no code") }
}

pub async fn points(citizen: &Caller) -> Outcome<i64> {
    Ok(citizen.get("/v1/me/balance").await?.ok()?["points"].as_i64().ok_or("no points")?)
}

/// How many of a citizen's vouchers are in a status.
pub async fn count(citizen: &Caller, status: &str) -> Outcome<i64> {
    let all = citizen.all("/v1/me/vouchers", "items").await?;
    Ok(i64::try_from(all.iter().filter(|one| one["status"] == *status).count())?)
}
