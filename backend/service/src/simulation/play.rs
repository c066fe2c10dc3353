//! All kept events played in their order, each side on a thread of its own, and what they found compared.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use tanhui_domain::rule::RuleSet;
use tanhui_domain::simulation::{Block, Comparison, Horizon, Played, Report, Side};

use super::kept::Kept;
use super::{Phase, Progress, SimulationError};

/// Blocks that are read before a side asks for them.
const AHEAD: usize = 3;

/// A block with its place among all events.
struct Turn {
    block: Block,
    first: u64,
    horizon: Horizon,
}

/// One side's thread from outside.
struct Player {
    turns: SyncSender<Arc<Turn>>,
    played: Receiver<Played>,
}

/// Plays all kept events under both rule sets.
pub fn play(
    in_force: &RuleSet,
    draft: &RuleSet,
    kept: &Kept,
    progress: Progress<'_>,
) -> Result<Report, SimulationError> {
    let schema = kept.schema();
    schema.check(in_force)?;
    schema.check(draft)?;
    thread::scope(|scope| {
        let start = |rules| {
            let (turns, turns_of_side) = sync_channel(AHEAD);
            let (played_by_side, played) = sync_channel(AHEAD);
            let side = Side::new(rules, schema);
            let running = scope.spawn(move || run(side, &turns_of_side, &played_by_side));
            (Player { turns, played }, running)
        };
        let ((old, old_running), (new, new_running)) = (start(in_force), start(draft));
        let compared = compare(kept, [old, new], progress);
        let join =
            |running: thread::ScopedJoinHandle<'_, _>| running.join().map_err(|_| SimulationError::Worker)?;
        // A side that failed says why; that its channel closed says nothing.
        let (old, new) = (join(old_running)?, join(new_running)?);
        Ok(compared?.report(old, new))
    })
}

fn run<'r>(
    mut side: Side<'r>,
    turns: &Receiver<Arc<Turn>>,
    played: &SyncSender<Played>,
) -> Result<Side<'r>, SimulationError> {
    while let Ok(turn) = turns.recv() {
        let found = side.play(&turn.block, turn.first, turn.horizon)?;
        if played.send(found).is_err() {
            break;
        }
    }
    Ok(side)
}

fn compare(kept: &Kept, players: [Player; 2], progress: Progress<'_>) -> Result<Comparison, SimulationError> {
    let [old, new] = &players;
    let (mut comparison, mut first) = (Comparison::default(), 0_u64);
    let mut under_way: VecDeque<Arc<Turn>> = VecDeque::new();
    let mut close = |turn: &Turn| {
        let gone = |_| SimulationError::Worker;
        let (in_force, draft) = (old.played.recv().map_err(gone)?, new.played.recv().map_err(gone)?);
        comparison.look(&turn.block, turn.first, &in_force, &draft);
        let rows = u64::try_from(turn.block.rows()).unwrap_or(u64::MAX);
        progress(Phase::Playing, turn.first.saturating_add(rows), kept.events());
        Ok::<_, SimulationError>(())
    };
    for (place, horizon) in kept.horizons().into_iter().enumerate() {
        let block = kept.block(place)?;
        let rows = u64::try_from(block.rows()).unwrap_or(u64::MAX);
        let turn = Arc::new(Turn { block, first, horizon });
        first = first.saturating_add(rows);
        for player in &players {
            player.turns.send(Arc::clone(&turn)).map_err(|_| SimulationError::Worker)?;
        }
        under_way.push_back(turn);
        if under_way.len() >= AHEAD
            && let Some(oldest) = under_way.pop_front()
        {
            close(&oldest)?;
        }
    }
    under_way.iter().try_for_each(|turn| close(turn))?;
    // Their threads end when nothing more can come.
    drop(players);
    Ok(comparison)
}
