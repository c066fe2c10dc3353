use axum::body::Body;
use serde_json::{Value, json};
use tanhui_domain::city::Role;
use tanhui_domain::id::MerchantId;
use tanhui_service::settlement;

use crate::endpoint::town::{Person, Town, request};

const USE: &str = "/v1/merchant/vouchers/use";
const VOID: &str = "/v1/merchant/vouchers/void";
const MINE: &str = "/v1/merchant/statements";
const CITY: &str = "/v1/city/statements";
const HOUR: i64 = 3_600;

/// A shop with its cashier, two people of the city office, and the codes of three vouchers.
struct Scene {
    town: Town,
    shop: MerchantId,
    cashier: Person,
    editor: Person,
    approver: Person,
    codes: Vec<String>,
}

async fn scene() -> Scene {
    let town = Town::open().await;
    let shop = town.merchant("Corner shop").await;
    let offer = town.offer(shop, 10, 100, None).await;
    let holder = town.rich("13800000001", 1).await;
    let cashier = town.staff("13800000002", shop).await;
    let wish = json!({"offer_id": offer, "quantity": 3});
    let redeemed = town.post("/v1/redemptions", &holder.token, wish).await.body;
    let codes = redeemed["vouchers"].as_array().unwrap().iter();
    let codes = codes.map(|voucher| voucher["code"].as_str().unwrap().to_owned()).collect();
    let editor = town.officer("13800000003", &[Role::CityEditor]).await;
    let approver = town.officer("13800000004", &[Role::CityApprover]).await;
    Scene { town, shop, cashier, editor, approver, codes }
}

impl Scene {
    async fn at_till(&self, path: &str, code: usize) -> Value {
        let answer = self.town.post(path, &self.cashier.token, json!({"code": self.codes[code]})).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body
    }

    async fn closed(&self) -> Value {
        self.town.wait_seconds(1);
        let closed = self.town.post(CITY, &self.editor.token, json!({})).await.body;
        assert_eq!(closed, json!({"closed": 1}));
        self.town.get(MINE, &self.cashier.token).await.body["items"][0].clone()
    }

    async fn step(&self, who: &Person, id: &Value, step: &str, body: Value) -> crate::endpoint::town::Answer {
        self.town.post(&format!("{CITY}/{}/{step}", id.as_str().unwrap()), &who.token, body).await
    }
}

#[tokio::test]
async fn two_people_lead_a_statement_to_its_payment() {
    let scene = scene().await;
    scene.at_till(USE, 0).await;
    scene.at_till(USE, 1).await;
    let statement = scene.closed().await;
    assert_eq!((&statement["uses"], &statement["due_fen"]), (&json!(2), &json!(1_000)));
    let id = &statement["id"];
    let note = |text: &str| json!({"note": text});
    scene.step(&scene.approver, id, "approve", json!({})).await.problem("statement_out_of_order");
    scene.step(&scene.cashier, id, "submit", json!({})).await.problem("forbidden");
    assert_eq!(scene.step(&scene.editor, id, "submit", json!({})).await.body["status"], "submitted");
    let back = scene.step(&scene.approver, id, "return", note("line 2?")).await.body;
    assert_eq!((&back["status"], &back["note"]), (&json!("closed"), &json!("line 2?")));
    scene.step(&scene.editor, id, "submit", json!({})).await;
    assert_eq!(scene.step(&scene.approver, id, "approve", json!({})).await.body["status"], "approved");
    scene.step(&scene.editor, id, "pay", note("")).await.problem("invalid_body");
    let paid = scene.step(&scene.editor, id, "pay", note("bank 4711")).await.body;
    assert_eq!((&paid["status"], &paid["note"]), (&json!("paid"), &json!("bank 4711")));
    scene.step(&scene.editor, id, "pay", note("again")).await.problem("statement_out_of_order");

    let waiting = scene.town.get(&format!("{CITY}?status=paid"), &scene.approver.token).await.body;
    assert_eq!(waiting["items"][0]["merchant_name"], "Corner shop");
    scene.town.get(&format!("{CITY}?status=open"), &scene.approver.token).await.problem("invalid_query");
    let lines = scene.town.get(&format!("{MINE}/{}", id.as_str().unwrap()), &scene.cashier.token).await.body;
    assert_eq!(lines["items"][1]["payable_after_fen"], 1_000);
}

#[tokio::test]
async fn nobody_approves_what_they_submitted() {
    let scene = scene().await;
    scene.at_till(USE, 0).await;
    let both = scene.town.officer("13800000003", &[Role::CityApprover]).await;
    let id = scene.closed().await["id"].clone();
    scene.step(&both, &id, "submit", json!({})).await;
    scene.step(&both, &id, "approve", json!({})).await.problem("same_person");
}

#[tokio::test]
async fn a_late_void_lands_in_the_next_statement() {
    let scene = scene().await;
    scene.at_till(USE, 0).await;
    scene.at_till(USE, 1).await;
    let first = scene.closed().await;
    let voided = scene.at_till(VOID, 0).await;
    assert_eq!((&voided["status"], &voided["used_at"]), (&json!("live"), &json!(null)));
    let again = scene.town.post(VOID, &scene.cashier.token, json!({"code": scene.codes[0]})).await;
    again.problem("voucher_not_used");
    scene.at_till(USE, 0).await;
    scene.at_till(VOID, 0).await;
    let second = scene.closed().await;
    assert_eq!(second["first_line"], first["last_line"].as_i64().unwrap() + 1);
    assert_eq!((&second["uses"], &second["voids"], &second["due_fen"]), (&json!(1), &json!(2), &json!(-500)));
    assert_eq!(first["due_fen"], 1_000);
}

#[tokio::test]
async fn a_use_can_be_voided_for_a_day() {
    let scene = scene().await;
    scene.at_till(USE, 0).await;
    scene.at_till(USE, 1).await;
    scene.town.wait_seconds(24 * HOUR);
    let cashier = scene.town.person("13800000002").await;
    let ask = |code: usize| json!({"code": scene.codes[code]});
    assert_eq!(scene.town.post(VOID, &cashier.token, ask(0)).await.status, 200);
    scene.town.wait_seconds(1);
    let late = scene.town.post(VOID, &cashier.token, ask(1)).await;
    assert!(late.problem("void_too_late").contains("2026-03-02 12:00:00"), "{}", late.body);
    let other = scene.town.merchant("Other shop").await;
    let stranger = scene.town.staff("13800000009", other).await;
    scene.town.post(VOID, &stranger.token, ask(1)).await.problem("voucher_elsewhere");
}

#[tokio::test]
async fn the_worker_closes_months_once_they_are_over_and_each_only_once() {
    let scene = scene().await;
    scene.at_till(USE, 0).await;
    let services = &scene.town.services;
    assert_eq!(settlement::close_past_months(services).await.unwrap(), 0, "March is not over");
    // From noon on 2 March to the first second of April in the city.
    scene.town.wait_seconds((29 * 24 + 12) * HOUR - 1);
    assert_eq!(settlement::close_past_months(services).await.unwrap(), 0);
    scene.town.wait_seconds(1);
    assert_eq!(settlement::close_past_months(services).await.unwrap(), 1);
    assert_eq!(settlement::close_past_months(services).await.unwrap(), 0);
    let statement = settlement::of_merchant(services, scene.shop, None, 1).await.unwrap().remove(0);
    assert_eq!((statement.number, statement.last_line), (1, 1));
}

#[tokio::test]
async fn a_statement_is_a_file_that_adds_up() {
    let scene = scene().await;
    scene.at_till(USE, 0).await;
    scene.at_till(USE, 1).await;
    let id = scene.closed().await["id"].as_str().unwrap().to_owned();
    let path = |format: &str| format!("{MINE}/{id}/file?format={format}");
    let get =
        async |path: String, token: &str| scene.town.raw(request("GET", &path, token), Body::empty()).await;
    let (headers, bytes) = get(path("csv"), &scene.cashier.token).await;
    assert_eq!(headers["content-type"], "text/csv; charset=utf-8");
    let text = String::from_utf8(bytes).unwrap();
    let expected = format!(
        "\u{feff}number,kind,time,code,item,payable_yuan,payable_after_yuan\r\n\
         1,use,2026-03-02 12:00:00,{},Coffee,5.00,5.00\r\n\
         2,use,2026-03-02 12:00:00,{},Coffee,5.00,10.00\r\n",
        scene.codes[0], scene.codes[1]
    );
    assert_eq!(text, expected);
    let (headers, bytes) = get(path("xlsx"), &scene.cashier.token).await;
    assert_eq!(headers["content-disposition"], "attachment; filename=\"tanhui-statement-1.xlsx\"");
    assert_eq!(&bytes[..2], b"PK");
    scene.town.get(&path("pdf"), &scene.cashier.token).await.problem("invalid_query");
    let other = scene.town.merchant("Other shop").await;
    let stranger = scene.town.staff("13800000009", other).await;
    scene.town.get(&path("csv"), &stranger.token).await.problem("not_found");
}
