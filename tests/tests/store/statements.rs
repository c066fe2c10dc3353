//! The audit of merchants' statements: each line in one, each paid once and as it adds up.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use tanhui_domain::amount::Fen;
use tanhui_domain::id::StatementId;
use tanhui_domain::ledger::{Amounts, JournalKind};
use tanhui_domain::settlement::{MerchantStatement, StatementStatus};
use tanhui_store::settlement;
use tanhui_tests::{Outcome, Stage, each_database, id};

use crate::audits::{Scene, broken};

each_database!(a_merchants_statement_that_does_not_add_up);

/// Fails on lines left out, on a sum that is not theirs, on a payment that nobody made.
async fn a_merchants_statement_that_does_not_add_up(stage: Stage) -> Outcome {
    let scene = Scene::set(stage).await?;
    let (merchant, city) = (scene.town.merchant, scene.town.city.id);
    let on = scene.stage.database.begin().await?;
    let last_line = settlement::last_line_before(&on, merchant, DateTime::<Utc>::MAX_UTC).await?;
    let statement = MerchantStatement {
        id: StatementId::new(id(31)),
        city,
        merchant,
        number: 1,
        after_line: 0,
        last_line,
        due: settlement::due(&on, merchant, 0, last_line).await?,
        status: StatementStatus::Closed,
        closed_at: scene.stage.now(),
        submitted_by: None,
        approved_by: None,
        paid_at: None,
        note: None,
    };
    settlement::insert(&on, &statement).await?;
    on.commit().await?;
    assert_eq!(broken(&scene.stage).await?, BTreeMap::new());
    let breaks = [
        ("due_fen = due_fen + 1", "due_fen = due_fen - 1", "statement_is_the_sum_of_its_lines"),
        ("number = 2", "number = 1", "statement_begins_where_the_last_ended"),
        ("status = 'paid'", "status = 'closed'", "statement_is_paid_once"),
    ];
    for (wrong, right, invariant) in breaks {
        let set = |change: &str| format!("UPDATE merchant_statements SET {change} WHERE id = {{id}}");
        scene.break_rows(&set(wrong), statement.id.get()).await?;
        scene.expect(invariant, statement.id.get()).await?;
        scene.break_rows(&set(right), statement.id.get()).await?;
    }
    scene.post(JournalKind::Settle, merchant.get(), Amounts::payable(Fen::new(-1)), id(4_712)).await?;
    scene.expect("payment_has_its_statement", merchant.get()).await
}
