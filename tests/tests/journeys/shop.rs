//! A merchant's year in one journey: from the application to the bank, over HTTP and the command line alone.

use std::sync::Arc;

use reqwest::Method;
use serde_json::{Value, json};
use tanhui_tests::{Outcome, Raw};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::demo::adds_up;
use crate::process::wait_for;
use crate::receiver::{Received, Receiver};
use crate::sale::rich;
use crate::server::{Caller, Town};
use crate::world::{World, each_store};

each_store!(a_merchant_from_its_application_to_its_payment);

const CHECK: &str = "/v1/merchant/vouchers/check";
const USE: &str = "/v1/merchant/vouchers/use";
const VOID: &str = "/v1/merchant/vouchers/void";
const KINDS: [&str; 8] = [
    "voucher.issued",
    "voucher.used",
    "voucher.voided",
    "voucher.cancelled",
    "voucher.expired",
    "voucher.refunded",
    "statement.closed",
    "statement.paid",
];

/// Everyone who has to do with the shop.
struct Street {
    town: Town,
    owner: Caller,
    cashiers: [Caller; 2],
    editor: Caller,
    approver: Caller,
    anna: Caller,
    merchant: String,
}

fn text(value: &Value, member: &str) -> Outcome<String> {
    Ok(value[member].as_str().ok_or_else(|| format!("no {member} in {value}"))?.to_owned())
}

async fn a_merchant_from_its_application_to_its_payment(world: Arc<World>) -> Outcome {
    let street = open_street(&world).await?;
    let receiver = Receiver::start(&[500]).await?;
    let wish = json!({ "url": receiver.url(), "kinds": KINDS });
    let hook = street.owner.post("/v1/merchant/webhooks", &wish).await?.ok()?;
    let secret = text(&hook, "secret")?;
    let offer = live_offer(&street, None).await?;
    let project = json!({ "title": { "zh": "南岸林", "en": "South wood" } });
    let project = text(&street.editor.post("/v1/city/projects", &project).await?.ok()?, "id")?;
    let gift = live_offer(&street, Some(&project)).await?;
    let before = points(&street.anna).await?;

    let used = lost_and_asked_again(&street, &offer).await?;
    at_two_tills(&world, &street, &used["vouchers"][0]).await?;
    let back = redeem(&street.anna, &offer, "back").await?;
    let path = format!("/v1/redemptions/{}/cancel", text(&back, "id")?);
    street.anna.post(&path, &json!({})).await?.ok()?;
    refused_at_the_till(&street, &back, "voucher_cancelled").await?;
    let mistaken = redeem(&street.anna, &offer, "mistaken").await?;
    used_by_mistake(&street, &mistaken).await?;
    let late = redeem(&street.anna, &offer, "late").await?;
    comes_too_late(&world, &street, &late).await?;
    let given = redeem(&street.anna, &gift, "gift").await?;
    donated(&street, &given, &project).await?;
    assert_eq!(before - points(&street.anna).await?, 20 + 20 + 10, "used, live again, given");
    adds_up(&street.anna.get("/v1/me/statement").await?.ok()?);

    settled(&street).await?;
    told_once_each(&receiver, &secret).await?;
    written_down(&street).await?;
    let audit = world.audit().await?;
    assert_eq!(audit["totals"]["POINTS"]["spent"], 50, "{audit}");
    Ok(())
}

/// A merchant that applied and was admitted, with a branch and two cashiers who were invited.
async fn open_street(world: &Arc<World>) -> Outcome<Street> {
    let town = Town::open(world).await?;
    let officers = [("13700000001", "city_editor"), ("13700000001", "city_approver")];
    for (phone, role) in [&officers[..], &[("13700000002", "city_approver")]].concat() {
        world.done(&["grant", "--phone", phone, "--role", role]).await?;
    }
    let (editor, approver) =
        (town.server.person("13700000001").await?, town.server.person("13700000002").await?);
    let owner = town.server.person("13900000001").await?;
    let about = json!({ "name": "南湖茶馆", "description": "茶", "contact": "店长" });
    let merchant = text(&owner.post("/v1/me/merchants", &about).await?.ok()?, "id")?;
    owner.get("/v1/merchant").await?.refused(403, "forbidden");
    let why = json!({ "reason": { "zh": "材料齐全", "en": "All papers are there" } });
    approver.post(&format!("/v1/city/merchants/{merchant}/approve"), &why).await?.ok()?;
    assert_eq!(owner.get("/v1/merchant").await?.ok()?["role"], "owner");
    let branch = json!({ "name": "南湖店", "address": "南湖路 1 号" });
    let branch = text(&owner.post("/v1/merchant/branches", &branch).await?.ok()?, "id")?;
    let mut cashiers = Vec::new();
    for phone in ["13900000002", "13900000003"] {
        let wish = json!({ "phone": phone, "role": "cashier", "label": "早班", "branch_id": branch });
        owner.post("/v1/merchant/invitations", &wish).await?.ok()?;
        let cashier = town.server.person(phone).await?;
        let mine = cashier.all("/v1/me/invitations", "items").await?;
        let path = format!("/v1/me/invitations/{}/accept", text(&mine[0], "id")?);
        assert_eq!(cashier.post(&path, &json!({})).await?.status, 204);
        cashiers.push(cashier);
    }
    let cashiers: [Caller; 2] = cashiers.try_into().map_err(|_| "two cashiers were due")?;
    cashiers[0].post("/v1/merchant/offers", &json!({})).await?.refused(403, "forbidden");
    let anna = rich(&town, 1).await?;
    Ok(Street { town, owner, cashiers, editor, approver, anna, merchant })
}

/// An offer, or a way to give to a project: written, submitted, approved by someone else, opened.
async fn live_offer(street: &Street, project: Option<&str>) -> Outcome<String> {
    let mut wish = json!({
        "kind": "coupon", "title": { "zh": "热茶", "en": "Tea" }, "price_points": 20, "payout_fen": 800,
        "stock": 10, "per_person": 5, "refund_expired": true,
    });
    let mut budget = json!({ "budget_fen": 8_000 });
    if let Some(project) = project {
        (wish["kind"], wish["project_id"]) = (json!("donation"), json!(project));
        (wish["price_points"], wish["payout_fen"], wish["refund_expired"]) =
            (json!(10), json!(0), json!(false));
        budget = json!({});
    }
    let id = text(&street.owner.post("/v1/merchant/offers", &wish).await?.ok()?, "id")?;
    let (mine, city) = (format!("/v1/merchant/offers/{id}"), format!("/v1/city/offers/{id}"));
    street.owner.post(&format!("{mine}/publish"), &json!({})).await?.refused(409, "offer_out_of_order");
    street.owner.post(&format!("{mine}/submit"), &json!({})).await?.ok()?;
    street.owner.post(&format!("{city}/approve"), &budget).await?.refused(403, "forbidden");
    street.approver.post(&format!("{city}/approve"), &budget).await?.ok()?;
    let open = street.owner.post(&format!("{mine}/publish"), &json!({})).await?.ok()?;
    assert_eq!(open["status"], "live", "{open}");
    Ok(id)
}

async fn points(citizen: &Caller) -> Outcome<i64> {
    Ok(citizen.get("/v1/me/balance").await?.ok()?["points"].as_i64().ok_or("no points")?)
}

async fn redeem(citizen: &Caller, offer: &str, key: &str) -> Outcome<Value> {
    let wish = json!({ "offer_id": offer, "quantity": 1 });
    citizen.call(Method::POST, "/v1/redemptions", &wish, &[("idempotency-key", key)]).await?.ok()
}

/// The answer begins to come and is lost; the same key is answered with the same voucher.
async fn lost_and_asked_again(street: &Street, offer: &str) -> Outcome<Value> {
    let (place, token) = street.anna.place();
    let body = json!({ "offer_id": offer, "quantity": 1 }).to_string();
    let request = format!(
        "POST /v1/redemptions HTTP/1.1\r\nhost: {place}\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\nidempotency-key: once\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut line = TcpStream::connect(&place).await?;
    line.write_all(request.as_bytes()).await?;
    let mut heard = [0; 12];
    line.read_exact(&mut heard).await?;
    drop(line);
    assert_eq!(&heard, b"HTTP/1.1 201");
    let wish = json!({ "offer_id": offer, "quantity": 1 });
    let key = [("idempotency-key", "once")];
    let again = street.anna.call(Method::POST, "/v1/redemptions", &wish, &key).await?;
    assert_eq!(again.headers["idempotency-replayed"], "true");
    let held = street.anna.all("/v1/me/vouchers", "items").await?;
    assert_eq!(held.len(), 1, "one voucher a key");
    again.ok()
}

/// Checked without a network by the public key, used once, refused at the other till.
async fn at_two_tills(world: &World, street: &Street, voucher: &Value) -> Outcome {
    let payload = text(voucher, "payload")?;
    let keys = street.town.server.anyone().get("/v1/public/voucher-keys").await?.ok()?;
    std::fs::write(world.path("keys.json"), keys.to_string())?;
    let verify = ["till", "verify", &payload, "--keys", "keys.json", "--merchant", &street.merchant];
    let good = world.run_command(world.stranger(&verify)?).await?;
    assert_eq!((good.code, good.out.contains(&text(voucher, "code")?)), (Some(0), true), "{good:?}");
    let [one, two] = &street.cashiers;
    let read = json!({ "code": payload });
    assert_eq!(one.post(CHECK, &read).await?.ok()?["status"], "live");
    assert_eq!(one.post(USE, &read).await?.ok()?["payout_fen"], 800);
    let refused = two.post(USE, &json!({ "code": voucher["code"] })).await?;
    refused.refused(409, "voucher_used");
    assert!(refused.body["detail"].as_str().is_some_and(|detail| detail.contains("南湖店")), "{refused:?}");
    Ok(())
}

async fn refused_at_the_till(street: &Street, redeemed: &Value, code: &str) -> Outcome {
    let read = json!({ "code": redeemed["vouchers"][0]["payload"] });
    for path in [CHECK, USE] {
        street.cashiers[0].post(path, &read).await?.refused(409, code);
    }
    Ok(())
}

/// Used, and soon undone: the holder has a live voucher again.
async fn used_by_mistake(street: &Street, redeemed: &Value) -> Outcome {
    let read = json!({ "code": redeemed["vouchers"][0]["code"] });
    let [one, two] = &street.cashiers;
    one.post(VOID, &read).await?.refused(409, "voucher_not_used");
    one.post(USE, &read).await?.ok()?;
    assert_eq!(two.post(VOID, &read).await?.ok()?["status"], "live");
    two.post(VOID, &read).await?.refused(409, "voucher_not_used");
    Ok(())
}

/// Weeks pass for one voucher: the calendar is turned by hand, what follows is the program's own doing.
async fn comes_too_late(world: &World, street: &Street, redeemed: &Value) -> Outcome {
    let code = text(&redeemed["vouchers"][0], "code")?;
    let raw = world.raw().await?;
    expires(&raw, &code, chrono::TimeDelta::hours(1)).await?;
    refused_at_the_till(street, redeemed, "voucher_expired").await?;
    world.done(&["expire"]).await?;
    let status = async || -> Outcome<Value> {
        let held = street.anna.all("/v1/me/vouchers", "items").await?;
        let found = held.into_iter().find(|one| one["code"] == *code);
        Ok(found.ok_or("it is gone")?["status"].take())
    };
    assert_eq!(status().await?, "expired", "a till may still tell of a scan");
    expires(&raw, &code, chrono::TimeDelta::days(8)).await?;
    raw.close().await?;
    world.done(&["expire"]).await?;
    assert_eq!(status().await?, "refunded", "as the offer says");
    refused_at_the_till(street, redeemed, "voucher_expired").await
}

async fn expires(raw: &Raw, code: &str, ago: chrono::TimeDelta) -> Outcome {
    let at = (chrono::Utc::now() - ago).timestamp_micros();
    let sql = format!("UPDATE vouchers SET expires_at_us = {at} WHERE code = '{code}'");
    assert_eq!(raw.execute(&sql).await?, 1);
    Ok(())
}

async fn donated(street: &Street, given: &Value, project: &str) -> Outcome {
    assert_eq!((&given["project_id"], &given["vouchers"]), (&json!(project), &json!([])));
    let path = format!("/v1/redemptions/{}/cancel", text(given, "id")?);
    street.anna.post(&path, &json!({})).await?.refused(409, "donation_final");
    let mine = street.anna.all("/v1/me/donations", "items").await?;
    assert_eq!((&mine[0]["certificate_id"], &mine[0]["points"]), (&given["id"], &json!(10)));
    let public = street.town.server.anyone().all("/v1/public/projects", "items").await?;
    assert_eq!((&public[0]["title"], &public[0]["points"]), (&json!("South wood"), &json!(10)));
    Ok(())
}

/// Closed, submitted, approved by another, paid; every form of the statement says the same.
async fn settled(street: &Street) -> Outcome {
    let Street { editor, approver, owner, .. } = street;
    assert_eq!(editor.post("/v1/city/statements", &json!({})).await?.ok()?["closed"], 1);
    let mine = owner.all("/v1/merchant/statements", "items").await?;
    let id = text(&mine[0], "id")?;
    let statement = owner.get(&format!("/v1/merchant/statements/{id}")).await?.ok()?;
    assert_eq!(
        (&statement["uses"], &statement["voids"], &statement["due_fen"]),
        (&json!(2), &json!(1), &json!(800))
    );
    let lines = statement["items"].as_array().ok_or("no lines")?;
    let sum: i64 = lines.iter().filter_map(|line| line["payable_fen"].as_i64()).sum();
    assert_eq!((sum, &lines[2]["payable_after_fen"]), (800, &json!(800)), "{statement}");
    let file = format!("/v1/merchant/statements/{id}/file?format=");
    let csv = String::from_utf8(owner.download(&format!("{file}csv")).await?)?;
    let rows: Vec<Vec<String>> = csv
        .trim_start_matches('\u{feff}')
        .lines()
        .map(|line| line.split(',').map(str::to_owned).collect())
        .collect();
    assert_eq!(rows[0][5], "payable_yuan");
    for (row, line) in rows[1..].iter().zip(lines) {
        let fen = row[5].replace('.', "").parse::<i64>()?;
        assert_eq!((&json!(fen), &json!(row[3])), (&line["payable_fen"], &line["code"]));
    }
    assert_eq!(workbook(&owner.download(&format!("{file}xlsx")).await?)?, rows.concat());

    let step = |name: &str| format!("/v1/city/statements/{id}/{name}");
    editor.post(&step("approve"), &json!({})).await?.refused(409, "statement_out_of_order");
    editor.post(&step("submit"), &json!({})).await?.ok()?;
    editor.post(&step("approve"), &json!({})).await?.refused(409, "same_person");
    approver.post(&step("approve"), &json!({})).await?.ok()?;
    let paid = editor.post(&step("pay"), &json!({ "note": "bank 4711" })).await?.ok()?;
    assert_eq!(paid["status"], "paid", "{paid}");
    Ok(())
}

/// The cells of a workbook's only sheet, row by row.
fn workbook(bytes: &[u8]) -> Outcome<Vec<String>> {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes))?;
    let sheet = std::io::read_to_string(archive.by_name("xl/worksheets/sheet1.xml")?)?;
    let cells = sheet.split("<is>").skip(1).filter_map(|cell| cell.split("</is>").next());
    Ok(cells.map(|cell| cell.replace("<t>", "").replace("</t>", "").replace("<t/>", "")).collect())
}

/// All that happened was told, signed, and each until it was heard.
async fn told_once_each(receiver: &Receiver, secret: &str) -> Outcome {
    let heard = || -> Outcome<Vec<Received>> {
        Ok(receiver.received().into_iter().filter(|one| one.status == 200).collect())
    };
    let told = wait_for("all to be told", || {
        let heard = heard();
        async { Ok(Some(heard?).filter(|heard| heard.len() >= 11)) }
    })
    .await?;
    let mut kinds: Vec<String> = told.iter().map(Received::kind).collect::<Outcome<_>>()?;
    kinds.sort();
    let expected = [
        "statement.closed",
        "statement.paid",
        "voucher.cancelled",
        "voucher.issued",
        "voucher.issued",
        "voucher.issued",
        "voucher.issued",
        "voucher.refunded",
        "voucher.used",
        "voucher.used",
        "voucher.voided",
    ];
    assert_eq!(kinds, expected);
    let all = receiver.received();
    for one in &all {
        assert!(one.is_signed_with(secret)?, "{one:?}");
    }
    let first = &all[0];
    assert_eq!(first.status, 500);
    assert!(told.iter().any(|one| one.id() == first.id() && one.body == first.body), "told again");
    Ok(())
}

/// What the merchant's people and the city did is there for the city to read.
async fn written_down(street: &Street) -> Outcome {
    let log = street.editor.all("/v1/city/audit-log", "items").await?;
    let acts: Vec<&str> = log.iter().rev().filter_map(|line| line["act"].as_str()).collect();
    assert_eq!(
        acts,
        [
            "merchant_approved",
            "branch_opened",
            "staff_invited",
            "staff_joined",
            "staff_invited",
            "staff_joined",
            "webhook_added",
        ]
    );
    assert!(log.iter().all(|line| line["subject_id"] == *street.merchant), "{log:?}");
    Ok(())
}
