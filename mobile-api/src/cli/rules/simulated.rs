//! What a simulation found as a table for the city office. Adds nothing to the report.

use std::fmt::Write as _;

use tanhui_domain::rule::Explanation;
use tanhui_domain::simulation::{Count, Decile, Difference, Named, Pair, Report};
use tanhui_domain::text::Language;

/// Days that the table shows; the JSON has all.
const DAYS_SHOWN: usize = 14;

/// One of the amounts of a count.
type Amount = fn(&Count) -> i128;

/// The report in one language.
pub fn table(report: &Report, language: Language) -> String {
    let say = |zh: &'static str, en: &'static str| match language {
        Language::Zh => zh,
        Language::En => en,
    };
    let totals = &report.totals;
    let mut told = String::new();
    let mut line = |text: String| {
        let _never_fails = writeln!(told, "{text}");
    };
    let head = [say("现行", "in force"), say("草案", "draft"), say("差额", "change")];
    line(format!("{:<28}{:>16}{:>16}{:>16}", "", head[0], head[1], head[2]));
    let rows: [(&str, Amount); 6] = [
        (say("计入事件", "events credited"), |count| count.credited.into()),
        (say("拒绝事件", "events refused"), |count| count.refused.into()),
        (say("待审核事件", "events held"), |count| count.held.into()),
        (say("封顶事件", "events capped"), |count| count.capped.into()),
        (say("积分", "points"), |count| count.points),
        (say("减排量 mg", "reduction mg"), |count| count.reduction_mg),
    ];
    for (name, of) in rows {
        line(row(name, of(&totals.counts.in_force), of(&totals.counts.draft)));
    }
    let (citizens, gain, lose) = (totals.citizens, totals.gain, totals.lose);
    line(format!(
        "{}: {citizens}; +{gain} -{lose}",
        say("居民, 多得与少得", "citizens, who gain and who lose")
    ));
    let (new, old) = (report.newly_capped, report.no_longer_capped);
    line(format!(
        "{}: {new}; {}: {old}",
        say("新遇封顶", "newly capped"),
        say("不再封顶", "no longer capped")
    ));
    let mut section = |title: &str, all: &[Named], shown: usize| {
        if !all.is_empty() {
            line(format!("\n{title}"));
        }
        for Named { name, counts } in all.iter().take(shown) {
            line(points_row(name, counts));
        }
        if all.len() > shown {
            line(format!("... {} (--json)", all.len()));
        }
    };
    section(say("按行为的积分", "points by action"), &report.actions, usize::MAX);
    section(say("按区县的积分", "points by district"), &report.districts, usize::MAX);
    section(say("按日的积分", "points by day"), &report.days, DAYS_SHOWN);
    line(format!("\n{}", say("按十分位的积分, 由少到多", "points by decile, fewest first")));
    for (decile, place) in report.deciles.iter().zip(1_u8..) {
        line(decile_row(place, decile));
    }
    line(format!("\n{}", say("差额最大的事件", "largest differences")));
    for difference in &report.differences {
        line(difference_lines(difference, language));
    }
    told
}

fn row(name: &str, in_force: i128, draft: i128) -> String {
    format!("{name:<28}{in_force:>16}{draft:>16}{:>+16}", draft.saturating_sub(in_force))
}

fn points_row(name: &str, counts: &Pair) -> String {
    row(name, counts.in_force.points, counts.draft.points)
}

fn decile_row(place: u8, decile: &Decile) -> String {
    let Decile { citizens, gain, lose, in_force_points, draft_points } = *decile;
    format!("{}  ({citizens}: +{gain} -{lose})", row(&place.to_string(), in_force_points, draft_points))
}

fn difference_lines(difference: &Difference, language: Language) -> String {
    let Difference { event, action, in_force, draft } = difference;
    let text = |side: &Option<Explanation>| {
        let told = side.as_ref().map_or_else(|| "-".to_owned(), |told| told.text(language));
        told.replace('\n', "\n    ")
    };
    format!("#{event} {action}\n  1: {}\n  2: {}", text(in_force), text(draft))
}
