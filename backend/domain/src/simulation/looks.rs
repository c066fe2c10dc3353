//! What citizens reported before, for rules that look back. Must never count an event's own day.

use super::quick::QuickMap;
use crate::amount::AmountOverflow;
use crate::rule::Readings;

/// The readings of one civil day.
#[derive(Clone, Copy)]
struct Day {
    day: i32,
    readings: Readings,
}

/// The readings of each citizen and action.
#[derive(Default)]
pub(super) struct Looks(QuickMap<(u32, u16), Vec<Day>>);

impl Looks {
    /// The readings of so many days before a day.
    pub(super) fn before(&self, key: (u32, u16), day: i32, days: i32) -> Readings {
        let kept = self.0.get(&key).map(Vec::as_slice).unwrap_or_default();
        let from = day.saturating_sub(days);
        let within = kept.iter().filter(|known| from <= known.day && known.day < day);
        within.fold(Readings::default(), |sum, known| Readings {
            count: sum.count.saturating_add(known.readings.count),
            sum: sum.sum.saturating_add(known.readings.sum),
        })
    }

    /// One reading more; days before `from` are let go.
    pub(super) fn add(
        &mut self,
        key: (u32, u16),
        (day, quantity): (i32, i64),
        from: i32,
    ) -> Result<(), AmountOverflow> {
        let days = self.0.entry(key).or_default();
        if days.first().is_some_and(|known| known.day < from) {
            days.retain(|known| known.day >= from);
        }
        let place = days.partition_point(|known| known.day < day);
        if days.get(place).is_none_or(|known| known.day != day) {
            days.insert(place, Day { day, readings: Readings::default() });
        }
        if let Some(Day { readings, .. }) = days.get_mut(place) {
            readings.count = readings.count.checked_add(1).ok_or(AmountOverflow)?;
            readings.sum = readings.sum.checked_add(quantity).ok_or(AmountOverflow)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_days_before_count() {
        let (mut looks, key) = (Looks::default(), (1, 1));
        for (day, quantity) in [(10, 5), (12, 7), (11, 1), (12, 2)] {
            looks.add(key, (day, quantity), 0).unwrap();
        }
        for (day, days, count, sum) in
            [(10, 7, 0, 0), (11, 7, 1, 5), (12, 1, 1, 1), (12, 2, 2, 6), (13, 1, 2, 9), (13, 3, 4, 15)]
        {
            assert_eq!(looks.before(key, day, days), Readings { count, sum }, "{day} {days}");
        }
        looks.add(key, (13, 1), 12).unwrap();
        assert_eq!(looks.before(key, 13, 100), Readings { count: 2, sum: 9 }, "earlier ones are gone");
    }
}
