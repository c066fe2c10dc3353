//! PostgreSQL is stopped under a running server and comes back: what was acknowledged is there once, what was
//! refused was asked to come again, and nobody has to touch the server.

use std::sync::Arc;

use tanhui_tests::{Dice, Outcome};

use crate::cluster::{Cluster, Stop};
use crate::load::{Load, RIDERS, Watch};
use crate::process::wait_for;
use crate::server::Town;
use crate::world::{World, on_own_postgres};

on_own_postgres!(a_database_restarts_under_its_server);

const STOPS: [Stop; 4] = [Stop::Fast, Stop::Immediate, Stop::Immediate, Stop::Fast];

async fn a_database_restarts_under_its_server(world: Arc<World>, cluster: Cluster) -> Outcome {
    let (town, cluster) = (Town::open(&world).await?, Arc::new(cluster));
    let mut dice = Dice::of_this_run();
    for rider in 0..RIDERS {
        town.rider(&format!("1380000001{rider}"), &format!("card-{rider}")).await?;
    }
    let mut refusals = 0;
    for (round, stop) in (0..).zip(STOPS) {
        let (load, metro, watch) = (Load::of(round), town.metro(), Watch::default());
        let (sent, struck) = tokio::join!(load.send_until_acknowledged(&metro, &watch), async {
            load.until_some_are_credited(&world, &mut dice).await?;
            beside(&cluster, move |cluster| cluster.stop(stop)).await?;
            until_readiness_is(&town, 503).await?;
            watch.until_refused().await?;
            beside(&cluster, Cluster::go_on).await?;
            until_readiness_is(&town, 200).await
        });
        struck?;
        load.expect_once(&town, &sent?).await?;
        refusals += watch.refusals.get();
    }
    assert!(refusals > 0, "nobody noticed four times");
    Ok(())
}

/// Does something to the database while partners go on sending.
async fn beside(cluster: &Arc<Cluster>, deed: impl FnOnce(&Cluster) -> Outcome + Send + 'static) -> Outcome {
    let cluster = Arc::clone(cluster);
    tokio::task::spawn_blocking(move || deed(&cluster)).await?
}

async fn until_readiness_is(town: &Town, status: u16) -> Outcome {
    wait_for("the server to notice its database", || async {
        Ok((town.server.anyone().get("/readyz").await?.status == status).then_some(()))
    })
    .await
}
