//! The five rules in each engine's own language: points with their caps, campaign and budgets. None of the
//! engines rounds half to even, so grams are left as they come.

/// Which rules there are.
pub const RULES: [&str; 5] = ["metro", "waste", "pv", "home", "stack"];

/// For zen-expression: exact decimals.
pub fn zen(rule: &str) -> String {
    let rush = "((second >= 25200 and second < 32400) or (second >= 61200 and second < 68400) ? 1.5 : 1)";
    let plain = format!("min([floor(distance * 150.8 * {rush} / 100), max([300 - granted, 0])])");
    let doubled = "min([floor(distance * 150.8 * 2 / 100), max([300 - granted, 0])])";
    match rule {
        "metro" => format!(
            "distance > 0 and district in ['d1','d2','d3','d4','d5','d6'] ? \
             min([floor(distance * 150.8 * {rush} / 100), max([200 - granted, 0])]) : 0"
        ),
        "waste" => "weight >= 0.1 and times_granted < 3 ? min([floor(max([1, weight * 1370 * \
             (kind == 'metal' ? 2 : (kind == 'glass' ? 0.5 : 1)) / 200]) * (clean ? 1.2 : 1) + 0.5), \
             max([500 - granted_month, 0])]) : 0"
            .to_owned(),
        "pv" => "used <= made ? min([floor((made + used) / 2 * 0.8), max([50 - granted, 0]), \
             max([1000 - granted_month, 0])]) : 0"
            .to_owned(),
        "home" => "min([floor((used < persons * 3.2 ? persons * 3.2 - used : max([0, usual - used])) * \
             (civilday >= 739617 ? 515.3 : 570.3) / 50), max([100 - granted, 0])])"
            .to_owned(),
        _ => format!(
            "min([{plain} + (civilday >= 739707 and civilday < 739768 ? \
             min([max([{doubled} - {plain}, 0]), max([500000 - campaign_issued, 0])]) : 0), \
             max([20000000 - issued, 0])])"
        ),
    }
}

/// For zen-engine: a graph of one node with named steps.
pub fn graph(rule: &str) -> String {
    let rush = "((second >= 25200 and second < 32400) or (second >= 61200 and second < 68400) ? 1.5 : 1)";
    let steps: Vec<(&str, String)> = match rule {
        "metro" => vec![
            ("eligible", "distance > 0 and district in ['d1','d2','d3','d4','d5','d6']".to_owned()),
            ("reduction", "distance * 150.8".to_owned()),
            ("rush", rush.to_owned()),
            (
                "points",
                "$.eligible ? min([floor($.reduction * $.rush / 100), max([200 - granted, 0])]) : 0"
                    .to_owned(),
            ),
        ],
        "waste" => vec![
            ("eligible", "weight >= 0.1 and times_granted < 3".to_owned()),
            ("reduction", "weight * 1370 * (kind == 'metal' ? 2 : (kind == 'glass' ? 0.5 : 1))".to_owned()),
            (
                "points",
                "$.eligible ? min([floor(max([1, $.reduction / 200]) * (clean ? 1.2 : 1) + 0.5), \
                 max([500 - granted_month, 0])]) : 0"
                    .to_owned(),
            ),
        ],
        "home" => vec![
            ("baseline", "persons * 3.2".to_owned()),
            ("saved", "used < $.baseline ? $.baseline - used : max([0, usual - used])".to_owned()),
            ("reduction", "$.saved * (civilday >= 739617 ? 515.3 : 570.3)".to_owned()),
            ("points", "min([floor($.reduction / 50), max([100 - granted, 0])])".to_owned()),
        ],
        "stack" => vec![
            ("reduction", "distance * 150.8".to_owned()),
            ("plain", format!("min([floor($.reduction * {rush} / 100), max([300 - granted, 0])])")),
            ("doubled", "min([floor($.reduction * 2 / 100), max([300 - granted, 0])])".to_owned()),
            (
                "points",
                "min([$.plain + (civilday >= 739707 and civilday < 739768 ? \
                 min([max([$.doubled - $.plain, 0]), max([500000 - campaign_issued, 0])]) : 0), \
                 max([20000000 - issued, 0])])"
                    .to_owned(),
            ),
        ],
        _ => vec![("points", zen(rule))],
    };
    let expressions: Vec<serde_json::Value> =
        steps.iter().map(|(key, value)| serde_json::json!({"id": key, "key": key, "value": value})).collect();
    serde_json::json!({
        "contentType": "application/vnd.gorules.decision",
        "nodes": [
            {"type": "inputNode", "id": "in", "name": "event", "content": {"schema": ""},
             "position": {"x": 0, "y": 0}},
            {"type": "expressionNode", "id": "calc", "name": "points", "position": {"x": 1, "y": 0},
             "content": {"expressions": expressions, "passThrough": false, "inputField": null,
                         "outputPath": null, "executionMode": "single"}},
            {"type": "outputNode", "id": "out", "name": "credit", "content": {"schema": ""},
             "position": {"x": 2, "y": 0}},
        ],
        "edges": [
            {"id": "a", "type": "edge", "sourceId": "in", "targetId": "calc"},
            {"id": "b", "type": "edge", "sourceId": "calc", "targetId": "out"},
        ],
    })
    .to_string()
}

/// For cel: binary floating point.
pub fn cel(rule: &str) -> String {
    let rush =
        "((second >= 25200.0 && second < 32400.0) || (second >= 61200.0 && second < 68400.0) ? 1.5 : 1.0)";
    let plain = format!(
        "math.least(math.floor(distance * 150.8 * {rush} / 100.0), math.greatest(300.0 - granted, 0.0))"
    );
    let doubled =
        "math.least(math.floor(distance * 150.8 * 2.0 / 100.0), math.greatest(300.0 - granted, 0.0))";
    match rule {
        "metro" => format!(
            "distance > 0.0 && district in ['d1','d2','d3','d4','d5','d6'] ? int(math.least(\
             math.floor(distance * 150.8 * {rush} / 100.0), math.greatest(200.0 - granted, 0.0))) : 0"
        ),
        "waste" => "weight >= 0.1 && times_granted < 3.0 ? int(math.least(math.floor(math.greatest(1.0, \
             weight * 1370.0 * (kind == 'metal' ? 2.0 : (kind == 'glass' ? 0.5 : 1.0)) / 200.0) * \
             (clean ? 1.2 : 1.0) + 0.5), math.greatest(500.0 - granted_month, 0.0))) : 0"
            .to_owned(),
        "pv" => "used <= made ? int(math.least(math.floor((made + used) / 2.0 * 0.8), \
             math.greatest(50.0 - granted, 0.0), math.greatest(1000.0 - granted_month, 0.0))) : 0"
            .to_owned(),
        "home" => "int(math.least(math.floor((used < persons * 3.2 ? persons * 3.2 - used : \
             math.greatest(0.0, usual - used)) * (civilday >= 739617.0 ? 515.3 : 570.3) / 50.0), \
             math.greatest(100.0 - granted, 0.0)))"
            .to_owned(),
        _ => format!(
            "int(math.least({plain} + (civilday >= 739707.0 && civilday < 739768.0 ? \
             math.least(math.greatest({doubled} - {plain}, 0.0), \
             math.greatest(500000.0 - campaign_issued, 0.0)) \
             : 0.0), math.greatest(20000000.0 - issued, 0.0)))"
        ),
    }
}

/// For rhai: binary floating point.
pub fn rhai(rule: &str) -> String {
    let rush = "let rush = if (second >= 25200.0 && second < 32400.0) || \
                (second >= 61200.0 && second < 68400.0) { 1.5 } else { 1.0 };";
    let least = "fn least(a, b) { if a < b { a } else { b } } fn most(a, b) { if a > b { a } else { b } }";
    let body = match rule {
        "metro" => format!(
            "if distance > 0.0 && district in [\"d1\",\"d2\",\"d3\",\"d4\",\"d5\",\"d6\"] {{ {rush} \
             least((distance * 150.8 * rush / 100.0).floor(), most(200.0 - granted, 0.0)) }} else {{ 0.0 }}"
        ),
        "waste" => "if weight >= 0.1 && times_granted < 3.0 { \
             let factor = if kind == \"metal\" { 2.0 } else if kind == \"glass\" { 0.5 } else { 1.0 }; \
             let worth = most(1.0, weight * 1370.0 * factor / 200.0); \
             least((worth * (if clean { 1.2 } else { 1.0 }) + 0.5).floor(), \
             most(500.0 - granted_month, 0.0)) } else { 0.0 }"
            .to_owned(),
        "pv" => "if used <= made { least(least(((made + used) / 2.0 * 0.8).floor(), \
             most(50.0 - granted, 0.0)), most(1000.0 - granted_month, 0.0)) } else { 0.0 }"
            .to_owned(),
        "home" => "let baseline = persons * 3.2; let saved = if used < baseline { baseline - used } else { \
             most(0.0, usual - used) }; let factor = if civilday >= 739617.0 { 515.3 } else { 570.3 }; \
             least((saved * factor / 50.0).floor(), most(100.0 - granted, 0.0))"
            .to_owned(),
        _ => format!(
            "{rush} let left = most(300.0 - granted, 0.0); \
             let plain = least((distance * 150.8 * rush / 100.0).floor(), left); let extra = 0.0; \
             if civilday >= 739707.0 && civilday < 739768.0 {{ \
             extra = least(most(least((distance * 150.8 * 2.0 / 100.0).floor(), left) - plain, 0.0), \
             most(500000.0 - campaign_issued, 0.0)); }} least(plain + extra, most(20000000.0 - issued, 0.0))"
        ),
    };
    format!("{least} ({{ {body} }}).to_int()")
}
