//! A citizen and a cashier over HTTP: sign in, bind, see, redeem, cancel, use, export, be forgotten.

use std::sync::Arc;

use reqwest::Method;
use serde_json::{Value, json};
use tanhui_tests::Outcome;

use crate::demo::adds_up;
use crate::process::wait_for;
use crate::server::{Answer, Caller, METRO, Town, ride};
use crate::world::{World, each_store};

each_store!(
    nobody_gets_in_without_a_code,
    a_citizen_sees_what_it_gave,
    points_become_a_voucher_and_come_back,
    a_voucher_is_used_once,
    a_citizen_is_forgotten,
);

const ANNA: &str = "13800000001";
const BORIS: &str = "13800000002";

/// A city with a tea at 20 points, two of them, one for each citizen.
async fn tea(town: &Town) -> Outcome<(String, String)> {
    let shop = town.world.run(&["merchant", "create", "Teahouse"]).await?.last_line().to_owned();
    let words = ["offer", "create", "--merchant", &shop, "--title", "茶", "--title-en", "Tea"];
    let terms = ["--price-points", "20", "--payout-fen", "800", "--stock", "2", "--per-person", "1"];
    let offer = town.world.run(&[&words[..], &terms].concat()).await?.last_line().to_owned();
    Ok((shop, offer))
}

/// A rider with 46 points of a ride of 10 km.
async fn earner(town: &Town, phone: &str) -> Outcome<Caller> {
    let rider = town.rider(phone, phone).await?;
    let event = ride(&format!("ride-of-{phone}"), phone, "10", 1).to_string();
    let answer = town.metro().report("application/cloudevents+json", event).await?.ok()?;
    assert_eq!((&answer["credited"], &answer["results"][0]["points"]), (&json!(1), &json!(46)), "{answer}");
    Ok(rider)
}

async fn redeem(citizen: &Caller, offer: &str, key: &str) -> Outcome<Answer> {
    let wish = json!({ "offer_id": offer, "quantity": 1 });
    citizen.call(Method::POST, "/v1/redemptions", &wish, &[("idempotency-key", key)]).await
}

async fn nobody_gets_in_without_a_code(world: Arc<World>) -> Outcome {
    let town = Town::open(&world).await?;
    let anyone = town.server.anyone();
    for path in ["/v1/me", "/v1/me/balance", "/v1/me/statement", "/v1/merchant/offers"] {
        anyone.get(path).await?.refused(401, "unauthorized");
        town.server.partner("nonsense").get(path).await?.refused(401, "unauthorized");
    }
    anyone.post("/v1/auth/otp", &json!({ "phone": "138" })).await?.refused(422, "invalid_body");
    anyone.post("/v1/auth/otp", &json!({ "phone": ANNA })).await?.ok()?;
    let wrong = json!({ "grant_type": "otp", "phone": ANNA, "code": "111111" });
    anyone.post("/v1/auth/token", &wrong).await?.refused(401, "invalid_code");
    let right = json!({ "grant_type": "otp", "phone": ANNA, "code": "000000" });
    let tokens = anyone.post("/v1/auth/token", &right).await?.ok()?;
    anyone.post("/v1/auth/token", &right).await?.refused(401, "invalid_code");
    let refresh = |tokens: &Value| {
        json!({
            "grant_type": "refresh_token", "refresh_token": tokens["refresh_token"],
        })
    };
    let turn = async |tokens: &Value| anyone.post("/v1/auth/token", &refresh(tokens)).await;
    let second = turn(&tokens).await?.ok()?;
    assert_ne!(second["refresh_token"], tokens["refresh_token"]);
    let third = turn(&second).await?.ok()?;
    // Somebody else holds the first token too: its whole family ends.
    turn(&tokens).await?.refused(401, "invalid_refresh_token");
    turn(&third).await?.refused(401, "invalid_refresh_token");
    // An answer that got lost is asked for again; if it was not lost, there are two holders.
    let tokens = anyone.tokens(ANNA).await?;
    let lost = turn(&tokens).await?.ok()?;
    let again = turn(&tokens).await?.ok()?;
    turn(&lost).await?.refused(401, "invalid_refresh_token");
    turn(&again).await?.refused(401, "invalid_refresh_token");
    let log = town.server.log()?;
    assert!(!log.contains(ANNA) && !log.contains("000000\""), "a phone in the log");
    Ok(())
}

async fn a_citizen_sees_what_it_gave(world: Arc<World>) -> Outcome {
    let town = Town::open(&world).await?;
    let early = ride("before-binding", "card-1", "7.2", 30).to_string();
    let answer = town.metro().report("application/cloudevents+json", early).await?.ok()?;
    assert_eq!(answer["results"][0]["status"], "pending", "{answer}");
    let anna = town.rider(ANNA, "card-1").await?;
    let items = wait_for("the waiting ride", || async {
        let items = anna.all("/v1/me/activities", "items").await?;
        Ok((!items.is_empty()).then_some(items))
    });
    let ride = items.await?.pop().ok_or("no ride")?;
    assert_eq!((&ride["points"], &ride["reduction_mg"]), (&json!(33), &json!(336_240)));
    assert_eq!(ride["action_name"], "Metro ride");
    let balance = anna.get("/v1/me/balance").await?.ok()?;
    assert_eq!((&balance["points"], &balance["reduction_mg"]), (&json!(33), &json!(336_240)));
    assert_eq!(balance["expiring"][0]["points"], 33);
    adds_up(&anna.get("/v1/me/statement").await?.ok()?);
    let path = format!("/v1/me/activities/{}", ride["id"].as_str().unwrap_or_default());
    let why = anna.get(&format!("{path}/explanation")).await?.ok()?;
    assert_eq!(why["steps"][0]["with_numbers"], "7.2 km × 46.7 gCO2e/km", "{why}");

    let boris = town.server.person(BORIS).await?;
    boris.get(&path).await?.refused(404, "not_found");
    boris.get(&format!("{path}/explanation")).await?.refused(404, "not_found");
    let card = json!({ "source": METRO, "subject": "card-1" });
    boris.post("/v1/me/bindings", &card).await?.refused(409, "subject_taken");
    let foreign = json!({ "source": "urn:nobody", "subject": "card-1" });
    boris.post("/v1/me/bindings", &foreign).await?.refused(422, "unknown_source");

    let change = json!({ "nickname": "安娜", "district": "nanhu" });
    let changed = anna.call(Method::PATCH, "/v1/me", &change, &[]).await?.ok()?;
    assert_eq!(changed["nickname"], "安娜");
    for scope in ["city", "district:nanhu"] {
        let path = format!("/v1/leaderboards?period=all&scope={scope}&metric=points");
        let board = anna.get(&path).await?.ok()?;
        assert_eq!(
            board["items"],
            json!([{ "rank": 1, "nickname": "安娜", "score": 33 }]),
            "{scope} {board}"
        );
        assert_eq!(board["me"]["rank"], 1);
    }
    world.audit().await.map(drop)
}

async fn points_become_a_voucher_and_come_back(world: Arc<World>) -> Outcome {
    let town = Town::open(&world).await?;
    let (_, offer) = tea(&town).await?;
    let poor = town.server.person("13800000009").await?;
    redeem(&poor, &offer, "k").await?.refused(409, "insufficient_points");
    let anna = earner(&town, ANNA).await?;
    let first = redeem(&anna, &offer, "one").await?;
    assert_eq!((first.status, &first.body["points"]), (201, &json!(20)), "{first:?}");
    let again = redeem(&anna, &offer, "one").await?;
    assert_eq!((again.status, &again.body["id"]), (201, &first.body["id"]));
    assert_eq!(again.headers["idempotency-replayed"], "true");
    redeem(&anna, &offer, "two").await?.refused(409, "limit_reached");
    let boris = earner(&town, BORIS).await?;
    redeem(&boris, &offer, "one").await?.ok()?;
    let clara = earner(&town, "13800000003").await?;
    redeem(&clara, &offer, "one").await?.refused(409, "out_of_stock");

    let path = format!("/v1/redemptions/{}/cancel", first.body["id"].as_str().unwrap_or_default());
    boris.post(&path, &json!({})).await?.refused(404, "not_found");
    anna.post(&path, &json!({})).await?.ok()?;
    anna.post(&path, &json!({})).await?.refused(409, "already_cancelled");
    let vouchers = anna.get("/v1/me/vouchers").await?.ok()?;
    assert_eq!(vouchers["items"][0]["status"], "cancelled", "{vouchers}");
    assert_eq!(anna.get("/v1/me/balance").await?.ok()?["points"], 46);
    redeem(&clara, &offer, "again").await?.ok()?;
    for citizen in [&anna, &boris, &clara] {
        adds_up(&citizen.get("/v1/me/statement").await?.ok()?);
    }
    let audit = world.audit().await?;
    assert_eq!(audit["totals"]["POINTS"]["issued"], 138);
    Ok(())
}

async fn a_voucher_is_used_once(world: Arc<World>) -> Outcome {
    let town = Town::open(&world).await?;
    let (shop, offer) = tea(&town).await?;
    let other = world.run(&["merchant", "create", "Bakery"]).await?.last_line().to_owned();
    let mut tills = Vec::new();
    for (phone, merchant) in [("13900000001", &shop), ("13900000002", &shop), ("13900000003", &other)] {
        let role = ["grant", "--phone", phone, "--role", "merchant_staff", "--merchant", merchant];
        world.done(&role).await?;
        tills.push(town.server.person(phone).await?);
    }
    let [one, two, bakery] = tills.as_slice() else { return Err("three tills were due".into()) };
    let anna = earner(&town, ANNA).await?;
    let redeemed = redeem(&anna, &offer, "one").await?.ok()?;
    let code = json!({ "code": redeemed["vouchers"][0]["code"] });
    let (check, take) = ("/v1/merchant/vouchers/check", "/v1/merchant/vouchers/use");
    anna.post(take, &code).await?.refused(403, "forbidden");
    bakery.post(take, &code).await?.refused(404, "voucher_elsewhere");
    one.post(take, &json!({ "code": "AAAAAAAAAAAAAAAA" })).await?.refused(404, "voucher_not_found");
    assert_eq!(one.post(check, &code).await?.ok()?["status"], "live");
    let (left, right) = tokio::join!(one.post(take, &code), two.post(take, &code));
    let mut answers = [left?, right?];
    answers.sort_by_key(|answer| answer.status);
    let [first, second] = answers;
    assert_eq!((first.status, &first.body["payout_fen"]), (200, &json!(800)), "{first:?}");
    second.refused(409, "voucher_used");
    one.post(check, &code).await?.refused(409, "voucher_used");
    let cancel = format!("/v1/redemptions/{}/cancel", redeemed["id"].as_str().unwrap_or_default());
    anna.post(&cancel, &json!({})).await?.refused(409, "voucher_used");
    let used = one.all("/v1/merchant/redemptions", "items").await?;
    assert_eq!(used.iter().map(|item| &item["code"]).collect::<Vec<_>>(), [&code["code"]]);
    assert_eq!(bakery.all("/v1/merchant/redemptions", "items").await?, Vec::<Value>::new());
    adds_up(&anna.get("/v1/me/statement").await?.ok()?);
    let audit = world.audit().await?;
    assert_eq!(audit["totals"]["POINTS"]["spent"], 20);
    Ok(())
}

async fn a_citizen_is_forgotten(world: Arc<World>) -> Outcome {
    let town = Town::open(&world).await?;
    let anna = earner(&town, ANNA).await?;
    let me = anna.get("/v1/me").await?.ok()?;
    let export = anna.get("/v1/me/export").await?.ok()?;
    assert_eq!(export["profile"]["id"], me["id"]);
    assert_eq!(export["activities"][0]["points"], 46);
    assert_eq!(export["postings"][0]["points_after"], 46);
    assert_eq!(export["bindings"][0]["source"], METRO);
    assert_eq!(anna.delete("/v1/me").await?.status, 204);
    anna.get("/v1/me").await?.refused(401, "unauthorized");
    let newcomer = town.server.person(ANNA).await?;
    assert_ne!(newcomer.get("/v1/me").await?.ok()?["id"], me["id"]);
    assert_eq!(newcomer.get("/v1/me/balance").await?.ok()?["points"], 0);
    assert_eq!(newcomer.all("/v1/me/activities", "items").await?, Vec::<Value>::new());
    let audit = world.audit().await?;
    assert_eq!(audit["totals"]["POINTS"]["issued"], 46);
    Ok(())
}
