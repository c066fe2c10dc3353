//! What a simulation found as a table for the city office. Adds nothing to the report.

use std::fmt::Write as _;

use tanhui_domain::simulation::{
    BudgetUse, Count, Decile, Difference, Fund, Named, Pair, Reached, Report, SideOf, Standing,
};
use tanhui_domain::text::{Language, Text};

/// Days that the table shows; the JSON has all.
const DAYS_SHOWN: usize = 14;
/// Budgets in their periods that the table shows; the JSON has all.
const BUDGETS_SHOWN: usize = 40;

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
    line(format!("{:28}{}", "", head.map(|word| format!("{}{word}", blanks(word, 16))).concat()));
    let rows: [(&str, Amount); 11] = [
        (say("计入事件", "events credited"), |count| count.credited.into()),
        (say("拒绝事件", "events refused"), |count| count.refused.into()),
        (say("待审核事件", "events held"), |count| count.held.into()),
        (say("重复行为", "acts told again"), |count| count.told_again.into()),
        (say("封顶事件", "events capped"), |count| count.capped.into()),
        (say("预算用完的事件", "events without budget"), |count| count.budget_exhausted.into()),
        (say("当时发放的积分", "points given at once"), |count| count.points),
        (say("等待预算的积分", "points that waited"), |count| count.queued_points),
        (say("其中后来补发", "of them paid later"), |count| count.paid_later_points),
        (say("其中不再发放", "of them never given"), |count| count.given_up_points),
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
    let levels = reached_lines(&Text::new("各等级居民", "citizens by level"), &report.levels, language);
    let badges =
        reached_lines(&Text::new("得到徽章的居民", "citizens with a badge"), &report.badges, language);
    for text in levels.into_iter().chain(badges).chain(budget_lines(report, language)) {
        line(text);
    }
    line(format!("\n{}", say("差额最大的事件", "largest differences")));
    for difference in &report.differences {
        line(difference_lines(difference, language));
    }
    told
}

fn reached_lines(title: &Text, all: &[Reached], language: Language) -> Vec<String> {
    let count = |side: &Option<u64>| i128::from(side.unwrap_or(0));
    let line = |Reached { name, in_force, draft, .. }: &Reached| {
        row(name.in_language(language), count(in_force), count(draft))
    };
    let title = (!all.is_empty()).then(|| format!("\n{}", title.in_language(language)));
    title.into_iter().chain(all.iter().map(line)).collect()
}

fn budget_lines(report: &Report, language: Language) -> Vec<String> {
    let budgets = &report.budgets;
    let title = Text::new("预算与活动", "budgets and campaigns");
    let title = (!budgets.is_empty()).then(|| format!("\n{}", title.in_language(language)));
    let more = (budgets.len() > BUDGETS_SHOWN).then(|| format!("... {} (--json)", budgets.len()));
    let shown = budgets.iter().take(BUDGETS_SHOWN).map(|fund| fund_lines(fund, language));
    title.into_iter().chain(shown).chain(more).collect()
}

fn row(name: &str, in_force: i128, draft: i128) -> String {
    let gap = blanks(name, 28);
    format!("{name}{gap}{in_force:>16}{draft:>16}{:>+16}", draft.saturating_sub(in_force))
}

/// The blanks that fill a column beside a text, whose Chinese letters take two columns each.
fn blanks(text: &str, columns: usize) -> String {
    let used = text.chars().map(|letter| if letter < '\u{2e80}' { 1 } else { 2 }).sum::<usize>();
    " ".repeat(columns.saturating_sub(used))
}

fn points_row(name: &str, counts: &Pair) -> String {
    row(name, counts.in_force.given(), counts.draft.given())
}

fn decile_row(place: u8, decile: &Decile) -> String {
    let Decile { citizens, gain, lose, in_force_points, draft_points } = *decile;
    format!("{}  ({citizens}: +{gain} -{lose})", row(&place.to_string(), in_force_points, draft_points))
}

fn fund_lines(fund: &Fund, language: Language) -> String {
    let Fund { id, from, in_force, draft, .. } = fund;
    let sides = [("1", in_force), ("2", draft)].map(|(side, used)| {
        let used = used.as_ref().map_or_else(|| "-".to_owned(), |used| use_text(used, language));
        format!("\n  {side}: {used}")
    });
    format!("{id} {from}{}", sides.concat())
}

fn use_text(used: &BudgetUse, language: Language) -> String {
    let BudgetUse { limit, issued, waiting, paid_later, given_up, ended_at } = used;
    let ended = match (ended_at, language) {
        (Some(at), Language::Zh) => format!(", {at} 用完"),
        (Some(at), Language::En) => format!(", used up {at}"),
        (None, _) => String::new(),
    };
    let of_those_who_waited = [
        (paid_later, "后来补发", "paid later"),
        (given_up, "不再发放", "never given"),
        (waiting, "仍在等待", "still wait"),
    ];
    let told = of_those_who_waited.map(|(points, zh, en)| match (points.get(), language) {
        (0, _) => String::new(),
        (points, Language::Zh) => format!(", {zh} {points} pt"),
        (points, Language::En) => format!(", {points} pt {en}"),
    });
    format!("{issued} / {limit} pt{ended}{}", told.concat())
}

fn difference_lines(difference: &Difference, language: Language) -> String {
    let Difference { event, action, in_force, draft } = difference;
    let text = |side: &SideOf| {
        let told = side.explanation.as_ref().map_or_else(|| "-".to_owned(), |told| told.text(language));
        let told = told.replace('\n', "\n    ");
        format!("{} {} pt\n    {told}", standing_text(side.standing, language), side.points)
    };
    format!("#{event} {action}\n  1: {}\n  2: {}", text(in_force), text(draft))
}

fn standing_text(standing: Standing, language: Language) -> &'static str {
    match (standing, language) {
        (Standing::Credited, Language::Zh) => "计入",
        (Standing::Credited, Language::En) => "credited",
        (Standing::Refused, Language::Zh) => "未计入",
        (Standing::Refused, Language::En) => "refused",
        (Standing::Held, Language::Zh) => "待审核",
        (Standing::Held, Language::En) => "held",
        (Standing::ToldAgain, Language::Zh) => "重复行为",
        (Standing::ToldAgain, Language::En) => "told again",
        (Standing::Untimely, Language::Zh) => "报送过迟或过早",
        (Standing::Untimely, Language::En) => "reported too late or too early",
    }
}
