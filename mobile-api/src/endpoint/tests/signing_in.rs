use std::net::SocketAddr;

use axum::extract::ConnectInfo;
use tanhui_domain::rule::{RuleSet, SourceFile};
use tanhui_service::identity::phone::PhoneNumber;
use tanhui_service::sign_in::{NoSender, NotSent};

use super::*;

const PHONE: &str = "13800000001";

#[tokio::test]
async fn a_code_opens_the_door_once() {
    let world = world().await;
    let sent = world.post("/v1/auth/otp", "", json!({"phone": PHONE, "city": "jiaxing"})).await;
    assert_eq!((sent.status, sent.body["expires_in"].as_u64()), (StatusCode::ACCEPTED, Some(300)));
    let code = |code: &str| json!({"grant_type": "otp", "phone": PHONE, "code": code});
    world.post("/v1/auth/token", "", code("111111")).await.refused(401, "invalid_code");
    let first = world.post("/v1/auth/token", "", code("000000")).await;
    let tokens = first.ok();
    assert_eq!((tokens["token_type"].as_str(), tokens["expires_in"].as_i64()), (Some("Bearer"), Some(900)));
    world.post("/v1/auth/token", "", code("000000")).await.refused(401, "invalid_code");
    let me = world.get("/v1/me", tokens["access_token"].as_str().unwrap()).await;
    assert_eq!(me.ok()["phone"], "+86138****0001");
}

#[tokio::test]
async fn a_code_is_gone_after_five_wrong_tries() {
    let world = world().await;
    world.post("/v1/auth/otp", "", json!({"phone": PHONE})).await.ok();
    for code in ["1", "2", "3", "4", "5"] {
        let body = json!({"grant_type": "otp", "phone": PHONE, "code": code});
        world.post("/v1/auth/token", "", body).await.refused(401, "invalid_code");
    }
    let right = json!({"grant_type": "otp", "phone": PHONE, "code": "000000"});
    world.post("/v1/auth/token", "", right).await.refused(401, "invalid_code");
}

#[tokio::test]
async fn a_refresh_token_turns_over() {
    let world = world().await;
    world.post("/v1/auth/otp", "", json!({"phone": PHONE})).await.ok();
    let body = json!({"grant_type": "otp", "phone": PHONE, "code": "000000"});
    let first = world.post("/v1/auth/token", "", body).await;
    let exchange =
        |tokens: &Value| json!({"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]});
    let second = world.post("/v1/auth/token", "", exchange(first.ok())).await;
    world.get("/v1/me", second.ok()["access_token"].as_str().unwrap()).await.ok();
    assert_ne!(first.body["refresh_token"], second.body["refresh_token"]);
    world.wait_seconds(31);
    world.post("/v1/auth/token", "", exchange(&first.body)).await.refused(401, "invalid_refresh_token");
    world.post("/v1/auth/token", "", exchange(&second.body)).await.refused(401, "invalid_refresh_token");
    let nonsense = json!({"grant_type": "refresh_token", "refresh_token": "x"});
    world.post("/v1/auth/token", "", nonsense).await.refused(401, "invalid_refresh_token");
}

#[tokio::test]
async fn what_does_not_fit_is_named() {
    let world = world().await;
    let phone = world.post("/v1/auth/otp", "", json!({"phone": "12"})).await;
    assert_eq!(phone.refused(422, "invalid_body")["errors"][0]["pointer"], "/phone");
    let city = world.post("/v1/auth/otp", "", json!({"phone": PHONE, "city": "atlantis"})).await;
    assert!(city.refused(422, "unknown_city")["detail"].as_str().unwrap().contains("jiaxing"));
    let body = json!({"grant_type": "otp", "phone": PHONE, "code": "000000", "city": "atlantis"});
    world.post("/v1/auth/token", "", body).await.refused(422, "unknown_city");
    for body in [json!({"grant_type": "password"}), json!({"phone": PHONE}), json!({"grant_type": "otp"})] {
        world.post("/v1/auth/token", "", body).await.refused(422, "invalid_body");
    }
}

#[tokio::test]
async fn with_two_cities_a_newcomer_names_one() {
    let world = world().await;
    let rules = "format: 1\ncity: huzhou\ntitle: {zh: 湖州, en: Huzhou}\ntimezone: Asia/Shanghai\nactions:\n  \
                 own_cup:\n    name: {zh: 自带杯, en: Own cup}\n    category: daily\n    \
                 evidence: {self: 100%}\n    points_only: true\n    points: 2 pt\n    \
                 caps: [{limit: 1 times, per: day}]\n";
    let file = SourceFile { name: "huzhou.yaml".to_owned(), text: rules.to_owned() };
    publish(&world.services, RuleSet::compile(&file, &[]).unwrap()).await;
    world.post("/v1/auth/otp", "", json!({"phone": PHONE})).await.ok();
    let unnamed = json!({"grant_type": "otp", "phone": PHONE, "code": "000000"});
    let detail = world.post("/v1/auth/token", "", unnamed).await;
    assert!(detail.refused(422, "unknown_city")["detail"].as_str().unwrap().contains("jiaxing, huzhou"));
    let named = json!({"grant_type": "otp", "phone": PHONE, "code": "000000", "city": "huzhou"});
    let tokens = world.post("/v1/auth/token", "", named).await;
    let token = tokens.ok()["access_token"].as_str().unwrap();
    assert_eq!(world.get("/v1/me", token).await.ok()["city"], "huzhou", "the code was not used up");
    let mine = world.get("/v1/actions", token).await;
    let left = json!([{"limit": "1 times", "per": "day", "left": "1 times"}]);
    assert_eq!(mine.ok()["items"][0]["caps"], left);
    let other = world.get("/v1/actions?city=jiaxing", token).await;
    assert!(other.ok()["items"].as_array().unwrap().len() > 1);
    world.get("/v1/actions", "").await.refused(422, "unknown_city");
    let cup = json!({"action": "own_cup", "occurred_at": "2026-03-02T11:00:00+08:00"});
    assert_eq!(world.post("/v1/me/activities", token, cup).await.ok()["points"], 2);
}

#[tokio::test]
async fn a_phone_gets_five_codes_in_ten_minutes() {
    let world = world().await;
    for _ in 0..5 {
        world.post("/v1/auth/otp", "", json!({"phone": PHONE})).await.ok();
    }
    let sixth = world.post("/v1/auth/otp", "", json!({"phone": "+86 138 0000 0001"})).await;
    sixth.refused(429, "rate_limited");
    assert!(sixth.headers.contains_key("retry-after") && sixth.headers.contains_key("ratelimit"));
    world.post("/v1/auth/otp", "", json!({"phone": "13800000002"})).await.ok();
}

#[tokio::test]
async fn an_address_gets_three_hundred_codes_in_ten_minutes() {
    let world = world().await;
    let ask = |number: u32, address: [u8; 4]| {
        let body = json!({"phone": format!("139{number:08}")});
        let mut request = request(Method::POST, "/v1/auth/otp", "", Some(body));
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from((address, 9))));
        world.send(request)
    };
    for number in 0..300 {
        assert_eq!(ask(number, [192, 0, 2, 1]).await.status, StatusCode::ACCEPTED, "{number}");
    }
    ask(300, [192, 0, 2, 1]).await.refused(429, "rate_limited");
    ask(301, [192, 0, 2, 2]).await.ok();
}

#[derive(Debug)]
struct Broken;

#[async_trait::async_trait]
impl CodeSender for Broken {
    fn fixed_code(&self) -> Option<&'static str> {
        None
    }

    async fn send(&self, _: &PhoneNumber, _: &str) -> Result<(), NotSent> {
        Err(NotSent::Failed("the gateway answered 500".to_owned()))
    }
}

#[tokio::test]
async fn without_a_gateway_the_answer_says_so() {
    let none = world_with(Arc::new(NoSender)).await;
    let answer = none.post("/v1/auth/otp", "", json!({"phone": PHONE})).await;
    let detail = answer.refused(503, "unavailable")["detail"].as_str().unwrap();
    assert!(detail.contains("not configured"), "{detail}");
    let broken = world_with(Arc::new(Broken)).await;
    let answer = broken.post("/v1/auth/otp", "", json!({"phone": PHONE})).await;
    assert!(!answer.refused(503, "unavailable").to_string().contains("answered 500"));
    assert_eq!(answer.headers["retry-after"], "30");
}
