//! Distance on the globe. The one place with floats: coordinates are measurements, and the result is whole
//! millimetres before anything is added up.

/// A place in whole microdegrees (about 0.1 m).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Point {
    pub(crate) lon_microdegrees: i32,
    pub(crate) lat_microdegrees: i32,
}

const EARTH_RADIUS_MM: f64 = 6_371_008_800.0;

/// Haversine distance on a sphere of the earth's mean radius, rounded to millimetres.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "at most half the earth's circumference, 2e10 mm, and never negative"
)]
pub(crate) fn millimetres(from: Point, to: Point) -> u64 {
    let lat_from = radians(from.lat_microdegrees);
    let lat_to = radians(to.lat_microdegrees);
    let half_lat = ((lat_to - lat_from) / 2.0).sin();
    let half_lon = ((radians(to.lon_microdegrees) - radians(from.lon_microdegrees)) / 2.0).sin();
    let chord = half_lat.mul_add(half_lat, lat_from.cos() * lat_to.cos() * half_lon * half_lon);
    (2.0 * EARTH_RADIUS_MM * chord.sqrt().min(1.0).asin()).round() as u64
}

fn radians(microdegrees: i32) -> f64 {
    (f64::from(microdegrees) / 1e6).to_radians()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_degree_of_latitude_is_111_km() {
        let from = Point { lon_microdegrees: 0, lat_microdegrees: 0 };
        let to = Point { lon_microdegrees: 0, lat_microdegrees: 1_000_000 };
        assert_eq!(millimetres(from, to) / 1_000_000, 111);
        assert_eq!(millimetres(from, from), 0);
        assert_eq!(millimetres(from, to), millimetres(to, from));
        let antipode = Point { lon_microdegrees: 180_000_000, lat_microdegrees: 0 };
        assert_eq!(millimetres(from, antipode) / 1_000_000, 20_015);
    }
}
