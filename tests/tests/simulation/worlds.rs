//! What may be the case: one world, or several as long as nothing shows which of two things came first.

use chrono::{DateTime, Utc};

use crate::command::Command;
use crate::oracle::Oracle;

/// More than so many that cannot be told apart are an error of the test.
const WORLDS_MAX: usize = 32;

/// The answers to a command in a world, and the world after it.
type After = (Vec<String>, Oracle);

pub struct Worlds {
    start: DateTime<Utc>,
    all: Vec<Oracle>,
}

impl Worlds {
    pub fn new(first: Oracle) -> Self {
        Self { start: first.now, all: vec![first] }
    }

    /// One of them.
    pub fn any(&self) -> &Oracle {
        self.all.first().expect("there always is a world")
    }

    pub fn all_mut(&mut self) -> impl Iterator<Item = &mut Oracle> {
        self.all.iter_mut()
    }

    /// All that may come of a command.
    pub fn after(&self, command: &Command) -> Vec<After> {
        let mut after: Vec<After> = self.all.iter().map(|world| performed(world, command)).collect();
        if let Command::AtOnce(both) = command {
            after.extend(self.all.iter().map(|world| swapped(world, both)));
        }
        after
    }

    /// Keeps the worlds in which the answers are those that were given; where there is none, the answers of
    /// one that is no more.
    pub fn keep(&mut self, after: Vec<After>, told: &[String]) -> Result<(), Vec<String>> {
        let (fit, others): (Vec<After>, Vec<After>) =
            after.into_iter().partition(|(expected, _)| expected == told);
        if fit.is_empty() {
            return Err(others.into_iter().next().map(|(expected, _)| expected).unwrap_or_default());
        }
        self.all = fit.into_iter().map(|(_, world)| world).collect();
        if self.all.len() > 1 {
            let start = self.start;
            self.all.dedup_by_key(|world| world.look(world.today(), start, world.now));
        }
        assert!(self.all.len() <= WORLDS_MAX, "too many worlds");
        Ok(())
    }
}

fn performed(world: &Oracle, command: &Command) -> After {
    let mut world = world.clone();
    let expected = world.perform(command);
    world.check();
    (expected, world)
}

fn swapped(world: &Oracle, [one, other]: &[Command; 2]) -> After {
    let (last, world) = performed(world, other);
    let (first, world) = performed(&world, one);
    ([first, last].concat(), world)
}
