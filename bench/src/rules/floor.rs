//! The same five rules as an engineer would write them by hand: integers alone, every number in the code.

use tanhui_domain::rule::Usage;

/// 2026-01-01, 2026-04-01 and 2026-06-01, counted from the common era.
const DAY_OF_NEW_GRID: i64 = 739_617;
const CAMPAIGN: std::ops::Range<i64> = 739_707..739_768;

/// Milligrams and points of one event.
pub type Earned = (i64, i64);

/// A rule by hand: slots and what caps look at.
pub type ByHand = fn(&[i64], &[Usage]) -> Earned;

/// The rule of that name.
pub fn by_hand(rule: &str) -> ByHand {
    match rule {
        "metro" => metro,
        "waste" => waste,
        "pv" => pv,
        "home" => home,
        _ => stack,
    }
}

fn half_even(number: i64, divisor: i64) -> i64 {
    let (floor, rest) = (number.div_euclid(divisor), number.rem_euclid(divisor));
    floor + i64::from(2 * rest > divisor || (2 * rest == divisor && floor % 2 != 0))
}

fn half_up(number: i64, divisor: i64) -> i64 {
    (2 * number + divisor).div_euclid(2 * divisor)
}

fn rush(time: i64) -> bool {
    (25_200..32_400).contains(&time) || (61_200..68_400).contains(&time)
}

fn left(limit: i64, used: &[Usage], window: usize) -> i64 {
    (limit - used.get(window).map_or(0, |used| used.points.get())).max(0)
}

#[inline(never)]
fn metro(slots: &[i64], used: &[Usage]) -> Earned {
    let [_, time, metres, district] = slots else { return (0, 0) };
    if *metres <= 0 || *district > 5 {
        return (0, 0);
    }
    let reduction = half_even(metres * 1_508, 10);
    let tenths = if rush(*time) { 15 } else { 10 };
    let points = (reduction * tenths).div_euclid(1_000_000);
    (reduction, points.min(left(200, used, 0)))
}

#[inline(never)]
fn waste(slots: &[i64], used: &[Usage]) -> Earned {
    let [_, _, grams, kind, clean] = slots else { return (0, 0) };
    if *grams < 100 || used.first().is_some_and(|used| used.events >= 3) {
        return (0, 0);
    }
    let doubled = match kind {
        1 => 4,
        2 => 1,
        _ => 2,
    };
    let reduction = half_even(grams * 1_370 * doubled, 2);
    let worth = reduction.max(200_000);
    let tenths = if *clean == 1 { 12 } else { 10 };
    let points = half_up(worth * tenths, 2_000_000);
    (reduction, points.min(left(500, used, 1)))
}

#[inline(never)]
fn pv(slots: &[i64], used: &[Usage]) -> Earned {
    let [day, _, made, own] = slots else { return (0, 0) };
    if own > made {
        return (0, 0);
    }
    let factor = if *day >= DAY_OF_NEW_GRID { 5_153 } else { 5_703 };
    let points = ((made + own) * 4).div_euclid(1_000);
    (made * factor, points.min(left(50, used, 0)).min(left(1_000, used, 1)))
}

#[inline(never)]
fn home(slots: &[i64], used: &[Usage]) -> Earned {
    let [day, _, own, persons, usual] = slots else { return (0, 0) };
    let baseline = persons * 320;
    let saved = if *own < baseline { baseline - own } else { (usual - own).max(0) };
    let factor = if *day >= DAY_OF_NEW_GRID { 5_153 } else { 5_703 };
    let reduction = saved * factor;
    (reduction, reduction.div_euclid(50_000).min(left(100, used, 0)))
}

#[inline(never)]
fn stack(slots: &[i64], used: &[Usage]) -> Earned {
    let [day, time, metres] = slots else { return (0, 0) };
    let reduction = half_even(metres * 1_508, 10);
    let paid = |tenths: i64| (reduction * tenths).div_euclid(1_000_000).min(left(300, used, 0));
    let plain = paid(if rush(*time) { 15 } else { 10 });
    if !CAMPAIGN.contains(day) {
        return (reduction, plain.min(20_000_000));
    }
    let extra = (paid(20) - plain).clamp(0, 500_000);
    (reduction, (plain + extra).min(20_000_000))
}
