//! Every bound of the rule file at its edge, one below and one above. Must name the bound where a file
//! passes it.

use std::fmt::Write;

use tanhui_domain::rule::{RuleSet, SourceFile};

const HEAD: &str = "format: 1\ncity: c\ntitle: {zh: 甲, en: T}\ntimezone: Asia/Shanghai\n";

fn compile(text: String) -> Result<RuleSet, String> {
    let main = SourceFile { name: "f.yaml".to_owned(), text };
    RuleSet::compile(&main, &[])
        .map_err(|all| all.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
}

fn action(id: &str, more: &str) -> String {
    format!(
        "  {id}:\n    name: {{zh: 乙, en: A}}\n    category: test\n    evidence: {{operator: 100%}}\n    \
         points_only: true\n{more}\n"
    )
}

fn file(more: &str) -> String {
    format!("{HEAD}actions:\n{}", action("act", more))
}

fn many(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).fold(String::new(), |mut all, place| {
        let _ = write!(all, "{}", line(place));
        all
    })
}

/// Asserts that a file compiles below and at a bound, and is refused with these words above it.
#[track_caller]
fn bound(most: usize, words: &str, text: impl Fn(usize) -> String) {
    for count in [most.saturating_sub(1), most] {
        let refused = compile(text(count)).err();
        assert!(refused.is_none(), "refused at {count}: {refused:?}");
    }
    let told = compile(text(most.saturating_add(1))).err().unwrap_or_default();
    assert!(told.contains(words), "above {most}: {told:?}");
}

#[test]
fn lists_of_an_action_are_bounded() {
    let points = "    points: 5 pt";
    bound(16, "17 entries; at most 16", |count| {
        let inputs = many(count, |place| format!("      in{place}: {{type: yes_no}}\n"));
        file(&format!("{points}\n    inputs:\n{inputs}"))
    });
    bound(20, "21 entries; at most 20", |count| {
        let all = many(count, |place| format!("      - {{when: yes, else: {{zh: 否, en: no {place}}}}}\n"));
        file(&format!("{points}\n    eligible:\n{all}"))
    });
    bound(20, "21 entries; at most 20", |count| {
        let all = many(count, |place| format!("      s{place}: 1 pt\n"));
        file(&format!("{points}\n    steps:\n{all}"))
    });
    bound(12, "more than 12 caps", |count| {
        let all = many(count, |place| format!("      - {{limit: {} pt, per: day}}\n", place + 1));
        file(&format!("{points}\n    caps:\n{all}"))
    });
}

#[test]
fn numbers_of_inputs_are_bounded() {
    let input = |unit: &str, decimals: usize, max: &str| {
        file(&format!(
            "    points: 5 pt\n    inputs: {{a: {{unit: {unit}, decimals: {decimals}, min: 0, max: {max}}}}}"
        ))
    };
    bound(9, "`decimals` must be 0 to 9", |count| input("MWh", count, "1"));
    bound(6, "finer than a thousandth of the base unit", |count| input("km", count, "1"));
    bound(9_223_372_036_854_775, "too large", |count| input("item", 0, &count.to_string()));
    bound(500, "expected 1 to 500 items", |count| {
        let all = many(count, |place| format!("o{place},"));
        file(&format!("    points: 5 pt\n    inputs:\n      a: {{type: choice, of: [{all}]}}"))
    });
}

#[test]
fn names_and_texts_are_bounded() {
    bound(64, "cannot be a name", |count| {
        format!("{HEAD}actions:\n{}", action(&"a".repeat(count), "    points: 5 pt"))
    });
    bound(1000, "text of more than 1000 characters", |count| {
        file(&format!("    points: 5 pt\n    note: {{zh: {}, en: n}}", "长".repeat(count)))
    });
    bound(10_000, "is not a duration", |count| {
        format!("points_expire: {{after: {count} days}}\n{}", file("    points: 5 pt"))
    });
    bound(10_000, "expected 0% to 100%", |count| {
        let share = format!("{}.{:02}%", count / 100, count % 100);
        let text = file("    points: 5 pt, rounded down to 1 pt");
        text.replace("100%", &share)
    });
}

#[test]
fn entries_of_a_file_are_bounded() {
    bound(500, "501 entries; at most 500", |count| {
        let all = many(count, |place| action(&format!("a{place}"), "    points: 5 pt"));
        format!("{HEAD}actions:\n{all}")
    });
    let dates = |count: usize| {
        many(count, |place| {
            let (year, day) = (1900 + place / 20, 1 + place % 20);
            format!("      - {{from: {year}-01-{day:02}, value: 1 pt, confidence: proposed}}\n")
        })
    };
    let parameter = |count: usize| {
        format!("parameters:\n  p:\n    label: {{zh: 丙, en: P}}\n    values:\n{}", dates(count))
    };
    bound(200, "expected 1 to 200 values", |count| {
        format!("{}{}", file("    points: 5 pt"), parameter(count))
    });
    bound(120, "or they change too often", |count| format!("{}{}", file("    points: p"), parameter(count)));
}

#[test]
fn values_of_events_are_bounded() {
    let rules =
        compile(file("    points: 5 pt\n    inputs: {a: {unit: km, decimals: 3, min: 0, max: 9}}")).unwrap();
    let act = rules.action("act").unwrap();
    for (bytes, code) in [(199, "0.1 km"), (200, "0.1 km"), (201, "invalid_value")] {
        let json = format!("\"0.1{}km\"", " ".repeat(bytes - 7));
        let found = rules.read_inputs(act, [("a", json.as_str())]);
        let told = found.map_or_else(|all| all[0].code.to_owned(), |inputs| inputs.get_text("a").unwrap());
        assert_eq!((json.len(), told.as_str()), (bytes, code));
    }
    let far = rules.read_inputs(act, [("a_km", "1e999")]).unwrap_err();
    assert_eq!(far[0].code, "invalid_value");
}
