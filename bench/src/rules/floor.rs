//! The same five rules as an engineer would write them by hand: integers alone, every number in the code.

use tanhui_domain::rule::Usage;

/// 2026-01-01, 2026-04-01 and 2026-06-01, counted from the common era.
const DAY_OF_NEW_GRID: i64 = 739_617;
const CAMPAIGN: std::ops::Range<i64> = 739_707..739_768;

/// Milligrams and points.
pub type Earned = (i64, i64);

/// Numbers in which a draft differs from the rules.
pub struct Numbers {
    /// Milligrams of a point, for rides by metro.
    pub metro_price_mg: i64,
    /// Sorted waste counts so often a day.
    pub waste_times: i64,
    /// Points of solar power a day.
    pub pv_day: i64,
    /// What the campaign counts for, in tenths.
    pub campaign_tenths: i64,
}

/// As in `rules.yaml`.
pub const RULES: Numbers =
    Numbers { metro_price_mg: 100_000, waste_times: 3, pv_day: 50, campaign_tenths: 20 };

/// What caps, campaign and budget find of an event's past.
#[derive(Debug, Clone, Copy, Default)]
pub struct Past {
    /// Granted on the day.
    pub day: Usage,
    /// Granted in the month.
    pub month: Usage,
    /// Points issued by the campaign, and under the month's budget.
    pub issued: (i64, i64),
}

impl Past {
    /// From usage in the order of an action's windows.
    #[inline]
    fn of(used: &[Usage]) -> Self {
        let at = |window: usize| used.get(window).copied().unwrap_or(Usage::NONE);
        Self { day: at(0), month: at(1), issued: (0, 0) }
    }
}

/// A rule by hand: slots and what caps look at.
pub type ByHand = fn(&[i64], &[Usage]) -> Earned;

/// The same down columns of slots.
pub type Packed = fn(&[&[i64]], &[Usage]) -> Earned;

/// The rule of that name.
pub fn by_hand(rule: &str) -> (ByHand, Packed) {
    match rule {
        "metro" => (one_metro, all_metro),
        "waste" => (one_waste, all_waste),
        "pv" => (one_pv, all_pv),
        "home" => (one_home, all_home),
        _ => (one_stack, all_stack),
    }
}

macro_rules! rule {
    ($one:ident, $all:ident, $rule:ident, [$($slot:ident),+]) => {
        #[inline(never)]
        fn $one(slots: &[i64], used: &[Usage]) -> Earned {
            let [$($slot),+] = *slots else { return (0, 0) };
            $rule([$($slot),+], &Past::of(used), &RULES)
        }

        #[inline(never)]
        fn $all(columns: &[&[i64]], used: &[Usage]) -> Earned {
            let [$($slot),+] = columns else { return (0, 0) };
            let rows = [$($slot.len()),+].into_iter().min().unwrap_or(0);
            $(let $slot = $slot.get(..rows).unwrap_or_default();)+
            let past = Past::of(used);
            let mut sum = (0, 0);
            for row in 0..rows {
                let (reduction, points) = $rule([$($slot[row]),+], &past, &RULES);
                sum = (sum.0 + reduction, sum.1 + points);
            }
            sum
        }
    };
}

rule!(one_metro, all_metro, metro, [day, time, metres, district]);
rule!(one_waste, all_waste, waste, [day, time, grams, kind, clean]);
rule!(one_pv, all_pv, pv, [day, time, made, own]);
rule!(one_home, all_home, home, [day, time, own, persons, usual]);
rule!(one_stack, all_stack, stack, [day, time, metres]);

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

fn left(limit: i64, used: Usage) -> i64 {
    (limit - used.points.get()).max(0)
}

/// A ride by metro.
#[inline]
pub fn metro([_, time, metres, district]: [i64; 4], past: &Past, numbers: &Numbers) -> Earned {
    if metres <= 0 || district > 5 {
        return (0, 0);
    }
    let reduction = half_even(metres * 1_508, 10);
    let tenths = if rush(time) { 15 } else { 10 };
    let points = (reduction * tenths).div_euclid(10 * numbers.metro_price_mg);
    (reduction, points.min(left(200, past.day)))
}

/// Sorted waste.
#[inline]
pub fn waste([_, _, grams, kind, clean]: [i64; 5], past: &Past, numbers: &Numbers) -> Earned {
    if grams < 100 || past.day.events >= numbers.waste_times {
        return (0, 0);
    }
    let doubled = match kind {
        1 => 4,
        2 => 1,
        _ => 2,
    };
    let reduction = half_even(grams * 1_370 * doubled, 2);
    let worth = reduction.max(200_000);
    let tenths = if clean == 1 { 12 } else { 10 };
    let points = half_up(worth * tenths, 2_000_000);
    (reduction, points.min(left(500, past.month)))
}

/// Solar power.
#[inline]
pub fn pv([day, _, made, own]: [i64; 4], past: &Past, numbers: &Numbers) -> Earned {
    if own > made {
        return (0, 0);
    }
    let factor = if day >= DAY_OF_NEW_GRID { 5_153 } else { 5_703 };
    let points = ((made + own) * 4).div_euclid(1_000);
    (made * factor, points.min(left(numbers.pv_day, past.day)).min(left(1_000, past.month)))
}

/// Power saved at home.
#[inline]
pub fn home([day, _, own, persons, usual]: [i64; 5], past: &Past, _: &Numbers) -> Earned {
    let baseline = persons * 320;
    let saved = if own < baseline { baseline - own } else { (usual - own).max(0) };
    let factor = if day >= DAY_OF_NEW_GRID { 5_153 } else { 5_703 };
    let reduction = saved * factor;
    (reduction, reduction.div_euclid(50_000).min(left(100, past.day)))
}

/// A ride with campaign and budget.
#[inline]
pub fn stack([day, time, metres]: [i64; 3], past: &Past, numbers: &Numbers) -> Earned {
    let reduction = half_even(metres * 1_508, 10);
    let paid = |tenths: i64| (reduction * tenths).div_euclid(1_000_000).min(left(300, past.day));
    let plain = paid(if rush(time) { 15 } else { 10 });
    let extra = raised(day, plain, paid(numbers.campaign_tenths), past);
    (reduction, (plain + extra).min((20_000_000 - past.issued.1).max(0)))
}

/// What the campaign adds.
#[inline]
pub fn raised(day: i64, plain: i64, with: i64, past: &Past) -> i64 {
    if CAMPAIGN.contains(&day) { (with - plain).clamp(0, (500_000 - past.issued.0).max(0)) } else { 0 }
}
