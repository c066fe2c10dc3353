//! Random well-typed rule files for tests, steered by a tape of bytes so that they shrink. Must never be
//! used outside tests.

/// Writes random well-typed formulas, steered by a tape of bytes; an empty tape ends every branch.
pub(super) struct Writer<'t> {
    pub(super) tape: std::slice::Iter<'t, u8>,
}

impl Writer<'_> {
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

    pub(super) fn file(&mut self) -> String {
        let (test, carbon) = (self.test(), self.carbon());
        let (points, mode, granule) = (self.points(), self.rounding(), 1 + self.pick(3));
        format!(
            r#"
format: 1
city: randomtown
title: {{zh: 随机, en: Random}}
timezone: Asia/Shanghai
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
    evidence: {{operator: 100%, device: 37.5%, self: 0%}}
    steps:
      measured: "max(0 gCO2e, {carbon})"
    eligible:
      - {{when: "flag or not flag or ({test})", else: {{zh: 否, en: No}}}}
      - {{when: "({test}) or a < 60 km", else: {{zh: 否, en: No}}, code: second}}
    reduction: measured
    points: "max(0 pt, {points}), rounded {mode} to {granule} pt"
    caps:
      - {{limit: 40 km, per: day}}
      - {{limit: 3 times, per: day}}
      - {{limit: 60 pt, per: week}}
      - {{limit: 2 kgCO2e, per: month}}
"#
        )
    }
}
