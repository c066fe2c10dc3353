//! All files of a spill played, one after another on each processor, and what was found joined.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;

use tanhui_domain::rule::RuleSet;
use tanhui_domain::simulation::{Comparison, Report, Schema};

use super::spill::{Spill, next_event};
use super::{Phase, Progress, SimulationError};

/// Plays all spilled events under both rule sets.
pub fn play(
    in_force: &RuleSet,
    draft: &RuleSet,
    schema: &Schema,
    mut spill: Spill,
    progress: Progress<'_>,
) -> Result<Report, SimulationError> {
    spill.finish()?;
    let next = Shared { spill: &spill, part: AtomicUsize::new(0), played: AtomicU64::new(0), progress };
    let workers = thread::available_parallelism().map_or(1, NonZeroUsize::get).min(spill.parts());
    let joined = thread::scope(|scope| {
        let started: Vec<_> = (0..workers)
            .map(|_| scope.spawn(|| next.play_parts(Comparison::new(in_force, draft, schema))))
            .collect();
        let mut all = Comparison::new(in_force, draft, schema);
        for worker in started {
            all.join(worker.join().map_err(|_| SimulationError::Worker)??);
        }
        Ok::<_, SimulationError>(all)
    })?;
    Ok(joined.report())
}

struct Shared<'a> {
    spill: &'a Spill,
    part: AtomicUsize,
    played: AtomicU64,
    progress: Progress<'a>,
}

impl Shared<'_> {
    fn play_parts<'r>(&self, mut comparison: Comparison<'r>) -> Result<Comparison<'r>, SimulationError> {
        let mut bytes = Vec::new();
        loop {
            let part = self.part.fetch_add(1, Ordering::Relaxed);
            if part >= self.spill.parts() {
                return Ok(comparison);
            }
            self.spill.read(part, &mut bytes)?;
            let (mut rest, mut played) = (bytes.as_slice(), 0_u64);
            while let Some((order, row, after)) = next_event(rest)? {
                comparison.play(&row, order)?;
                rest = after;
                played = played.saturating_add(1);
            }
            comparison.turn();
            let played = self.played.fetch_add(played, Ordering::Relaxed).saturating_add(played);
            (self.progress)(Phase::Playing, played, self.spill.events());
        }
    }
}
