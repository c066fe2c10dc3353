//! The calculator against expectations of the kinds that DMN's conformance suite has; which of its groups
//! apply is told in docs/dmn-tck.md. Must never hold a case of that suite itself.

use tanhui_domain::rule::evaluate_expression;

fn eval(formula: &str, with: &[(&str, &str)]) -> String {
    let with: Vec<(String, String)> =
        with.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    evaluate_expression(formula, &with).unwrap_or_else(|error| format!("error: {}", error.en))
}

#[track_caller]
fn each(cases: &[(&str, &str)]) {
    for (formula, expected) in cases {
        assert_eq!(eval(formula, &[]), *expected, "{formula}");
    }
}

/// Groups 0105-feel-math, 0099-arithmetic-negation, 0100-arithmetic.
#[test]
fn arithmetic_is_exact() {
    each(&[
        ("12+7", "19"),
        ("-12+-7", "-19"),
        ("(-12)+(-7)", "-19"),
        ("-12--7", "-5"),
        ("12*-7", "-84"),
        ("(12+8)*(-7*2)", "-280"),
        ("21/-7", "-3"),
        ("(20+40)/(-4*3)", "-5"),
        ("9 + 30 / -6 - 4", "0"),
        ("9 + 30 / (-6 - 4)", "6"),
        ("---3", "-3"),
        ("0.1 + 0.2 - 0.3", "0"),
        ("1.005 * 1000", "1005"),
        ("1 / 3 + 2 / 3", "1"),
        ("0.000000000000000001 * 0.000000000001", "0.000000000000000000000000000001"),
        ("123456789012345 * 1000000000001", "123456789012468456789012345"),
        ("7 / 64", "0.109375"),
    ]);
}

/// Group 0105-feel-math and others, where a suite expects null: this calculator says why.
#[test]
fn what_has_no_value_is_told() {
    for (formula, told) in [
        ("8 / 0", "error: the divisor may be zero or below"),
        ("8 / (3 - 3)", "error: the divisor may be zero or below"),
        ("1 / 3", "error: the result is not a finite decimal (say how it is rounded, as in"),
        ("2 ** 3", "error: there is no power `**` (write the product, as in a * a)"),
        ("8 + null", "error: there is no null"),
        ("8 + true", "error: expected a number, found yes or no"),
        ("8 + \"a\"", "error: quoted text can only be compared with a choice"),
        ("\"a\" = \"a\"", "error: quoted text can only be compared with a choice"),
        ("1 < 2 < 3", "error: comparisons cannot be chained"),
        ("1 = true", "error: a plain number and yes or no cannot be compared"),
        ("floor(\"a\")", "error: quoted text"),
        ("floor()", "error: expected a number or a name, found `)`"),
        ("floor(1, 2, 3)", "error: `floor` takes a number and perhaps how many decimals"),
        ("abs(1, 2)", "error: `abs` takes one number"),
        ("modulo(1)", "error: `modulo` takes a number and a divisor"),
        ("round up(1, 0.5)", "error: the number of decimals must be written as a whole number"),
        ("round up(1, 31)", "error: the number of decimals must be written as a whole number"),
        ("decimal(1, 1 + 1)", "error: the number of decimals must be written as a whole number"),
        (".5", "error: unexpected character `.` (write the 0 before the point, as in 0.5)"),
        ("modulo(10, 0)", "error: the divisor may be zero or below"),
    ] {
        let found = eval(formula, &[]);
        assert!(found.starts_with(told), "{formula}: {found}");
    }
}

/// Groups 0032-FeelFloorFunctionTest and 0034-FeelCeilingFunctionTest.
#[test]
fn floors_and_ceilings() {
    each(&[
        ("floor(2.7)", "2"),
        ("floor(-2.7)", "-3"),
        ("floor(-2)", "-2"),
        ("ceiling(2.1)", "3"),
        ("ceiling(-2.9)", "-2"),
        ("floor(2.789, 2)", "2.78"),
        ("ceiling(-2.789, 1)", "-2.7"),
        ("floor(1 / 3)", "0"),
        ("floor(7 / 2) * 2", "6"),
        ("ceiling(floor(2.7) + 0.2)", "3"),
    ]);
}

/// Group 0033-FeelDecimalFunctionTest and the rounding functions of later versions.
#[test]
fn roundings_of_every_direction() {
    each(&[
        ("decimal(2 / 3, 3)", "0.667"),
        ("decimal(4.5, 0)", "4"),
        ("decimal(5.5, 0)", "6"),
        ("decimal(-4.5, 0)", "-4"),
        ("decimal(1750, -2)", "1800"),
        ("decimal(1650, -2)", "1600"),
        ("round half even(0.125, 2)", "0.12"),
        ("round up(4.2)", "5"),
        ("round up(4.2, 0)", "5"),
        ("round up(-4.2, 0)", "-5"),
        ("round up(4, 0)", "4"),
        ("round up(3.1211, 2)", "3.13"),
        ("round up(-3.1211, 2)", "-3.13"),
        ("round down(4.8, 0)", "4"),
        ("round down(-4.8, 0)", "-4"),
        ("round down(-3.129, 2)", "-3.12"),
        ("round half up(4.5, 0)", "5"),
        ("round half up(-4.5, 0)", "-5"),
        ("round half up(-4.4, 0)", "-4"),
        ("round half up(2.225, 2)", "2.23"),
        ("round half down(4.5, 0)", "4"),
        ("round half down(-4.5, 0)", "-4"),
        ("round half down(4.51, 0)", "5"),
        ("round half down(-4.51, 0)", "-5"),
        ("round half down(2.225, 2)", "2.22"),
        ("round half down(25, -1)", "20"),
        ("round up(round down(-1.26, 1) / 2, 1)", "-0.6"),
        ("round half up(1 / 3, 5)", "0.33333"),
        ("2.5 rounded half even to 1", "2"),
        ("7.19, rounded up to 0.05", "7.2"),
    ]);
}

/// Groups 0050-feel-abs-function, 0056-feel-modulo-function, and min and max.
#[test]
fn further_functions_on_numbers() {
    each(&[
        ("abs(-3.5)", "3.5"),
        ("abs(3 - 8)", "5"),
        ("modulo(12, 5)", "2"),
        ("modulo(-12, 5)", "3"),
        ("modulo(12, -5)", "-3"),
        ("modulo(-12, -5)", "-2"),
        ("modulo(10.1, 4.5)", "1.1"),
        ("min(4, 2.5, 3)", "2.5"),
        ("max(-4, -2.5, -3)", "-2.5"),
    ]);
}

/// Groups 0064, 0065, 0066, 0068, 0071 and 0072, for numbers and truth values.
#[test]
fn comparisons_and_membership() {
    each(&[
        ("3 = 3.000", "true"),
        ("3 != 3.0", "false"),
        ("0.1 + 0.2 = 0.3", "true"),
        ("1 / 3 < 0.34", "true"),
        ("true = not(false)", "true"),
        ("true and not(false or false)", "true"),
        ("4 between 4 and 6", "true"),
        ("6.01 between 4 and 6", "false"),
        ("5 between 4 and 6 and false", "false"),
        ("5 in [6, 7, 5]", "true"),
        ("5 in (6, 7, 8)", "false"),
        ("5 in 5", "true"),
        ("5 in <= 5", "true"),
        ("5 in (> 5)", "false"),
        ("5 in != 5", "false"),
        ("5 in [3..5)", "false"),
        ("5 in (3..5]", "true"),
        ("5 in ]5..9[", "false"),
        ("6 in ]5..9[", "true"),
        ("5 in [[6..9], [2..5]]", "true"),
        ("5 in [[6..9], (5..6)]", "false"),
        ("9 in (1, < 4, >= 9)", "true"),
        ("8 in (1, < 4, >= 9)", "false"),
        ("7 in ((3 + 4) * 1, 2)", "true"),
        ("2026-03-02 in [2026-03-01 .. 2026-04-01)", "true"),
        ("not 5 in [1..3] and 2 in [1..3]", "true"),
    ]);
}

/// Group 0032-conditionals.
#[test]
fn conditionals_give_one_branch() {
    each(&[
        ("if 3 > 2 then 10 else 20", "10"),
        ("if false then 10 else if true then 20 else 30", "20"),
        ("(if 1 in [1..2] then 3 else 4) + 1", "4"),
        ("if 1 = 2 then 1 / 4 else 3 / 4", "0.75"),
    ]);
}

#[test]
fn names_may_hold_blanks() {
    let with = [("Monthly Fee", "12.5"), ("Monthly Fee Cap", "100"), ("m", "-3")];
    assert_eq!(eval("Monthly Fee * 12 + m", &with), "147");
    assert_eq!(eval("min(Monthly Fee * 12, Monthly Fee Cap)", &with), "100");
    assert_eq!(eval("abs(m) + floor(Monthly Fee)", &with), "15");
    assert_eq!(
        eval("Yearly Fee", &with).split('(').next(),
        Some("error: expected the end of the formula, found `Fee`")
    );
}

#[test]
fn mistakes_of_the_caller_are_told_in_both_languages() {
    let told = |formula: &str, with: &[(&str, &str)]| {
        let with: Vec<(String, String)> =
            with.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let told = evaluate_expression(formula, &with).unwrap_err();
        (told.zh, told.en)
    };
    let functions = "abs, modulo, floor, ceiling, decimal, round half even, round up, round down, \
                     round half up, round half down, min, max";
    for (formula, with, zh, en) in [
        ("a", vec![("a", "1"), ("a", "2")], "`a` 给了两次值".to_owned(), "`a` is given twice".to_owned()),
        ("a", vec![], "没有名称 `a`".to_owned(), "there is no name `a`".to_owned()),
        (
            "1 + sqrt(2)",
            vec![],
            format!("没有函数 `sqrt` (函数有: {functions})"),
            format!("there is no function `sqrt` (functions are: {functions})"),
        ),
    ] {
        assert_eq!(told(formula, &with), (zh, en));
    }
}

#[test]
fn functions_within_functions_stay_bounded() {
    for (opening, closing) in [("round up(", ", 1)"), ("abs(", ")"), ("modulo(", ", 3)")] {
        for depth in [4, 30] {
            let formula = format!("{}1.25{}", opening.repeat(depth), closing.repeat(depth));
            let found = eval(&formula, &[]);
            assert_eq!(found.contains("too long"), depth == 30, "{depth}: {found}");
        }
    }
}

#[test]
fn conditions_within_conditions_stay_quick() {
    let formula = format!("{}1{}", "(if ".repeat(15), " > 1 then 1 else 2)".repeat(15));
    assert!(["1", "2"].contains(&eval(&formula, &[]).as_str()));
    let formula = format!("{}1{}", "(if 1 < ".repeat(15), " then 1 else 2)".repeat(15));
    assert!(["1", "2"].contains(&eval(&formula, &[]).as_str()));
}
