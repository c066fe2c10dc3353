use proptest::prelude::*;

use crate::kind::{Kind, Options};
use crate::trial::{Trial, run};

fn pv(text: &str) -> Trial {
    run(Kind::Pv, &[text], &[], &Options { subject: Some("m".to_owned()), ..Options::default() })
}

/// A counter's readings on the first days of July 2012.
fn counter(readings: &[(&str, &str)]) -> Trial {
    let rows: Vec<String> = readings.iter().map(|(day, kwh)| format!("{day}/7/2012,{kwh},1.2,3\n")).collect();
    pv(&format!("date,Cumulative_solar_power,kWh electricity/day,Gas/day\n{}", rows.concat()))
}

#[test]
fn a_counters_steps_are_the_days_energy() {
    let trial = counter(&[("1", "0.1"), ("2", "10.2"), ("3", "10.2"), ("4", "44"), ("5", "2"), ("6", "9")]);
    assert_eq!(
        trial.lines(),
        [
            "rooftop_pv_kwh m 2012-07-02T21:59:00Z energy_kwh=10.100",
            "rooftop_pv_kwh m 2012-07-04T21:59:00Z energy_kwh=33.800",
            "rooftop_pv_kwh m 2012-07-06T21:59:00Z energy_kwh=7.000",
        ]
    );
    assert_eq!(trial.refused, [(2, "first_reading"), (4, "no_energy"), (6, "counter_reset")]);
}

#[test]
fn readings_may_come_in_any_order_and_twice() {
    let trial = counter(&[("3", "30"), ("1", "10"), ("2", "15"), ("2", "15"), ("31", "x"), ("32", "1")]);
    assert_eq!(
        trial.refused,
        [(3, "first_reading"), (5, "duplicate_row"), (6, "bad_number"), (7, "bad_date")]
    );
    assert!(trial.lines()[0].contains("07-03") && trial.lines()[0].ends_with("energy_kwh=15.000"));
}

#[test]
fn a_day_holds_at_most_eight_hours_of_full_power() {
    for (kwh, fits) in [("399.999", true), ("400", true), ("400.001", false)] {
        let trial = counter(&[("1", "0"), ("2", kwh)]);
        assert_eq!(trial.events.len() == 1, fits, "{kwh}");
        assert_eq!(trial.refused.last() == Some(&(3, "above_capacity")), !fits);
    }
    assert_eq!(counter(&[("1", "0"), ("3", "800")]).events.len(), 1, "two days since the last reading");
    assert_eq!(counter(&[("1", "0"), ("3", "800.1")]).codes()["above_capacity"], 1);
}

/// Half-hour readings in kW: time, use, generation.
fn half_hours(rows: &[(&str, &str)]) -> Trial {
    let rows: Vec<String> = rows.iter().map(|(time, kw)| format!("{time},0.3,{kw}\n")).collect();
    pv(&format!(",GC,GG\n{}", rows.concat()))
}

#[test]
fn binary_noise_is_rounded_once_a_day() {
    let trial = half_hours(&[
        ("2011-07-01 10:00:00", "0.46799999999999997"),
        ("2011-07-01 10:30:00", "0.46799999999999997"),
        ("2011-07-01 11:00:00", "0.001"),
        ("2011-07-01 11:30:00", "-0.5"),
        ("2011-07-02 10:00:00", "0.001"),
        ("2011-07-03 10:00:00", "0.003"),
        ("2011-07-04 10:00:00", "0"),
    ]);
    assert_eq!(
        trial.lines(),
        [
            "rooftop_pv_kwh m 2011-07-01T13:59:00Z energy_kwh=0.468",
            "rooftop_pv_kwh m 2011-07-03T13:59:00Z energy_kwh=0.002",
        ],
        "half a watt-hour goes to the even side"
    );
    assert_eq!(trial.refused, [(6, "no_energy"), (8, "no_energy")]);
    assert!(trial.notes.iter().any(|note| note.starts_with("4 days lack readings")), "{:?}", trial.notes);
}

#[test]
fn only_daylight_counts() {
    let night = |time: &str, kw: &str| half_hours(&[("2011-07-01 12:00:00", "1"), (time, kw)]);
    for (time, energy) in [
        ("2011-07-01 04:30:00", "0.500"),
        ("2011-07-01 05:00:00", "1.000"),
        ("2011-07-01 20:30:00", "1.000"),
        ("2011-07-01 21:00:00", "0.500"),
    ] {
        let trial = night(time, "1");
        assert!(trial.lines()[0].ends_with(&format!("energy_kwh={energy}")), "{time}");
        assert_eq!(trial.codes().contains_key("night_generation"), energy == "0.500", "{time}");
    }
    for (kw, told) in [("0.1", false), ("0.102", true)] {
        let trial = night("2011-07-01 23:30:00", kw);
        assert_eq!(trial.codes().contains_key("night_generation"), told, "an offset of 50 Wh is none");
        assert!(trial.lines()[0].ends_with("energy_kwh=0.500"));
    }
}

#[test]
fn more_power_than_the_roof_has_refuses_the_day() {
    let at = |kw: &str, capacity: Option<&str>| {
        let options = Options { capacity_kw: capacity.map(|kw| kw.parse().unwrap()), ..Options::default() };
        run(Kind::Pv, &[&format!(",GC,GG\n2011-07-01 12:00:00,0,{kw}\n")], &[], &options).events.len()
    };
    assert_eq!((at("50", None), at("50.001", None)), (1, 0));
    assert_eq!((at("1.04", Some("1.04")), at("1.041", Some("1.04"))), (1, 0));
}

#[test]
fn a_roof_too_big_on_three_days_is_no_households() {
    let days = |above: usize| {
        let rows: Vec<String> = (1..=5_usize)
            .map(|day| format!("2011-07-0{day} 12:00:00,0,{}\n", if day <= above { 90 } else { 4 }))
            .collect();
        pv(&format!(",GC,GG\n{}", rows.concat())).codes().get("above_capacity").copied()
    };
    assert_eq!([days(0), days(2), days(3), days(4)], [None, Some(2), Some(5), Some(5)]);
}

#[test]
fn quarter_hours_belong_to_their_system_and_slot() {
    let trial = run(
        Kind::Pv,
        &["power,read_on,system_id\n\
           1000.000,2019-06-01 12:00:05,10\n\
           1000.000,2019-06-01 12:14:58,10\n\
           1000.000,2019-06-01 12:15:03,10\n\
           1000.000,2019-06-01 12:32:00,10\n\
           1000.000,2019-06-01 12:47:01,10\n\
           52000.0,2019-06-01 12:00:00,34\n\
           5000.0,2019-06-02 12:00:00,34\n\
           ,2019-06-02 12:15:00,34\n"],
        &[],
        &Options::default(),
    );
    assert_eq!(
        trial.lines(),
        [
            "rooftop_pv_kwh 10 2019-06-02T05:59:00Z energy_kwh=0.750",
            "rooftop_pv_kwh 34 2019-06-03T05:59:00Z energy_kwh=1.250"
        ]
    );
    assert_eq!(
        trial.refused,
        [(4, "duplicate_row"), (6, "odd_stamp"), (7, "above_capacity"), (9, "missing_field")]
    );
}

#[test]
fn a_file_without_a_meter_is_named_by_itself_or_the_caller() {
    let text = ",GC,GG\n2011-07-01 12:00:00,0,1\n";
    let named = run(Kind::Pv, &[text], &[], &Options::default());
    assert!(named.lines()[0].starts_with("rooftop_pv_kwh part0 "));
    assert!(pv(text).lines()[0].starts_with("rooftop_pv_kwh m "));
}

proptest! {
    #[test]
    fn a_file_split_in_two_is_the_whole(
        powers in prop::collection::vec(-5_i32..2_000, 1..96),
        cut in 0..96_usize,
    ) {
        let start: chrono::NaiveDateTime = "2019-06-01T18:00:00".parse().unwrap();
        let row = |(minutes, watts): (i64, &i32)| {
            format!("10,{},{watts}\n", start.checked_add_signed(chrono::TimeDelta::minutes(minutes)).unwrap())
        };
        let rows: Vec<String> = (0..).step_by(15).zip(&powers).map(row).collect();
        let cut = cut.min(rows.len());
        let part = |rows: &[String]| format!("system_id,read_on,power\n{}", rows.concat());
        let whole = run(Kind::Pv, &[&part(&rows)], &[], &Options::default());
        let split = run(Kind::Pv, &[&part(&rows[..cut]), &part(&rows[cut..])], &[], &Options::default());
        prop_assert_eq!(whole.by_id(), split.by_id());
        prop_assert_eq!(whole.codes(), split.codes());
    }
}
