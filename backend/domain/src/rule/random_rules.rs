//! Random well-typed rule files for tests, steered by a tape of bytes so that they shrink. Must never be
//! used outside tests.

/// Writes random well-typed formulas, steered by a tape of bytes; an empty tape ends every branch.
pub(super) struct Writer<'t> {
    tape: std::slice::Iter<'t, u8>,
    /// Whether formulas may look back.
    past: bool,
}

impl<'t> Writer<'t> {
    pub(super) fn new(tape: &'t [u8]) -> Self {
        Self { tape: tape.iter(), past: false }
    }

    fn pick(&mut self, choices: u8) -> u8 {
        self.tape.next().map_or(0, |byte| byte % choices)
    }

    fn digits(&mut self) -> String {
        let (whole, decimals) = (self.pick(200), self.pick(100));
        format!("{}.{decimals:02}", u16::from(whole) * 7 + 1)
    }

    fn rounding(&mut self) -> &'static str {
        ["down", "up", "half up", "half even"][usize::from(self.pick(4))]
    }

    fn length(&mut self) -> String {
        match self.pick(9) {
            0 => "a".into(),
            1 if self.past => ["b", "usual", "total", "usual"][usize::from(self.pick(4))].into(),
            1 => "b".into(),
            2 => format!("{} km", self.digits()),
            3 => format!("{} m", self.digits()),
            4 => format!("({} + {})", self.length(), self.length()),
            5 => format!("min({}, {})", self.length(), self.length()),
            6 => format!("({} - {})", self.length(), self.length()),
            7 => format!("(if {} then {} else {})", self.test(), self.length(), self.length()),
            _ => format!(
                "({} * {} / {}, rounded {} to 0.05 km)",
                self.length(),
                self.share(),
                self.digits(),
                self.rounding()
            ),
        }
    }

    fn share(&mut self) -> String {
        match self.pick(3) {
            0 if self.past && self.pick(2) == 1 => "(reports * 0.1)".into(),
            0 => "50%".into(),
            1 => self.digits(),
            _ => format!("-{}", self.digits()),
        }
    }

    fn carbon(&mut self) -> String {
        match self.pick(9) {
            0 => "a * ff".into(),
            1 => "c * gg".into(),
            2 => format!("{} kgCO2e", self.digits()),
            3 => format!("({} + {})", self.carbon(), self.carbon()),
            4 => format!("max({}, {})", self.carbon(), self.carbon()),
            5 => format!("{} * ({})", self.share(), self.carbon()),
            6 => format!("(if {} then {} else {})", self.test(), self.carbon(), self.carbon()),
            7 => format!("{} * ff", self.length()),
            _ => format!("({} / {}, rounded {} to 3 mgCO2e)", self.carbon(), self.digits(), self.rounding()),
        }
    }

    fn test(&mut self) -> String {
        match self.pick(11) {
            0 => "flag".into(),
            1 => "kind = red".into(),
            2 => "kind in [green, blue]".into(),
            3 => format!("{} < {}", self.length(), self.length()),
            4 => format!("{} >= {}", self.carbon(), self.carbon()),
            5 => format!("not ({})", self.test()),
            6 => format!("({} and {})", self.test(), self.test()),
            7 => format!("({} or {})", self.test(), self.test()),
            8 => "time in [07:00 .. 09:30)".into(),
            9 => "date >= 2026-02-01".into(),
            _ => format!("{} in (1 km .. {} km]", self.length(), self.digits()),
        }
    }

    fn points(&mut self) -> String {
        match self.pick(6) {
            0 => format!("reduction / {} gCO2e/pt", self.digits()),
            1 => format!("{} * 1 pt", self.digits()),
            2 => format!("({} + {})", self.points(), self.points()),
            3 => format!("(if {} then {} else {})", self.test(), self.points(), self.points()),
            4 => format!("max({}, {})", self.points(), self.points()),
            _ => format!("{} / (a + 1 km) * 1 pt", self.length()),
        }
    }

    /// A file with one action and four caps.
    pub(super) fn file(&mut self) -> String {
        let caps = "[{limit: 40 km, per: day}, {limit: 3 times, per: day}, {limit: 60 pt, per: week}, \
             {limit: 2 kgCO2e, per: month}]";
        self.document(caps, "", "")
    }

    /// A file with everything that a decision can depend on.
    pub(super) fn programme(&mut self) -> String {
        self.past = true;
        let caps: Vec<String> = (0..self.pick(5)).map(|_| self.cap()).collect();
        let (history, multipliers) = (self.history(), self.multipliers());
        let hold = match self.pick(3) {
            1 => {
                let test = self.test();
                format!("    hold: [{{when: \"a > 70 km or ({test})\", reason: {{zh: 核, en: R}}}}]\n")
            }
            _ => String::new(),
        };
        let extras = [history, multipliers, hold].concat();
        let top = format!("{}{}", self.campaigns(), self.budgets());
        self.document(&format!("[{}]", caps.join(", ")), &extras, &top)
    }

    fn cap(&mut self) -> String {
        let limit = ["40 km", "5.5 km", "60 pt", "17 pt", "2 kgCO2e", "350 gCO2e", "3 times"]
            [usize::from(self.pick(7))];
        let first = u8::from(limit.ends_with("times"));
        let per =
            ["event", "day", "week", "month", "year", "ever"][usize::from(first + self.pick(6 - first))];
        let scope = ["", ", of: binding", ", of: gate"][usize::from(self.pick(3))];
        let scope = if per == "event" { "" } else { scope };
        format!("{{limit: {limit}, per: {per}{scope}}}")
    }

    fn history(&mut self) -> String {
        let (days, least) = (1 + self.pick(40), 1 + self.pick(5));
        let otherwise = ["refuse", "12.5 km"][usize::from(self.pick(2))];
        format!(
            "    history:\n      usual: {{average: a, over: {days} days, at_least: {least}, \
             otherwise: {otherwise}}}\n      total: {{sum: a, over: 30 days}}\n      \
             reports: {{count: a, over: {days} days, at_least: 2, otherwise: 7}}\n"
        )
    }

    fn stacking(&mut self) -> &'static str {
        ["highest", "multiply", "first"][usize::from(self.pick(3))]
    }

    fn multipliers(&mut self) -> String {
        let count = self.pick(4);
        if count == 0 {
            return String::new();
        }
        let mut all = vec![format!("    multipliers:\n      stacking: {}\n", self.stacking())];
        for number in 0..count {
            let times = ["1.5", "2", "0.75", "1.125", "3"][usize::from(self.pick(5))];
            let test = self.test();
            all.push(format!("      m{number}: {{when: \"{test}\", times: {times}}}\n"));
        }
        all.concat()
    }

    fn campaigns(&mut self) -> String {
        let count = self.pick(4);
        let mut all = vec![format!("campaigns:\n  stacking: {}\n", self.stacking())];
        for number in 0..count {
            let (month, day, length) = (1 + self.pick(2), 1 + self.pick(20), 1 + self.pick(8));
            let districts = ["all", "[north]", "[north, south]"][usize::from(self.pick(3))];
            let times = ["2", "1.25", "3", "1.1"][usize::from(self.pick(4))];
            let budget = 1 + u16::from(self.pick(200));
            all.push(format!(
                "  c{number}: {{from: 2026-{month:02}-{day:02}, until: 2026-{month:02}-{end:02}, \
                 actions: all, districts: {districts}, times: {times}, budget: {budget} pt}}\n",
                end = day + length,
            ));
        }
        all.concat()
    }

    fn budgets(&mut self) -> String {
        let waits = ["queue", "prorate"][usize::from(self.pick(2))];
        let (limit, kinds) = (1 + u16::from(self.pick(250)), self.pick(4));
        let stop = format!("  - {{id: s, limit: {limit} pt, per: week, when_exhausted: stop}}\n");
        let wait = format!("  - {{id: w, limit: {limit} pt, per: day, when_exhausted: {waits}}}\n");
        let other = "  - {id: o, limit: 90 pt, per: year, when_exhausted: stop}\n".to_owned();
        let chosen = [vec![], vec![stop.clone()], vec![wait.clone()], vec![wait, stop, other]];
        let chosen = chosen[usize::from(kinds)].concat();
        if chosen.is_empty() { chosen } else { format!("budgets:\n{chosen}") }
    }

    fn document(&mut self, caps: &str, extras: &str, top: &str) -> String {
        let (test, carbon) = (self.test(), self.carbon());
        let (points, mode, granule) = (self.points(), self.rounding(), 1 + self.pick(3));
        format!(
            r#"
format: 1
city: randomtown
title: {{zh: 随机, en: Random}}
timezone: Asia/Shanghai
lists: {{districts: [north, south]}}
parameters:
  ff:
    label: {{zh: 一, en: f}}
    values:
      - {{from: 2026-01-01, value: 46.7 gCO2e/km, confidence: proposed}}
      - {{from: 2026-03-01, value: 0.0391 kgCO2e/km, confidence: proposed}}
  gg: {{label: {{zh: 二, en: g}}, values: [{{from: 2025-01-01, value: 0.5 kgCO2e/kWh, confidence: proposed}}]}}
actions:
  act:
    name: {{zh: 行为, en: Act}}
    category: test
    inputs:
      a: {{unit: km, decimals: 3, min: 0, max: 80}}
      b: {{unit: m, decimals: 1, min: 5, max: 9000}}
      c: {{unit: kWh, decimals: 2, min: 0, max: 100}}
      flag: {{type: yes_no}}
      kind: {{type: choice, of: [red, green, blue]}}
      gate: {{type: id}}
    evidence: {{operator: 100%, device: 37.5%, self: 0%}}
    steps:
      measured: "max(0 gCO2e, {carbon})"
    eligible:
      - {{when: "flag or not flag or ({test})", else: {{zh: 否, en: No}}}}
      - {{when: "({test}) or a < 60 km", else: {{zh: 否, en: No}}, code: second}}
    reduction: measured
    points: "max(0 pt, {points}), rounded {mode} to {granule} pt"
    caps: {caps}
{extras}{top}"#
        )
    }
}
