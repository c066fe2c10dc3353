use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Redirect;
use axum::routing::{get, post};
use serde_json::{Value, json};
use tanhui_service::identity::webhook_secret::WebhookSecret;
use tanhui_service::webhook::deliver_due;
use tokio::net::TcpListener;

use super::*;
use crate::endpoint::town::{Person, Town};

const HOOKS: &str = "/v1/merchant/webhooks";

/// A merchant's server: remembers what it was told, and answers what it was told to answer.
struct Receiver {
    url: String,
    told: Arc<Mutex<Vec<(HeaderMap, String)>>>,
    status: Arc<Mutex<StatusCode>>,
}

impl Receiver {
    async fn open() -> Self {
        let (told, status) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(StatusCode::NO_CONTENT)));
        let (record, answer) = (Arc::clone(&told), Arc::clone(&status));
        let receive = async move |headers: HeaderMap, body: String| {
            record.lock().unwrap().push((headers, body));
            *answer.lock().unwrap()
        };
        let router = Router::new()
            .route("/hook", post(receive))
            .route("/away", post(async || Redirect::temporary("/hook")))
            .route("/asleep", post(std::future::pending::<String>))
            .route("/page", get(async || "not for posting"));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, told, status }
    }

    fn answer(&self, status: StatusCode) {
        *self.status.lock().unwrap() = status;
    }

    fn take(&self) -> Vec<(HeaderMap, String)> {
        std::mem::take(&mut self.told.lock().unwrap())
    }
}

/// A shop with vouchers in a citizen's hands, whose owner is told at a receiver.
struct Scene {
    town: Town,
    owner: Person,
    codes: Vec<String>,
    courier: Arc<dyn Courier>,
}

impl Scene {
    async fn set() -> Self {
        let town = Town::open().await;
        let shop = town.merchant("Corner shop").await;
        let offer = town.offer(shop, 10, 100, None).await;
        let holder = town.rich("13800000001", 2).await;
        let owner = town.staff("13800000002", shop).await;
        let wish = json!({"offer_id": offer, "quantity": 4});
        let redeemed = town.post("/v1/redemptions", &holder.token, wish).await.body;
        let vouchers = redeemed["vouchers"].as_array().unwrap();
        let codes = vouchers.iter().map(|one| one["code"].as_str().unwrap().to_owned()).collect();
        let courier = HttpCourier { timeout: Duration::from_millis(50), ..HttpCourier::new(true) };
        Self { town, owner, codes, courier: Arc::new(courier) }
    }

    async fn register(&self, url: String) -> (String, String) {
        let body = json!({"url": url, "kinds": ["voucher.used", "voucher.voided"]});
        let made = self.town.post(HOOKS, &self.owner.token, body).await;
        assert_eq!(made.status, 201, "{}", made.body);
        let text = |name: &str| made.body[name].as_str().unwrap().to_owned();
        (text("id"), text("secret"))
    }

    async fn use_voucher(&self, number: usize) {
        let code = json!({"code": self.codes[number]});
        let used = self.town.post("/v1/merchant/vouchers/use", &self.owner.token, code).await;
        assert_eq!(used.status, 200, "{}", used.body);
    }

    async fn deliver(&self) -> usize {
        deliver_due(&self.town.services, &self.courier).await.unwrap()
    }

    async fn deliveries(&self, id: &str) -> Vec<Value> {
        let page = self.town.get(&format!("{HOOKS}/{id}/deliveries"), &self.owner.token).await.body;
        page["items"].as_array().unwrap().clone()
    }
}

fn secret_of(text: &str) -> WebhookSecret {
    use base64::Engine as _;
    let text = text.strip_prefix("whsec_").unwrap();
    WebhookSecret::from_bytes(&base64::engine::general_purpose::STANDARD.decode(text).unwrap()).unwrap()
}

#[tokio::test]
async fn a_use_is_told_signed_and_once() {
    let (scene, receiver) = (Scene::set().await, Receiver::open().await);
    let (id, secret) = scene.register(format!("{}/hook", receiver.url)).await;
    scene.use_voucher(0).await;
    assert_eq!((scene.deliver().await, scene.deliver().await), (1, 0));
    let told = receiver.take();
    let [(headers, body)] = told.as_slice() else { panic!("{told:?}") };
    let header = |name: &str| headers[name].to_str().unwrap();
    let timestamp = header("webhook-timestamp").parse().unwrap();
    let expected = secret_of(&secret).sign(header("webhook-id"), timestamp, body);
    assert_eq!(
        (header("webhook-signature"), header("content-type")),
        (expected.as_str(), "application/json")
    );
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!((&body["type"], &body["data"]["voucher"]), (&json!("voucher.used"), &json!(scene.codes[0])));
    assert_eq!((&body["data"]["payout_fen"], &body["data"]["title"]["en"]), (&json!(500), &json!("Coffee")));
    let log = scene.deliveries(&id).await;
    assert_eq!((&log[0]["status"], &log[0]["answer_status"]), (&json!("delivered"), &json!(204)));
    assert_eq!(log[0]["message_id"], header("webhook-id"));
}

#[tokio::test]
async fn a_receiver_that_fails_is_tried_again_and_told_everything() {
    let (scene, receiver) = (Scene::set().await, Receiver::open().await);
    let (id, _) = scene.register(format!("{}/hook", receiver.url)).await;
    receiver.answer(StatusCode::INTERNAL_SERVER_ERROR);
    scene.use_voucher(0).await;
    scene.use_voucher(1).await;
    assert_eq!(scene.deliver().await, 1, "the second waits while the first fails");
    assert_eq!(scene.deliver().await, 0, "the endpoint rests");
    let log = scene.deliveries(&id).await;
    let failed = log.iter().find(|one| one["tries"] == 1).unwrap();
    assert_eq!((&failed["status"], &failed["problem"]), (&json!("due"), &json!("answered 500")));
    let first = receiver.take();
    receiver.answer(StatusCode::OK);
    scene.town.wait_seconds(6);
    assert_eq!(scene.deliver().await, 2);
    let second = receiver.take();
    let ids = |told: &[(HeaderMap, String)]| -> Vec<String> {
        told.iter().map(|(headers, _)| headers["webhook-id"].to_str().unwrap().to_owned()).collect()
    };
    assert!(ids(&second).contains(&ids(&first)[0]), "the same message under the same name");
    let hooks = scene.town.get(HOOKS, &scene.owner.token).await.body;
    assert_eq!(hooks["items"][0]["failing_since"], Value::Null);
}

#[tokio::test]
async fn nobody_is_followed_or_waited_for() {
    let (scene, receiver) = (Scene::set().await, Receiver::open().await);
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = format!("http://{}/", nobody.local_addr().unwrap());
    drop(nobody);
    let mut hooks = Vec::new();
    for (url, problem) in [
        (format!("{}/away", receiver.url), "answered 307; redirects are not followed"),
        (format!("{}/asleep", receiver.url), "no answer within"),
        (format!("{}/page", receiver.url), "answered 405"),
        (closed, "not reached"),
    ] {
        hooks.push((scene.register(url).await.0, problem));
    }
    scene.use_voucher(0).await;
    assert_eq!(scene.deliver().await, 4);
    for (id, problem) in hooks {
        let log = scene.deliveries(&id).await;
        assert!(log[0]["problem"].as_str().unwrap().contains(problem), "{problem}: {}", log[0]);
    }
    assert!(receiver.take().is_empty());
}

#[tokio::test]
async fn only_owners_of_open_addresses_register() {
    let scene = Scene::set().await;
    let kinds = json!(["voucher.used"]);
    let ask = async |token: &str, url: &str, kinds: &Value| {
        scene.town.post(HOOKS, token, json!({"url": url, "kinds": kinds})).await
    };
    let token = &scene.owner.token;
    for url in
        ["http://shop.example/", "https://10.0.0.1/", "nonsense", &format!("https://{}", "x".repeat(500))]
    {
        ask(token, url, &kinds).await.problem("invalid_body");
    }
    for kinds in [json!([]), json!(["ping"]), json!(["voucher.lost"])] {
        ask(token, "https://shop.example/", &kinds).await.problem("invalid_body");
    }
    for number in 0..=10 {
        let made = ask(token, &format!("https://shop.example/{number}"), &kinds).await;
        if number < 10 {
            assert_eq!(made.status, 201, "{}", made.body);
        } else {
            made.problem("too_many_webhooks");
        }
    }
    let listed = scene.town.get(HOOKS, token).await.body;
    assert!(listed["items"].as_array().unwrap().iter().all(|one| one.get("secret").is_none()), "{listed}");
    let other = scene.town.merchant("Other shop").await;
    let stranger = scene.town.staff("13800000009", other).await;
    let id = listed["items"][0]["id"].as_str().unwrap();
    for act in ["ping", "secret", "enable"] {
        let path = format!("{HOOKS}/{id}/{act}");
        scene.town.post(&path, &stranger.token, json!({})).await.problem("not_found");
    }
    scene.town.get(&format!("{HOOKS}/{id}/deliveries"), &stranger.token).await.problem("not_found");
}

#[tokio::test]
async fn a_name_that_leads_home_is_not_called() {
    let world = HttpCourier::new(false);
    let letter =
        Letter { id: "m".to_owned(), timestamp: 0, signature: "v1,x".to_owned(), body: "{}".to_owned() };
    for url in ["http://127.0.0.1:9/", "https://localhost:9/"] {
        assert!(world.carry(url, &letter).await.unwrap_err().0.contains("not an address"), "{url}");
    }
    // As after the text was let through: the name is refused when it is looked up.
    let home: Name = "localhost".parse().unwrap();
    let refused = Guard(Reach { here: false }).call(home.clone()).await.err().unwrap().to_string();
    assert!(refused.contains("no address on the open internet"), "{refused}");
    assert!(Guard(Reach { here: true }).call(home).await.is_ok());
}
