use axum::http::Request;
use serde_json::{Value, json};
use tanhui_domain::id::MerchantId;

use crate::endpoint::town::{Person, Town};

const CHECK: &str = "/v1/merchant/vouchers/check";
const USE: &str = "/v1/merchant/vouchers/use";
const DAY: i64 = 86_400;

/// A town with a citizen who holds one voucher of a shop, and that shop's cashier.
async fn with_voucher() -> (Town, MerchantId, Person, Person, String, String) {
    let town = Town::open().await;
    let shop = town.merchant("Corner shop").await;
    let offer = town.offer(shop, 10, 100, None).await;
    let holder = town.rich("13800000001", 1).await;
    let cashier = town.staff("13800000002", shop).await;
    let redeemed = town.post("/v1/redemptions", &holder.token, json!({"offer_id": offer})).await.body;
    let code = redeemed["vouchers"][0]["code"].as_str().unwrap().to_owned();
    let id = redeemed["id"].as_str().unwrap().to_owned();
    (town, shop, holder, cashier, code, id)
}

#[tokio::test]
async fn a_voucher_is_used_once_and_the_second_till_learns_when_and_where() {
    let (town, _, holder, cashier, code, id) = with_voucher().await;
    let typed = json!({"code": format!(" {}-{} ", &code[..8].to_lowercase(), &code[8..])});
    let checked = town.post(CHECK, &cashier.token, typed.clone()).await;
    assert_eq!((checked.status.as_u16(), &checked.body["status"]), (200, &json!("live")));
    assert_eq!((&checked.body["title"], &checked.body["payout_fen"]), (&json!("Coffee"), &json!(500)));

    let used = town.post(USE, &cashier.token, typed.clone()).await;
    assert_eq!((used.status.as_u16(), &used.body["status"]), (200, &json!("used")));
    assert_eq!(used.body["used_at"], "2026-03-02T04:00:00Z");
    for path in [USE, CHECK] {
        let again = town.post(path, &cashier.token, typed.clone()).await;
        let detail = again.problem("voucher_used");
        assert!(detail.contains("2026-03-02 12:00:00 +08:00 at \"Corner shop\""), "{detail}");
    }
    let cancel = town.post(&format!("/v1/redemptions/{id}/cancel"), &holder.token, json!({})).await;
    cancel.problem("voucher_used");
}

#[tokio::test]
async fn a_voucher_given_back_is_refused() {
    let (town, _, holder, cashier, code, id) = with_voucher().await;
    town.post(&format!("/v1/redemptions/{id}/cancel"), &holder.token, json!({})).await;
    for path in [CHECK, USE] {
        town.post(path, &cashier.token, json!({"code": code})).await.problem("voucher_cancelled");
    }
}

#[tokio::test]
async fn a_voucher_is_good_until_its_last_second() {
    let (town, _, _, _, code, _) = with_voucher().await;
    town.wait_seconds(30 * DAY - 1);
    let cashier = town.person("13800000002").await;
    assert_eq!(town.post(CHECK, &cashier.token, json!({"code": code})).await.status, 200);
    town.wait_seconds(1);
    for path in [CHECK, USE] {
        let answer = town.post(path, &cashier.token, json!({"code": code})).await;
        assert!(answer.problem("voucher_expired").contains("2026-04-01 12:00:00 +08:00"));
    }
}

#[tokio::test]
async fn a_voucher_of_another_shop_is_not_found() {
    let (town, _, holder, _, code, _) = with_voucher().await;
    let other = town.merchant("Other shop").await;
    let cashier = town.staff("13800000003", other).await;
    for path in [CHECK, USE] {
        for code in ["", "0000000000000000", "\u{0}"] {
            let answer = town.post(path, &cashier.token, json!({"code": code})).await;
            assert!(answer.problem("voucher_not_found").contains("this shop"), "{code:?}");
        }
        let answer = town.post(path, &cashier.token, json!({"code": code})).await;
        assert!(answer.problem("voucher_elsewhere").contains("the shop that the voucher names"));
        town.post(path, &holder.token, json!({"code": code})).await.problem("forbidden");
        town.post(path, "", json!({"code": code})).await.problem("unauthorized");
        town.post(path, &cashier.token, json!({})).await.problem("invalid_body");
    }
}

#[tokio::test]
async fn a_shop_sees_its_own_offers_and_uses_and_no_others() {
    let (town, shop, holder, cashier, code, _) = with_voucher().await;
    let other = town.merchant("Other shop").await;
    town.offer(other, 10, 1, None).await;
    town.wait_seconds(1);
    let second = town.offer(shop, 10, 7, Some(2)).await;
    let offers = town.get("/v1/merchant/offers?limit=1", &cashier.token).await.body;
    assert_eq!(
        (&offers["items"][0]["stock_total"], &offers["items"][0]["stock_left"]),
        (&json!(100), &json!(99))
    );
    let cursor = offers["next_cursor"].as_str().unwrap();
    let rest = town.get(&format!("/v1/merchant/offers?cursor={cursor}"), &cashier.token).await.body;
    assert_eq!(rest["items"].as_array().unwrap().len(), 1);
    assert_eq!(rest["items"][0]["id"], second.to_string());
    assert!(rest["next_cursor"].is_null());

    let redeemed = town.post("/v1/redemptions", &holder.token, json!({"offer_id": second})).await.body;
    let last = redeemed["vouchers"][0]["code"].as_str().unwrap();
    assert_eq!(town.get("/v1/merchant/redemptions", &cashier.token).await.body["items"], json!([]));
    for code in [code.as_str(), last] {
        assert_eq!(town.post(USE, &cashier.token, json!({"code": code})).await.status, 200);
        town.wait_seconds(1);
    }
    let used = town.get("/v1/merchant/redemptions?limit=1", &cashier.token).await.body;
    assert_eq!(used["items"][0]["code"], last);
    let cursor = used["next_cursor"].as_str().unwrap();
    let rest = town.get(&format!("/v1/merchant/redemptions?cursor={cursor}"), &cashier.token).await.body;
    assert_eq!((&rest["items"][0]["code"], &rest["next_cursor"]), (&json!(code), &json!(null)));
    town.get(&format!("/v1/merchant/offers?cursor={cursor}"), &cashier.token).await.problem("invalid_cursor");

    for path in ["/v1/merchant/offers", "/v1/merchant/redemptions"] {
        town.get(path, &holder.token).await.problem("forbidden");
    }
    let stranger = town.staff("13800000003", other).await;
    let nothing = town.get("/v1/merchant/redemptions", &stranger.token).await.body;
    assert_eq!(nothing["items"], json!([]));
}

#[tokio::test]
async fn a_signed_voucher_is_read_by_the_till_and_told_later() {
    let (town, _, holder, cashier, code, _) = with_voucher().await;
    let mine = town.get("/v1/me/vouchers", &holder.token).await.body;
    let payload = mine["items"][0]["payload"].as_str().unwrap().to_owned();
    assert!(payload.starts_with("TH1.") && payload.len() == 187, "{payload}");
    let keys = town.get("/v1/public/voucher-keys", "").await.body;
    assert_eq!((&keys["keys"][0]["kty"], &keys["keys"][0]["crv"]), (&json!("OKP"), &json!("Ed25519")));
    let checked = town.post(CHECK, &cashier.token, json!({"code": payload})).await;
    assert_eq!((checked.status.as_u16(), &checked.body["code"]), (200, &json!(code)));

    let mut forged = payload.clone();
    forged.replace_range(100..101, if &payload[100..101] == "A" { "B" } else { "A" });
    let tell = async |scans: serde_json::Value| {
        town.post("/v1/merchant/vouchers/reconcile", &cashier.token, json!({"scans": scans})).await
    };
    let scan = |payload: &str, at: &str| json!({"payload": payload, "scanned_at": at});
    let noon = "2026-03-02T04:00:00Z";
    let told = json!([
        scan(&payload, "2026-03-02T03:59:00Z"),
        scan(&payload, "2026-03-02T03:59:30Z"),
        scan(&payload, "2026-03-02T03:59:00Z"),
        scan(&forged, noon),
        scan("TH1.A", noon),
        scan(&payload, "2026-03-02T05:00:00Z"),
        scan(&payload, "2026-02-01T00:00:00Z"),
    ]);
    let answer = tell(told).await.body;
    assert_eq!((&answer["received"], &answer["used"]), (&json!(7), &json!(2)));
    let codes: Vec<_> = answer["results"].as_array().unwrap().iter().map(|one| &one["code"]).collect();
    assert_eq!(
        json!(codes),
        json!([
            null,
            "voucher_used",
            null,
            "voucher_forged",
            "voucher_unreadable",
            "scan_ahead",
            "scan_too_old"
        ])
    );
    assert_eq!(
        (&answer["results"][0]["replayed"], &answer["results"][2]["replayed"]),
        (&json!(false), &json!(true))
    );
    let conflicts = town.get("/v1/merchant/vouchers/conflicts", &cashier.token).await.body;
    assert_eq!(conflicts["items"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&conflicts["items"][0]["voucher"], &conflicts["items"][0]["code"]),
        (&json!(code), &json!("voucher_used"))
    );
    tell(json!([])).await.problem("invalid_body");
    let many: Vec<_> = (0..101).map(|_| scan("TH1.A", noon)).collect();
    tell(json!(many)).await.problem("invalid_body");
    assert_eq!(tell(json!(many[..100])).await.body["received"], 100);
}

/// What a till says to a cashier, in one language.
async fn said(town: &Town, path: &str, cashier: &Person, (read, language): (&str, &str)) -> Value {
    let request = Request::builder().method("POST").uri(path).header("accept-language", language);
    let request = request.header("authorization", format!("Bearer {}", cashier.token));
    let request = request.header("content-type", "application/json");
    town.send(request, json!({"code": read}).to_string()).await.body
}

/// Refused with this code, in a sentence of each language, the same for looking and for using.
async fn expect_refusal(town: &Town, cashier: &Person, read: &str, (status, code): (u16, &str)) -> String {
    let mut sentences = Vec::new();
    for path in [CHECK, USE] {
        for language in ["zh", "en"] {
            let body = said(town, path, cashier, (read, language)).await;
            assert_eq!((&body["code"], &body["status"]), (&json!(code), &json!(status)), "{read}: {body}");
            let sentence = body["detail"].as_str().or(body["title"].as_str()).unwrap().to_owned();
            assert_eq!(sentence.is_ascii(), language == "en", "{read}: {sentence}");
            sentences.push(sentence);
        }
    }
    assert_eq!(sentences[..2], sentences[2..], "{read}");
    sentences.swap_remove(1)
}

#[tokio::test]
async fn every_refusal_at_the_till_has_its_own_code_and_sentence() {
    let town = Town::open().await;
    let (shop, other) = (town.merchant("Corner shop").await, town.merchant("Other shop").await);
    let offer = town.offer(shop, 10, 100, None).await;
    let holder = town.rich("13800000001", 1).await;
    let cashier = town.staff("13800000002", shop).await;
    let stranger = town.staff("13800000003", other).await;
    let buy = async || {
        let redeemed = town.post("/v1/redemptions", &holder.token, json!({"offer_id": offer})).await.body;
        let [code, payload] =
            ["code", "payload"].map(|name| redeemed["vouchers"][0][name].as_str().unwrap().to_owned());
        (redeemed["id"].as_str().unwrap().to_owned(), code, payload)
    };
    let (_, code, payload) = buy().await;
    let (_, used, used_payload) = buy().await;
    let (back, cancelled, cancelled_payload) = buy().await;
    town.post(USE, &cashier.token, json!({"code": used_payload})).await;
    town.post(&format!("/v1/redemptions/{back}/cancel"), &holder.token, json!({})).await;
    // A letter inside the signature; the last one also holds bits that must be zero.
    let other_letter = if payload[120..].starts_with('A') { "B" } else { "A" };
    let forged = format!("{}{other_letter}{}", &payload[..120], &payload[121..]);
    let bitten = format!("{} {}", &payload[..40], &payload[41..]);
    let unknown = (404, "voucher_not_found");
    let table = [
        ("", unknown),
        ("0000000000000000", unknown),
        (&code[..15], unknown),
        ("茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶", unknown),
        ("\u{0}\u{202E}😀", unknown),
        ("https://shop.example/7K3M9QXR2T8WZ4HN", unknown),
        (&payload[..186], (422, "voucher_unreadable")),
        (&payload[..4], (422, "voucher_unreadable")),
        (&bitten, (422, "voucher_unreadable")),
        ("TH1.茶", (422, "voucher_unreadable")),
        (&forged, (422, "voucher_forged")),
        (&used, (409, "voucher_used")),
        (&used_payload, (409, "voucher_used")),
        (&cancelled, (409, "voucher_cancelled")),
        (&cancelled_payload, (409, "voucher_cancelled")),
    ];
    let mut sentences = std::collections::BTreeMap::new();
    for (read, expected) in table {
        let sentence = expect_refusal(&town, &cashier, read, expected).await;
        assert_eq!(sentences.entry(expected.1).or_insert(sentence.clone()), &sentence, "{read}");
    }
    for read in [&code, &payload, &used] {
        expect_refusal(&town, &stranger, read, (404, "voucher_elsewhere")).await;
    }
    town.wait_seconds(30 * DAY);
    let cashier = town.person("13800000002").await;
    for read in [&code, &payload] {
        let sentence = expect_refusal(&town, &cashier, read, (409, "voucher_expired")).await;
        sentences.insert("voucher_expired", sentence);
    }
    let different: std::collections::BTreeSet<&String> = sentences.values().collect();
    assert_eq!((sentences.len(), different.len()), (6, 6), "{sentences:?}");
}
