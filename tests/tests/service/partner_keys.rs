//! A partner's keys: several count at once, and revoked ones no more, in each process within its bound.

use chrono::TimeDelta;
use tanhui_domain::id::SourceId;
use tanhui_service::cache::Cache;
use tanhui_service::identity::known_keys::KNOWN_FOR;
use tanhui_service::office;
use tanhui_tests::{Outcome, Programme, Stage, each_database};

each_database!(
    a_revoked_key_is_refused_at_once_here_and_soon_elsewhere,
    the_newest_key_stays_unless_it_is_named,
);

async fn speaks(at: &Programme, hash: [u8; 32]) -> Outcome<Option<SourceId>> {
    Ok(office::source_of_key(&at.services, hash).await?.map(|source| source.id))
}

async fn a_revoked_key_is_refused_at_once_here_and_soon_elsewhere(stage: Stage) -> Outcome {
    let here = Programme::start(&stage).await?;
    let there = Programme::start_with(&stage, "testcity", Cache::memory(), 2).await?;
    let source = here.source.id;
    let hash = office::issue_key(&here.services, source).await?.hash();
    for process in [&here, &there] {
        assert_eq!(speaks(process, hash).await?, Some(source));
    }
    assert_eq!(office::revoke_keys(&here.services, source, true).await?, 1);
    assert_eq!(speaks(&here, hash).await?, None);
    stage.clock.advance(KNOWN_FOR - TimeDelta::microseconds(1));
    assert_eq!(speaks(&there, hash).await?, Some(source), "as the guide for operators says");
    stage.clock.advance(TimeDelta::microseconds(1));
    assert_eq!((speaks(&there, hash).await?, speaks(&here, hash).await?), (None, None));
    there.stop().await?;
    here.stop().await
}

async fn the_newest_key_stays_unless_it_is_named(stage: Stage) -> Outcome {
    let here = Programme::start(&stage).await?;
    let source = here.source.id;
    let old = office::issue_key(&here.services, source).await?.hash();
    assert_eq!(office::revoke_keys(&here.services, source, false).await?, 0, "the only one is the newest");
    stage.clock.advance(TimeDelta::seconds(1));
    let new = office::issue_key(&here.services, source).await?.hash();
    assert_eq!((speaks(&here, old).await?, speaks(&here, new).await?), (Some(source), Some(source)));
    assert_eq!(office::revoke_keys(&here.services, source, false).await?, 1);
    assert_eq!((speaks(&here, old).await?, speaks(&here, new).await?), (None, Some(source)));
    assert_eq!(office::revoke_keys(&here.services, source, true).await?, 1);
    assert_eq!((speaks(&here, old).await?, speaks(&here, new).await?), (None, None));
    assert!(office::source(&here.services, "urn:nobody").await.is_err());
    here.stop().await
}
