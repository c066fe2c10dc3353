//! What the demo prints: what to open, and lines that work as printed.

use std::fmt;
use std::net::SocketAddr;

use tanhui_domain::id::OfferId;

use super::super::import::Summary;
use super::{CASHIER_PHONE, CITIZEN_PHONE, OFFICER_PHONE, OWN_CARD, WAITING_CARD};

/// Source of the demo's partner.
pub const PARTNER_SOURCE: &str = "urn:tanhui:demo:metro";

/// What was set up.
pub struct Guide {
    pub address: SocketAddr,
    pub key: String,
    pub offer: OfferId,
    pub imported: Vec<(&'static str, Summary)>,
}

impl fmt::Display for Guide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, key, offer, imported } = self;
        writeln!(f, "\n碳惠演示 tanhui demo   http://{address}")?;
        writeln!(f, "演示模式，验证码恒为 000000 / demo mode, the one-time code is always 000000\n")?;
        for (kind, summary) in imported {
            let Summary { rows, credited, duplicate, rejected, refused_rows, .. } = summary;
            write!(f, "  {kind:<6} 行 rows {rows:>4}  入账 credited {credited:>3}")?;
            write!(f, "  重复 duplicate {duplicate:>3}  被拒 rejected {rejected:>2}")?;
            writeln!(f, "  拒收行 refused {refused_rows:>2}")?;
        }
        writeln!(f, "\n打开 open")?;
        for page in ["docs", "openapi.json", "readyz", "metrics"] {
            writeln!(f, "  http://{address}/{page}")?;
        }
        writeln!(f, "\n居民 citizen {CITIZEN_PHONE}（已绑定 has bound {OWN_CARD}）")?;
        writeln!(f, "收银员 cashier {CASHIER_PHONE}    市办 officer {OFFICER_PHONE}")?;
        writeln!(f, "\n逐行粘贴 paste line by line\n")?;
        f.write_str(&lines(&address.to_string(), key, &offer.to_string()))?;
        writeln!(f, "\n按 Ctrl-C 结束；再次运行会接着用同一座城市")?;
        writeln!(f, "Ctrl-C stops; running again goes on with the same city")
    }
}

const JSON: &str = "-H 'content-type: application/json'";
const AS_CITIZEN: &str = r#"-H "authorization: Bearer $TOKEN""#;

/// Takes the value of a text field out of JSON with nothing but sed.
fn field(name: &str) -> String {
    format!(r#"sed 's/.*"{name}":"\([^"]*\)".*/\1/'"#)
}

fn sign_in(phone: &str) -> String {
    let send = format!(r#"curl -s $B/v1/auth/otp {JSON} -d '{{"phone":"{phone}"}}' >/dev/null"#);
    let body = format!(r#"{{"grant_type":"otp","phone":"{phone}","code":"000000"}}"#);
    format!("$({send}; curl -s $B/v1/auth/token {JSON} -d '{body}' | {})", field("access_token"))
}

fn ride() -> String {
    let now = "'$(date -u +%Y-%m-%dT%H:%M:%SZ)'";
    let what =
        format!(r#""source":"{PARTNER_SOURCE}","type":"activity.metro_ride","subject":"{WAITING_CARD}""#);
    let ride = format!(r#""id":"ride-'$(date +%s)'","time":"{now}","data":{{"distance_km":8.2}}"#);
    let event = format!(r#"{{"specversion":"1.0",{what},{ride}}}"#);
    let kind = "-H 'content-type: application/cloudevents+json'";
    format!(r#"curl -s $B/v1/partner/events -H "authorization: Bearer $KEY" {kind} -d '{event}'"#)
}

/// The lines to paste, each with what it does.
fn lines(address: &str, key: &str, offer: &str) -> String {
    let get = |path: &str| format!(r#"curl -s "$B/v1/{path}" {AS_CITIZEN}"#);
    let binding = format!(r#"{{"source":"{PARTNER_SOURCE}","subject":"{WAITING_CARD}"}}"#);
    let newest = format!("ID=$({} | {})", get("me/activities?limit=1"), field("id"));
    let redemption = format!(
        "curl -s $B/v1/redemptions {AS_CITIZEN} -H \"idempotency-key: $(date +%s%N)\" {JSON} -d '{}'",
        r#"{"offer_id":"'$OFFER'","quantity":1}"#
    );
    let till = format!(
        r#"curl -s $B/v1/merchant/vouchers/use -H "authorization: Bearer $TILL" {JSON} -d '{}'"#,
        r#"{"code":"'$VOUCHER'"}"#
    );
    let steps = [
        ("变量 variables", format!("B=http://{address}; KEY={key}; OFFER={offer}")),
        ("居民登录 the citizen signs in", format!("TOKEN={}", sign_in(CITIZEN_PHONE))),
        ("余额 balance", get("me/balance")),
        (
            "绑卡，等候的行程随即入账 bind a card; its waiting ride is credited",
            format!("curl -s $B/v1/me/bindings {AS_CITIZEN} {JSON} -d '{binding}'"),
        ),
        ("地铁公司上报一次行程 the metro reports a ride", ride()),
        ("最近行为 activities", get("me/activities?limit=3")),
        ("为什么 why", format!("{newest}; {}", get("me/activities/$ID/explanation"))),
        ("排行榜 leaderboard", get("leaderboards?period=month&scope=city&metric=reduction")),
        ("兑换 redeem", format!("VOUCHER=$({redemption} | {}); echo $VOUCHER", field("code"))),
        ("收银员登录 the cashier signs in", format!("TILL={}", sign_in(CASHIER_PHONE))),
        (
            "核销，第二次会被拒绝 use the voucher; the second time is refused",
            format!("for time in 1 2; do {till}; echo; done"),
        ),
        ("对账单 statement", get("me/statement")),
    ];
    let mut text = String::new();
    for (what, line) in steps {
        text.push_str(&["# ", what, "\n", &line, "\n"].concat());
    }
    text
}
