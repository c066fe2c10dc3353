//! The samples that ship inside the program, written out so that they can be looked at and imported again.

use std::path::Path;

use tanhui_importers::Kind;

macro_rules! files {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!("../../../../samples/", $name)))),+]
    };
}

const FILES: &[(&str, &str)] = files!(
    "taps.csv",
    "stations.csv",
    "edges.csv",
    "station_aliases.csv",
    "gate_prefixes.csv",
    "bike_trips.csv",
    "pv_counter.csv",
    "waste_week.csv",
    "steps.csv",
    "ev_sessions.csv",
);

/// What is imported, in this order.
pub const IMPORTS: [(Kind, &str); 6] = [
    (Kind::Taps, "taps.csv"),
    (Kind::Bikes, "bike_trips.csv"),
    (Kind::Pv, "pv_counter.csv"),
    (Kind::Waste, "waste_week.csv"),
    (Kind::Steps, "steps.csv"),
    (Kind::Ev, "ev_sessions.csv"),
];

/// Writes the samples into a folder.
pub fn write(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    for (name, text) in FILES {
        std::fs::write(folder.join(name), text)?;
    }
    Ok(())
}
