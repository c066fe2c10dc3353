use serde_json::{Value, json};
use tanhui_domain::id::OfferId;
use tanhui_domain::offer::{By, OfferStep};
use tanhui_service::citizen;
use tanhui_service::offering::{self, Of};

use crate::endpoint::town::{Answer, Person, Town, request};

const REDEEM: &str = "/v1/redemptions";

async fn redeem_with_key(town: &Town, person: &Person, key: &str, body: Value) -> Answer {
    let sent = request("POST", REDEEM, &person.token).header("content-type", "application/json");
    town.send(sent.header("idempotency-key", key), body.to_string()).await
}

async fn points(town: &Town, person: &Person) -> i64 {
    let balance = tanhui_service::statement::balance(&town.services, person.citizen.id).await.unwrap();
    balance.amounts.points.get()
}

/// A town with an offer of 10 points, and a citizen who has more than 100.
async fn with_offer(stock: i64, most: Option<i64>) -> (Town, OfferId, Person) {
    let town = Town::open().await;
    let shop = town.merchant("Corner shop").await;
    let offer = town.offer(shop, 10, stock, most).await;
    let rich = town.rich("13800000001", 5).await;
    assert!(points(&town, &rich).await > 100);
    (town, offer, rich)
}

#[tokio::test]
async fn points_become_vouchers() {
    let (town, offer, rich) = with_offer(5, None).await;
    let before = points(&town, &rich).await;
    let answer = town.post(REDEEM, &rich.token, json!({"offer_id": offer, "quantity": 2})).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    assert_eq!((&answer.body["points"], &answer.body["quantity"]), (&json!(20), &json!(2)));
    let vouchers = answer.body["vouchers"].as_array().unwrap();
    assert_eq!(vouchers.len(), 2);
    for voucher in vouchers {
        assert_eq!((&voucher["status"], &voucher["used_at"]), (&json!("live"), &Value::Null));
        assert_eq!(voucher["expires_at"], "2026-04-01T04:00:00Z");
        assert!(voucher["qr_svg"].as_str().unwrap().starts_with("<svg "));
    }
    assert_eq!(points(&town, &rich).await, before - 20);

    let path = format!("{REDEEM}/{}", answer.body["id"].as_str().unwrap());
    assert_eq!(town.get(&path, &rich.token).await.body["vouchers"], answer.body["vouchers"]);
    let other = town.person("13800000002").await;
    town.get(&path, &other.token).await.problem("not_found");
    town.post(&format!("{path}/cancel"), &other.token, json!({})).await.problem("not_found");
}

#[tokio::test]
async fn what_is_given_back_is_whole_again() {
    let (town, offer, rich) = with_offer(5, Some(5)).await;
    let before = points(&town, &rich).await;
    let answer = town.post(REDEEM, &rich.token, json!({"offer_id": offer, "quantity": 5})).await;
    let path = format!("{REDEEM}/{}/cancel", answer.body["id"].as_str().unwrap());
    let back = town.post(&path, &rich.token, json!({})).await;
    assert_eq!((back.status.as_u16(), &back.body["cancelled_at"]), (200, &json!("2026-03-02T04:00:00Z")));
    assert!(back.body["vouchers"].as_array().unwrap().iter().all(|voucher| voucher["status"] == "cancelled"));
    assert_eq!(points(&town, &rich).await, before);
    let seen = town.get(&format!("/v1/offers/{offer}"), &rich.token).await.body;
    assert_eq!((&seen["stock_left"], &seen["remaining_for_me"]), (&json!(5), &json!(5)));
    town.post(&path, &rich.token, json!({})).await.problem("already_cancelled");
}

#[tokio::test]
async fn refusals_say_the_numbers() {
    let (town, offer, rich) = with_offer(3, Some(3)).await;
    let shop = town.merchant("Dear shop").await;
    let dear = town.offer(shop, 1_000_000, 9, None).await;
    let scarce = town.offer(shop, 1, 2, None).await;
    let redeem = |offer: OfferId, quantity: i64| {
        town.post(REDEEM, &rich.token, json!({"offer_id": offer, "quantity": quantity}))
    };
    let has = points(&town, &rich).await;
    let detail = redeem(dear, 1).await.problem("insufficient_points").to_owned();
    assert!(detail.contains("1000000") && detail.contains(&has.to_string()), "{detail}");
    assert!(redeem(scarce, 3).await.problem("out_of_stock").contains("2 left"));
    assert_eq!(redeem(scarce, 2).await.status, 201);
    assert_eq!(redeem(offer, 2).await.status, 201);
    let detail = redeem(offer, 2).await.problem("limit_reached").to_owned();
    assert!(detail.contains("3 per person") && detail.contains("had 2"), "{detail}");
    assert_eq!(redeem(offer, 1).await.status, 201);
    for quantity in [-1, 0, 21] {
        let answer = redeem(scarce, quantity).await;
        answer.problem("invalid_body");
        assert_eq!(answer.body["errors"][0]["pointer"], "/quantity");
    }
    redeem(scarce, 20).await.problem("out_of_stock");
    let nothing = json!({"offer_id": "00000000-0000-0000-0000-000000000000"});
    town.post(REDEEM, &rich.token, nothing).await.problem("not_found");
    for body in [json!({}), json!({"offer_id": "x"}), json!({"offer_id": offer, "quantity": 1.5})] {
        town.post(REDEEM, &rich.token, body).await.problem("invalid_body");
    }
    town.post(REDEEM, "", json!({"offer_id": offer})).await.problem("unauthorized");
}

#[tokio::test]
async fn an_erased_citizen_redeems_nothing() {
    let (town, offer, rich) = with_offer(3, None).await;
    assert_eq!(town.post(REDEEM, &rich.token, json!({"offer_id": offer})).await.status, 201);
    citizen::erase(&town.services, rich.citizen.id).await.unwrap();
    town.post(REDEEM, &rich.token, json!({"offer_id": offer})).await.problem("unauthorized");
}

#[tokio::test]
async fn an_ended_offer_is_seen_and_not_redeemed() {
    let (town, offer, rich) = with_offer(3, None).await;
    let (of, by) = (Of::City(town.city.id), By::City(rich.citizen.id));
    offering::step(&town.services, of, offer, (&OfferStep::End, by), None).await.unwrap();
    town.post(REDEEM, &rich.token, json!({"offer_id": offer})).await.problem("offer_closed");
    assert_eq!(town.get("/v1/offers", &rich.token).await.body["items"], json!([]));
    assert_eq!(town.get(&format!("/v1/offers/{offer}"), &rich.token).await.body["status"], "ended");
}

#[tokio::test]
async fn a_repeated_key_gets_the_first_answer_and_takes_nothing() {
    let (town, offer, rich) = with_offer(5, None).await;
    let wish = json!({"offer_id": offer, "quantity": 1});
    let first = redeem_with_key(&town, &rich, "k-1", wish.clone()).await;
    assert_eq!((first.status.as_u16(), first.header("idempotency-replayed")), (201, ""));
    let left = points(&town, &rich).await;
    // The default quantity is the same wish.
    for wish in [wish.clone(), json!({"offer_id": offer})] {
        let again = redeem_with_key(&town, &rich, "\"k-1\"", wish).await;
        assert_eq!((again.status.as_u16(), again.header("idempotency-replayed")), (201, "true"));
        assert_eq!(again.body, first.body);
    }
    assert_eq!(points(&town, &rich).await, left);
    let other_wish = json!({"offer_id": offer, "quantity": 2});
    redeem_with_key(&town, &rich, "k-1", other_wish).await.problem("idempotency_key_reused");
    redeem_with_key(&town, &rich, "", wish.clone()).await.problem("idempotency_key_invalid");
    let neighbour = town.rich("13800000002", 1).await;
    let own = redeem_with_key(&town, &neighbour, "k-1", wish).await;
    assert_ne!(own.body["id"], first.body["id"]);
}

#[tokio::test]
async fn offers_are_paged_and_tell_what_is_left_for_me() {
    let (town, limited, rich) = with_offer(5, Some(2)).await;
    let shop = town.merchant("Other shop").await;
    let free = town.offer(shop, 7, 9, None).await;
    town.post(REDEEM, &rich.token, json!({"offer_id": limited})).await;
    let first = town.get("/v1/offers?limit=1", &rich.token).await.body;
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = town.get(&format!("/v1/offers?limit=1&cursor={cursor}"), &rich.token).await.body;
    assert!(second["next_cursor"].is_null());
    let offers: Vec<&Value> = [&first, &second].map(|page| &page["items"][0]).into();
    let of = |id: OfferId| *offers.iter().find(|offer| offer["id"] == id.to_string()).unwrap();
    assert_eq!(of(limited)["remaining_for_me"], 1);
    assert_eq!((&of(free)["remaining_for_me"], &of(free)["title"]), (&Value::Null, &json!("Coffee")));
    assert_eq!((&of(limited)["stock_left"], &of(limited)["price_points"]), (&json!(4), &json!(10)));
    town.get("/v1/offers?cursor=x", &rich.token).await.problem("invalid_cursor");
    town.get("/v1/offers?limit=101", &rich.token).await.problem("invalid_query");
    let unknown = "/v1/offers/00000000-0000-0000-0000-000000000000";
    town.get(unknown, &rich.token).await.problem("not_found");
    town.get("/v1/offers/x", &rich.token).await.problem("invalid_path");
}

#[tokio::test]
async fn my_vouchers_are_mine_newest_first() {
    let (town, offer, rich) = with_offer(5, None).await;
    town.post(REDEEM, &rich.token, json!({"offer_id": offer})).await;
    town.wait_seconds(1);
    let last = town.post(REDEEM, &rich.token, json!({"offer_id": offer, "quantity": 2})).await.body;
    let first = town.get("/v1/me/vouchers?limit=2", &rich.token).await.body;
    let items = first["items"].as_array().unwrap();
    assert!(items.iter().all(|item| item["redemption_id"] == last["id"]), "{first}");
    assert_eq!((&items[0]["title"], &items[0]["merchant_name"]), (&json!("Coffee"), &json!("Corner shop")));
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = town.get(&format!("/v1/me/vouchers?cursor={cursor}"), &rich.token).await.body;
    assert_eq!(rest["items"].as_array().unwrap().len(), 1);
    assert_eq!((&rest["items"][0]["status"], &rest["next_cursor"]), (&json!("live"), &Value::Null));
    town.wait_seconds(30 * 86_400);
    let rich = town.person("13800000001").await;
    let vouchers = town.get("/v1/me/vouchers", &rich.token).await.body;
    assert!(vouchers["items"].as_array().unwrap().iter().all(|item| item["status"] == "expired"));
    let other = town.person("13800000002").await;
    assert_eq!(town.get("/v1/me/vouchers", &other.token).await.body["items"], json!([]));
}
