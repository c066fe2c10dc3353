//! How PostgreSQL sets about the audit where it knows nothing of the tables, as after a bulk load: no
//! invariant may loop over what it joins, or a busy citizen costs the square of their lines.

use sea_orm::{ConnectionTrait as _, DbBackend, Statement};
use tanhui_store::{Connected as _, Transaction, audit};
use tanhui_tests::{Outcome, Stage, on_postgres};

on_postgres!(no_invariant_loops_over_what_it_joins);

/// First columns of what a query gives, asked within the audit's own transaction.
async fn texts(on: &Transaction, sql: &str) -> Outcome<Vec<String>> {
    let rows = on.raw().query_all_raw(Statement::from_string(DbBackend::Postgres, sql)).await?;
    rows.iter().map(|row| Ok(row.try_get_by_index(0)?)).collect()
}

async fn no_invariant_loops_over_what_it_joins(stage: Stage) -> Outcome {
    let snapshot = stage.database.snapshot().await?;
    for invariant in audit::invariants() {
        audit::check(&snapshot, invariant, |_, _| {}).await?;
    }
    let prepared = "SELECT format('EXPLAIN EXECUTE %I (%s)', name, CASE parameter_types[1]
                      WHEN 'uuid'::regtype THEN '''00000000-0000-0000-0000-000000000000'',
                                                ''ffffffff-ffff-ffff-ffff-ffffffffffff'''
                      ELSE '0, 9223372036854775807' END)
                    FROM pg_prepared_statements WHERE statement LIKE 'WITH %violations (detail)%'";
    let plans = texts(&snapshot, prepared).await?;
    assert_eq!(plans.len(), audit::invariants().count());
    for explain in plans {
        let plan = texts(&snapshot, &explain).await?.join("\n");
        assert!(!plan.contains("Nested Loop"), "{plan}");
    }
    Ok(())
}
