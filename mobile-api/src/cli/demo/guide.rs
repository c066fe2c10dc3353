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
        writeln!(
            f,
            "\n碳惠演示 tanhui demo   http://{address}   （演示模式，验证码恒为 000000 / demo mode, the code is always 000000）\n"
        )?;
        for (kind, summary) in imported {
            writeln!(
                f,
                "  {kind:<6} 行 rows {:>4}  入账 credited {:>3}  重复 duplicate {:>3}  被拒 rejected {:>2}  拒收行 refused {:>2}",
                summary.rows, summary.credited, summary.duplicate, summary.rejected, summary.refused_rows
            )?;
        }
        writeln!(
            f,
            "\n打开 open:  http://{address}/docs   http://{address}/openapi.json   http://{address}/readyz   http://{address}/metrics"
        )?;
        writeln!(
            f,
            "居民 citizen {CITIZEN_PHONE}（已绑定 has bound {OWN_CARD}） · 收银员 cashier {CASHIER_PHONE} · 市办 officer {OFFICER_PHONE}"
        )?;
        writeln!(f, "\n逐行粘贴 paste line by line:\n")?;
        f.write_str(&lines(&address.to_string(), key, &offer.to_string()))?;
        writeln!(
            f,
            "\n按 Ctrl-C 结束；再次运行会接着用同一座城市 / Ctrl-C stops; running again goes on with the same city"
        )
    }
}

/// The lines to paste, each with what it does.
fn lines(address: &str, key: &str, offer: &str) -> String {
    let json = "-H 'content-type: application/json'";
    let field = |name: &str| format!("sed 's/.*\"{name}\":\"\\([^\"]*\\)\".*/\\1/'");
    let token = |phone: &str| {
        format!(
            "$(curl -s $B/v1/auth/otp {json} -d '{{\"phone\":\"{phone}\"}}' >/dev/null; curl -s $B/v1/auth/token {json} \
             -d '{{\"grant_type\":\"otp\",\"phone\":\"{phone}\",\"code\":\"000000\"}}' | {})",
            field("access_token")
        )
    };
    let event = format!(
        "{{\"specversion\":\"1.0\",\"id\":\"ride-2\",\"source\":\"{PARTNER_SOURCE}\",\"type\":\"activity.metro_ride\",\
         \"subject\":\"{WAITING_CARD}\",\"time\":\"'$(date -u +%Y-%m-%dT%H:%M:%SZ)'\",\"data\":{{\"distance_km\":8.2}}}}"
    );
    let steps = [
        ("变量 variables", format!("B=http://{address}; KEY={key}; OFFER={offer}")),
        ("居民登录 sign in", format!("TOKEN={}", token(CITIZEN_PHONE))),
        ("余额 balance", "curl -s $B/v1/me/balance -H \"authorization: Bearer $TOKEN\"".to_owned()),
        (
            "绑卡，等候的行程随即入账 bind a card; its waiting ride is credited",
            format!(
                "curl -s $B/v1/me/bindings -H \"authorization: Bearer $TOKEN\" {json} \
                 -d '{{\"source\":\"{PARTNER_SOURCE}\",\"subject\":\"{WAITING_CARD}\"}}'"
            ),
        ),
        (
            "地铁公司上报一次行程 the metro reports a ride",
            format!(
                "curl -s $B/v1/partner/events -H \"authorization: Bearer $KEY\" \
                 -H 'content-type: application/cloudevents+json' -d '{event}'"
            ),
        ),
        (
            "最近行为 activities",
            "curl -s \"$B/v1/me/activities?limit=3\" -H \"authorization: Bearer $TOKEN\"".to_owned(),
        ),
        (
            "为什么 why",
            format!(
                "ID=$(curl -s \"$B/v1/me/activities?limit=1\" -H \"authorization: Bearer $TOKEN\" | {}); \
                 curl -s $B/v1/me/activities/$ID/explanation -H \"authorization: Bearer $TOKEN\"",
                field("id")
            ),
        ),
        (
            "排行榜 leaderboard",
            "curl -s \"$B/v1/leaderboards?period=month&scope=city&metric=reduction\" -H \"authorization: Bearer $TOKEN\""
                .to_owned(),
        ),
        (
            "兑换 redeem",
            format!(
                "VOUCHER=$(curl -s $B/v1/redemptions -H \"authorization: Bearer $TOKEN\" -H \"idempotency-key: $(date +%s%N)\" {json} \
                 -d '{{\"offer_id\":\"'$OFFER'\",\"quantity\":1}}' | {}); echo $VOUCHER",
                field("code")
            ),
        ),
        ("收银员登录 the cashier signs in", format!("TILL={}", token(CASHIER_PHONE))),
        (
            "核销，第二次会被拒绝 use the voucher; the second time is refused",
            format!(
                "for time in 1 2; do curl -s $B/v1/merchant/vouchers/use -H \"authorization: Bearer $TILL\" {json} \
                 -d '{{\"code\":\"'$VOUCHER'\"}}'; echo; done"
            ),
        ),
        ("对账单 statement", "curl -s $B/v1/me/statement -H \"authorization: Bearer $TOKEN\"".to_owned()),
    ];
    steps.iter().map(|(what, line)| format!("# {what}\n{line}\n")).collect()
}
