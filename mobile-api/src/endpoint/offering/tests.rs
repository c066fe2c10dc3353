use serde_json::{Value, json};
use tanhui_domain::city::Role;

use crate::endpoint::town::{Answer, Person, Town, request};

const OFFERS: &str = "/v1/merchant/offers";

/// A town with a shop, its cashier, and two people of the city office.
struct Office {
    town: Town,
    cashier: Person,
    editor: Person,
    approver: Person,
}

impl Office {
    async fn open() -> Self {
        let town = Town::open().await;
        let shop = town.merchant("Corner shop").await;
        let cashier = town.staff("13800000002", shop).await;
        let editor = town.officer("13800000003", &[Role::CityEditor]).await;
        let approver = town.officer("13800000004", &[Role::CityApprover]).await;
        Self { town, cashier, editor, approver }
    }

    async fn written(&self, wish: Value) -> String {
        let made = self.town.post(OFFERS, &self.cashier.token, wish).await;
        assert_eq!(made.status, 201, "{}", made.body);
        format!("{OFFERS}/{}", made.body["id"].as_str().unwrap())
    }

    async fn step(&self, path: &str, step: &str) -> Answer {
        self.town.post(&format!("{path}/{step}"), &self.cashier.token, json!({})).await
    }

    async fn decide(&self, path: &str, step: &str, body: Value) -> Answer {
        let path = path.replace("merchant", "city");
        self.town.post(&format!("{path}/{step}"), &self.approver.token, body).await
    }

    /// Writes an offer and takes it to its life.
    async fn live(&self, wish: Value, budget_fen: Value) -> String {
        let path = self.written(wish).await;
        assert_eq!(self.step(&path, "submit").await.status, 200);
        let approved = self.decide(&path, "approve", json!({"budget_fen": budget_fen})).await;
        assert_eq!(approved.status, 200, "{}", approved.body);
        assert_eq!(self.step(&path, "publish").await.body["status"], "live");
        path.rsplit('/').next().unwrap().to_owned()
    }

    async fn put(&self, path: &str, tag: Option<&str>, body: Value) -> Answer {
        let put = request("PUT", path, &self.cashier.token).header("content-type", "application/json");
        let put = if let Some(tag) = tag { put.header("if-match", tag) } else { put };
        self.town.send(put, body.to_string()).await
    }
}

fn coffee() -> Value {
    json!({
        "kind": "coupon", "title": {"zh": "咖啡", "en": "Coffee"}, "terms": {"zh": "堂食", "en": "To drink here"},
        "pictures": ["https://shop.example/coffee.jpg"], "price_points": 10, "payout_fen": 500,
        "face_value_fen": 800, "stock": 5, "per_person": 2, "refund_expired": true
    })
}

#[tokio::test]
async fn an_offer_is_written_approved_by_another_and_redeemed() {
    let office = Office::open().await;
    let path = office.written(coffee()).await;
    let rich = office.town.rich("13800000001", 5).await;
    let id = path.rsplit('/').next().unwrap().to_owned();
    let wish = json!({"offer_id": id});
    office.town.post("/v1/redemptions", &rich.token, wish.clone()).await.problem("offer_closed");
    office.town.get(&format!("/v1/offers/{id}"), &rich.token).await.problem("not_found");
    office.step(&path, "publish").await.problem("offer_out_of_order");

    assert_eq!(office.step(&path, "submit").await.body["status"], "submitted");
    let city = "/v1/city/offers?status=submitted";
    office.town.get(city, &office.cashier.token).await.problem("forbidden");
    let waiting = office.town.get(city, &office.approver.token).await.body;
    assert_eq!((&waiting["items"][0]["id"], &waiting["items"][0]["payout_fen"]), (&json!(id), &json!(500)));
    office.decide(&path, "return", json!({"reason": ""})).await.problem("invalid_body");
    let back = office.decide(&path, "return", json!({"reason": "on which days?"})).await.body;
    assert_eq!((&back["status"], &back["note"]), (&json!("draft"), &json!("on which days?")));

    office.step(&path, "submit").await;
    office.decide(&path, "approve", json!({"budget_fen": -1})).await.problem("invalid_body");
    let approved = office.decide(&path, "approve", json!({"budget_fen": 1_000})).await.body;
    assert_eq!((&approved["status"], &approved["budget_left_fen"]), (&json!("approved"), &json!(1_000)));
    assert_eq!(office.step(&path, "publish").await.body["status"], "live");

    let shown = office.town.get(&format!("/v1/offers/{id}"), &rich.token).await.body;
    assert_eq!((&shown["left"], &shown["stock_left"]), (&json!(2), &json!(5)), "the budget pays for two");
    assert_eq!((&shown["remaining_for_me"], &shown["terms"]), (&json!(2), &json!("To drink here")));
    let redeemed = office.town.post("/v1/redemptions", &rich.token, wish.clone()).await;
    assert_eq!(redeemed.status, 201, "{}", redeemed.body);
    let shown = office.town.get(&format!("/v1/offers/{id}"), &rich.token).await.body;
    assert_eq!((&shown["left"], &shown["budget_left_fen"]), (&json!(1), &json!(500)));

    office.step(&path, "pause").await;
    office.town.post("/v1/redemptions", &rich.token, wish).await.problem("offer_closed");
    assert_eq!(office.step(&path, "resume").await.body["status"], "live");
    assert_eq!(office.decide(&path, "end", json!({})).await.body["status"], "ended");
    assert_eq!(office.town.get(&format!("/v1/offers/{id}"), &rich.token).await.body["status"], "ended");
}

#[tokio::test]
async fn whoever_submits_does_not_approve() {
    let office = Office::open().await;
    let path = office.written(coffee()).await;
    office.step(&path, "approve").await.problem("invalid_path");
    // A cashier who also works for the city.
    let grant =
        tanhui_domain::city::Grant { role: Role::CityApprover, city: office.town.city.id, merchant: None };
    let services = &office.town.services;
    tanhui_service::office::grant(services, office.cashier.citizen.id, &grant).await.unwrap();
    let both = office.town.person("13800000002").await;
    office.town.post(&format!("{path}/submit"), &both.token, json!({})).await;
    let approve = format!("{}/approve", path.replace("merchant", "city"));
    office.town.post(&approve, &both.token, json!({})).await.problem("same_person");
    assert_eq!(office.decide(&path, "approve", json!({})).await.status, 200);
}

#[tokio::test]
async fn a_draft_is_rewritten_by_who_has_seen_it() {
    let office = Office::open().await;
    let path = office.written(coffee()).await;
    let seen = office.town.get(&path, &office.cashier.token).await;
    assert_eq!((seen.header("etag"), &seen.body["version"]), ("\"1\"", &json!(1)));
    let mut tea = coffee();
    tea["title"] = json!({"zh": "茶", "en": "Tea"});
    office.put(&path, None, tea.clone()).await.problem("precondition_required");
    office.put(&path, Some("\"2\""), tea.clone()).await.problem("precondition_failed");
    office.put(&path, Some("*"), tea.clone()).await.problem("precondition_failed");
    let written = office.put(&path, Some("\"1\""), tea.clone()).await;
    assert_eq!((written.header("etag"), &written.body["title"]["en"]), ("\"2\"", &json!("Tea")));
    office.put(&path, Some("\"1\""), coffee()).await.problem("precondition_failed");

    let stale = request("POST", &format!("{path}/submit"), &office.cashier.token).header("if-match", "\"1\"");
    office.town.send(stale, "").await.problem("precondition_failed");
    assert_eq!(office.step(&path, "submit").await.body["version"], 3);
    office.put(&path, Some("\"3\""), tea).await.problem("offer_out_of_order");
    let discard = request("DELETE", &path, &office.cashier.token);
    office.town.send(discard, "").await.problem("offer_out_of_order");
    let other = office.written(coffee()).await;
    let discard = request("DELETE", &other, &office.cashier.token);
    assert_eq!(office.town.send(discard, "").await.status, 204);
    office.town.get(&other, &office.cashier.token).await.problem("not_found");
}

#[tokio::test]
async fn another_merchants_offer_is_not_there() {
    let office = Office::open().await;
    let path = office.written(coffee()).await;
    let rival = office.town.merchant("Rival").await;
    let rival = office.town.staff("13800000009", rival).await;
    office.town.get(&path, &rival.token).await.problem("not_found");
    office.town.post(&format!("{path}/submit"), &rival.token, json!({})).await.problem("not_found");
    assert_eq!(office.town.get(OFFERS, &rival.token).await.body["items"], json!([]));
    assert_eq!(office.town.get(OFFERS, &office.cashier.token).await.body["items"][0]["status"], "draft");
}

#[tokio::test]
async fn what_does_not_fit_is_named() {
    let office = Office::open().await;
    for (member, value) in [
        ("price_points", json!(0)),
        ("payout_fen", json!(-1)),
        ("stock", json!(-1)),
        ("kind", json!("lottery")),
        ("pictures", json!(["http://shop.example/a.png"])),
        ("voucher_days", json!(0)),
        ("stock_per_day", json!(0)),
    ] {
        let mut wish = coffee();
        wish[member] = value;
        let answer = office.town.post(OFFERS, &office.cashier.token, wish).await;
        answer.problem("invalid_body");
        assert_eq!(answer.body["errors"][0]["pointer"], format!("/{member}"));
    }
}

#[tokio::test]
async fn conditions_keep_citizens_out_with_their_own_codes() {
    let office = Office::open().await;
    let rich = office.town.rich("13800000001", 5).await;
    for (member, value, code) in [
        ("opens_at", json!("2026-03-02T04:00:01Z"), "offer_not_open"),
        ("closes_at", json!("2026-03-02T04:00:00Z"), "offer_closed"),
        ("district", json!("elsewhere"), "not_eligible"),
        ("level", json!("out-of-reach"), "not_eligible"),
        ("stock_per_day", json!(1), "out_of_stock_today"),
        ("per_person_week", json!(1), "limit_reached"),
    ] {
        let mut wish = coffee();
        wish[member] = value;
        let id = office.live(wish, Value::Null).await;
        let two = json!({"offer_id": id, "quantity": 2});
        let refused = office.town.post("/v1/redemptions", &rich.token, two).await;
        assert!(!refused.problem(code).is_empty() || code == "offer_closed");
    }
    let id = office.live(coffee(), json!(999)).await;
    let two = json!({"offer_id": id, "quantity": 2});
    office.town.post("/v1/redemptions", &rich.token, two).await.problem("budget_exhausted");
}

#[tokio::test]
async fn points_are_given_to_a_project() {
    let office = Office::open().await;
    let (town, rich) = (&office.town, office.town.rich("13800000001", 5).await);
    let wood = json!({"title": {"zh": "南岸林", "en": "South wood"}});
    town.post("/v1/city/projects", &office.approver.token, wood.clone()).await.problem("forbidden");
    let nameless = json!({"title": {"zh": "", "en": "x"}});
    town.post("/v1/city/projects", &office.editor.token, nameless).await.problem("invalid_body");
    let project = town.post("/v1/city/projects", &office.editor.token, wood).await;
    assert_eq!((project.status.as_u16(), &project.body["points"]), (201, &json!(0)));

    let mut gift = json!({
        "kind": "donation", "project_id": "00000000-0000-0000-0000-000000000009", "price_points": 10,
        "title": {"zh": "种一棵树", "en": "Plant a tree"}, "payout_fen": 0, "stock": 1_000
    });
    let foreign = town.post(OFFERS, &office.cashier.token, gift.clone()).await;
    foreign.problem("invalid_body");
    gift["project_id"] = project.body["id"].clone();
    let id = office.live(gift, Value::Null).await;
    let made = town.post("/v1/redemptions", &rich.token, json!({"offer_id": id, "quantity": 3})).await;
    assert_eq!((made.status.as_u16(), &made.body["vouchers"]), (201, &json!([])), "{}", made.body);
    assert_eq!(made.body["project_id"], project.body["id"]);
    let cancel = format!("/v1/redemptions/{}/cancel", made.body["id"].as_str().unwrap());
    town.post(&cancel, &rich.token, json!({})).await.problem("donation_final");

    let public = town.get("/v1/public/projects", "").await.body;
    assert_eq!(
        (&public["items"][0]["title"], &public["items"][0]["points"]),
        (&json!("South wood"), &json!(30))
    );
    let mine = town.get("/v1/me/donations", &rich.token).await.body;
    assert_eq!(mine["items"][0]["certificate_id"], made.body["id"]);
    assert_eq!(
        (&mine["items"][0]["points"], &mine["items"][0]["project_title"]),
        (&json!(30), &json!("South wood"))
    );
    let other = town.person("13800000008").await;
    assert_eq!(town.get("/v1/me/donations", &other.token).await.body["items"], json!([]));
}
