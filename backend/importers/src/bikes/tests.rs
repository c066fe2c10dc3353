use super::*;

fn ride(metres: i64, seconds: i64) -> Result<(), Why> {
    Ride { metres, seconds }.check()
}

#[test]
fn every_bound_of_a_ride_holds() {
    assert_eq!(ride(299, 120), Err(Why::TooShort));
    assert_eq!(ride(300, 120), Ok(()));
    assert_eq!(ride(400, 59), Err(Why::TooShort));
    assert_eq!(ride(400, 60), Ok(()));
    assert_eq!(ride(10_000, 10_800), Ok(()));
    assert_eq!(ride(10_000, 10_801), Err(Why::TooLong));
    assert_eq!(ride(10_000, 1_200), Ok(()));
    assert_eq!(ride(10_001, 1_200), Err(Why::TooFast));
    assert_eq!(ride(1_000, 1_200), Ok(()));
    assert_eq!(ride(999, 1_200), Err(Why::TooSlow));
}

#[test]
fn of_overlapping_trips_the_first_counts() {
    let trip = |rider, name, start, seconds, ordinal| Trip {
        rider,
        name,
        start,
        ride: Ride { metres: 2_000, seconds },
        ordinal,
    };
    let mut trips = vec![
        trip(1, 10, 0, 600, 0),
        trip(1, 11, 599, 600, 1),
        trip(1, 12, 600, 600, 2),
        trip(2, 13, 300, 600, 3),
        trip(1, 14, 1_200, 20_000, 4),
        trip(1, 15, 1_300, 600, 5),
        trip(1, 10, 0, 600, 6),
    ];
    let refused = judge(trips.clone());
    let expected = HashMap::from([(1, Why::Overlapping), (4, Why::TooLong), (6, Why::Duplicate)]);
    assert_eq!(refused, expected);
    trips.reverse();
    assert_eq!(judge(trips), expected, "the order of rows does not matter");
}

#[test]
fn minutes_have_places_only_when_needed() {
    assert_eq!(minutes(900), "15");
    assert_eq!(minutes(61), "1.02");
    assert_eq!(minutes(10_800), "180");
}
