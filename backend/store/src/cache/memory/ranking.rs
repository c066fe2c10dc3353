//! A sorted list that knows ranks: short sorted runs in order, so that a rank is a sum of their lengths.
//!
//! A million entries are some 4,000 runs: a rank costs microseconds, where a tree set would walk the million.

/// Longest run; a longer one is split in half.
const RUN_MAX: usize = 512;

pub struct Ranking<T> {
    runs: Vec<Vec<T>>,
}

impl<T> Default for Ranking<T> {
    fn default() -> Self {
        Self { runs: Vec::new() }
    }
}

impl<T: Ord + Copy> Ranking<T> {
    /// The run where the item is or would be.
    fn run_of(&self, item: &T) -> usize {
        let found = self.runs.partition_point(|run| run.last().is_some_and(|last| last < item));
        found.min(self.runs.len().saturating_sub(1))
    }

    pub fn insert(&mut self, item: T) {
        let at = self.run_of(&item);
        let Some(run) = self.runs.get_mut(at) else {
            self.runs.push(vec![item]);
            return;
        };
        if let Err(place) = run.binary_search(&item) {
            run.insert(place, item);
        }
        if run.len() > RUN_MAX {
            let upper = run.split_off(RUN_MAX / 2);
            self.runs.insert(at.saturating_add(1), upper);
        }
    }

    pub fn remove(&mut self, item: &T) {
        let at = self.run_of(item);
        let Some(run) = self.runs.get_mut(at) else { return };
        if let Ok(place) = run.binary_search(item) {
            run.remove(place);
        }
        if run.is_empty() {
            self.runs.remove(at);
        }
    }

    /// How many stand before the item.
    pub fn before(&self, item: &T) -> Option<usize> {
        let at = self.run_of(item);
        let within = self.runs.get(at)?.binary_search(item).ok()?;
        let earlier: usize = self.runs.iter().take(at).map(Vec::len).sum();
        earlier.checked_add(within)
    }

    /// Items from `offset` on, in order.
    pub fn from(&self, offset: usize) -> impl Iterator<Item = &T> {
        let mut skip = offset;
        let whole = self.runs.iter().take_while(|run| match skip.checked_sub(run.len()) {
            Some(rest) => {
                skip = rest;
                true
            }
            None => false,
        });
        let first = whole.count();
        self.runs.iter().skip(first).flatten().skip(skip)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn agrees_with_a_plain_sorted_set() {
        let (mut ranking, mut set) = (Ranking::default(), BTreeSet::new());
        let mut state = 42_u64;
        for step in 0..60_000 {
            // A small linear congruential generator: the same walk on every run.
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let item = (state >> 33) % 5_000;
            let grow = step < 30_000;
            if (state >> 20).is_multiple_of(3) == grow {
                ranking.remove(&item);
                set.remove(&item);
            } else {
                ranking.insert(item);
                set.insert(item);
            }
        }
        assert!(ranking.runs.len() > 2 && ranking.runs.iter().all(|run| (1..=RUN_MAX).contains(&run.len())));
        for (place, item) in set.iter().enumerate() {
            assert_eq!(ranking.before(item), Some(place));
        }
        for offset in [0, 1, 255, 256, 257, set.len() - 1, set.len(), set.len() + 1] {
            assert!(ranking.from(offset).eq(set.iter().skip(offset)), "from {offset}");
        }
        for item in &set {
            ranking.remove(item);
        }
        assert!(ranking.runs.is_empty() && ranking.before(&1).is_none());
    }
}
