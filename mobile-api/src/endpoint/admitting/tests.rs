use axum::body::Body;
use serde_json::{Value, json};
use tanhui_domain::city::Role;

use crate::endpoint::town::{Answer, Person, Town, request};

const MINE: &str = "/v1/me/merchants";
const CITY: &str = "/v1/city/merchants";

fn about(name: &str) -> Value {
    json!({"name": name, "description": "Tea", "contact": "the owner"})
}

fn why() -> Value {
    json!({"reason": {"zh": "材料齐全", "en": "All papers are there"}})
}

impl Town {
    async fn put(&self, path: &str, token: &str, body: Value) -> Answer {
        let request = request("PUT", path, token).header("content-type", "application/json");
        self.send(request, body.to_string()).await
    }

    async fn delete(&self, path: &str, token: &str) -> Answer {
        self.send(request("DELETE", path, token), Body::empty()).await
    }

    /// A merchant that somebody applied for and the city admitted, with its owner.
    async fn admitted(&self, phone: &str, officer: &Person) -> (String, Person) {
        let owner = self.person(phone).await;
        let applied = self.post(MINE, &owner.token, about("Teahouse")).await;
        assert_eq!(applied.status, 201, "{}", applied.body);
        let id = applied.body["id"].as_str().unwrap().to_owned();
        let approved = self.post(&format!("{CITY}/{id}/approve"), &officer.token, why()).await;
        assert_eq!(approved.body["status"], "active", "{}", approved.body);
        (id, owner)
    }
}

#[tokio::test]
async fn a_shop_applies_is_sent_back_and_admitted() {
    let town = Town::open().await;
    let officer = town.officer("13800000001", &[Role::CityApprover]).await;
    let owner = town.person("13800000002").await;
    town.post(MINE, &owner.token, about("")).await.problem("invalid_body");
    let applied = town.post(MINE, &owner.token, about("Tea")).await.body;
    assert_eq!((&applied["status"], &applied["vouchers"]), (&json!("applied"), &json!("work")));
    let id = applied["id"].as_str().unwrap();
    town.get("/v1/merchant", &owner.token).await.problem("forbidden");
    town.post(&format!("{CITY}/{id}/approve"), &owner.token, why()).await.problem("forbidden");
    let path = format!("{CITY}/{id}/return");
    town.post(&path, &officer.token, json!({"reason": {"zh": "", "en": ""}})).await.problem("invalid_body");
    assert_eq!(town.post(&path, &officer.token, why()).await.body["status"], "returned");
    let mine = town.get(MINE, &owner.token).await.body;
    assert_eq!(mine["items"][0]["reason"]["en"], "All papers are there");
    let path = format!("{MINE}/{id}");
    town.put(&path, &officer.token, about("Teahouse")).await.problem("not_found");
    assert_eq!(town.put(&path, &owner.token, about("Teahouse")).await.body["status"], "applied");
    town.put(&path, &owner.token, about("Again")).await.problem("merchant_out_of_order");
    let waiting = town.get(&format!("{CITY}?status=applied"), &officer.token).await.body;
    assert_eq!(waiting["items"][0]["name"], "Teahouse");
    town.get(&format!("{CITY}?status=open"), &officer.token).await.problem("invalid_query");
    town.post(&format!("{CITY}/{id}/approve"), &officer.token, why()).await;
    let workplace = town.get("/v1/merchant", &owner.token).await.body;
    assert_eq!((&workplace["role"], &workplace["name"]), (&json!("owner"), &json!("Teahouse")));
    let log = town.get("/v1/city/audit-log", &officer.token).await.body;
    assert_eq!(
        (&log["items"][0]["act"], &log["items"][0]["citizen_id"]),
        (&json!("merchant_approved"), &Value::Null)
    );
}

#[tokio::test]
async fn nobody_admits_their_own_shop() {
    let town = Town::open().await;
    let both = town.officer("13800000001", &[Role::CityApprover]).await;
    let id = town.post(MINE, &both.token, about("Tea")).await.body["id"].as_str().unwrap().to_owned();
    town.post(&format!("{CITY}/{id}/approve"), &both.token, why()).await.problem("same_person");
}

#[tokio::test]
async fn a_cashier_is_invited_works_at_a_branch_and_is_out_at_once() {
    let town = Town::open().await;
    let officer = town.officer("13800000001", &[Role::CityApprover]).await;
    let (_, owner) = town.admitted("13800000002", &officer).await;
    let branch = town.post("/v1/merchant/branches", &owner.token, json!({"name": "South"})).await;
    assert_eq!(branch.status, 201, "{}", branch.body);
    let branch = branch.body["id"].clone();
    let invitation = json!({"phone": "13800000003", "role": "cashier", "label": "Li", "branch_id": branch});
    let invited = town.post("/v1/merchant/invitations", &owner.token, invitation.clone()).await;
    assert_eq!(invited.status, 201, "{}", invited.body);
    for (field, value, code) in [
        ("phone", json!("12"), "invalid_body"),
        ("role", json!("boss"), "invalid_body"),
        ("label", json!(""), "invalid_body"),
        ("branch_id", json!(uuid::Uuid::nil()), "branch_not_found"),
    ] {
        let mut bad = invitation.clone();
        bad[field] = value;
        town.post("/v1/merchant/invitations", &owner.token, bad).await.problem(code);
    }
    let cashier = town.person("13800000003").await;
    let open = town.get("/v1/me/invitations", &cashier.token).await.body;
    assert_eq!(
        (&open["items"][0]["merchant_name"], &open["items"][0]["role"]),
        (&json!("Teahouse"), &json!("cashier"))
    );
    let path = format!("/v1/me/invitations/{}/accept", open["items"][0]["id"].as_str().unwrap());
    assert_eq!(town.post(&path, &cashier.token, json!({})).await.status, 204);
    town.post(&path, &cashier.token, json!({})).await.problem("not_found");

    // The token is from before the invitation, and works.
    let workplace = town.get("/v1/merchant", &cashier.token).await.body;
    assert_eq!((&workplace["role"], &workplace["branch_id"]), (&json!("cashier"), &branch));
    for path in ["/v1/merchant/staff", "/v1/merchant/invitations"] {
        town.get(path, &cashier.token).await.problem("forbidden");
    }
    town.post("/v1/merchant/branches", &cashier.token, json!({"name": "Mine"})).await.problem("forbidden");
    let person = format!("/v1/merchant/staff/{}", owner.citizen.id);
    town.delete(&person, &cashier.token).await.problem("forbidden");
    town.delete(&person, &owner.token).await.problem("last_owner");
    let people = town.get("/v1/merchant/staff", &owner.token).await.body;
    assert_eq!(people["items"].as_array().unwrap().len(), 2);
    let person = format!("/v1/merchant/staff/{}", cashier.citizen.id);
    assert_eq!(town.delete(&person, &owner.token).await.status, 204);
    for path in ["/v1/merchant", "/v1/merchant/redemptions", "/v1/merchant/statements"] {
        town.get(path, &cashier.token).await.problem("forbidden");
    }
}

#[tokio::test]
async fn who_works_for_two_shops_names_one() {
    let town = Town::open().await;
    let (one, two) = (town.merchant("One").await, town.merchant("Two").await);
    town.staff("13800000001", one).await;
    let both = town.staff("13800000001", two).await;
    let of = async |merchant: &str| {
        let request = request("GET", "/v1/merchant", &both.token).header("merchant-id", merchant);
        town.send(request, Body::empty()).await
    };
    for (merchant, name) in [(one, "One"), (two, "Two")] {
        assert_eq!(of(&merchant.to_string()).await.body["name"], name);
    }
    of(&uuid::Uuid::nil().to_string()).await.problem("forbidden");
    of("two").await.problem("bad_request");
    assert_eq!(town.get("/v1/merchant", &both.token).await.status, 200);
}

#[tokio::test]
async fn a_stopped_shop_sells_nothing_until_it_goes_on() {
    let town = Town::open().await;
    let officer = town.officer("13800000001", &[Role::CityApprover]).await;
    let shop = town.merchant("Corner shop").await;
    let offer = town.offer(shop, 10, 100, None).await;
    let rich = town.rich("13800000002", 2).await;
    let cashier = town.staff("13800000003", shop).await;
    let redeem = async || town.post("/v1/redemptions", &rich.token, json!({"offer_id": offer})).await;
    let code = redeem().await.body["vouchers"][0]["code"].clone();
    let step = async |step: &str, body: Value| {
        town.post(&format!("{CITY}/{shop}/{step}"), &officer.token, body).await
    };
    let mut halt = why();
    halt["vouchers"] = json!("work");
    assert_eq!(step("suspend", halt.clone()).await.body["status"], "suspended");
    step("suspend", halt).await.problem("merchant_out_of_order");
    redeem().await.problem("offer_closed");
    assert_eq!(town.get("/v1/offers", &rich.token).await.body["items"], json!([]));
    let used = town.post("/v1/merchant/vouchers/use", &cashier.token, json!({"code": code})).await;
    assert_eq!(used.status, 200, "{}", used.body);
    step("reinstate", why()).await;
    assert_eq!(redeem().await.status, 201);
}
