//! What merchants are told, in words that they were promised in `docs/webhooks.md`.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tanhui_domain::id::MessageId;
use tanhui_domain::offer::Offer;
use tanhui_domain::redemption::Voucher;
use tanhui_domain::settlement::MerchantStatement;
use tanhui_domain::webhook::EventKind;
use tanhui_store::webhook::{Message, announce};
use tanhui_store::{StoreError, Transaction};

/// A message's text.
pub(super) fn body(kind: EventKind, at: DateTime<Utc>, data: &Value) -> String {
    json!({ "type": kind.word(), "timestamp": at, "data": data }).to_string()
}

/// Tells what happened to a voucher.
pub(crate) async fn announce_voucher(
    on: &Transaction,
    kind: EventKind,
    (voucher, offer): (&Voucher, &Offer),
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let data = json!({
        "voucher": voucher.code,
        "status": voucher.status.word(),
        "offer_id": offer.id,
        "title": offer.title,
        "payout_fen": offer.payout,
        "expires_at": voucher.expires_at,
        "used_at": voucher.used_at,
    });
    let message = Message {
        id: MessageId::derive(kind, voucher.id.get(), at),
        merchant: voucher.merchant,
        kind: kind.word(),
        body: body(kind, at, &data),
        at,
    };
    announce(on, &[message]).await
}

/// Tells where a statement is.
pub(crate) async fn announce_statement(
    on: &Transaction,
    kind: EventKind,
    statement: &MerchantStatement,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let data = json!({
        "statement_id": statement.id,
        "number": statement.number,
        "status": statement.status.word(),
        "uses": statement.due.uses,
        "voids": statement.due.voids,
        "due_fen": statement.due.fen,
        "paid_at": statement.paid_at,
        "note": statement.note,
    });
    let message = Message {
        id: MessageId::derive(kind, statement.id.get(), at),
        merchant: statement.merchant,
        kind: kind.word(),
        body: body(kind, at, &data),
        at,
    };
    announce(on, &[message]).await
}
