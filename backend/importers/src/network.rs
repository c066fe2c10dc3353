//! A rail network from reference tables: what a name or a gate means, and how far it is from one station to
//! another. Works without any table too; then it knows no distance.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::path::{Path, PathBuf};

use tanhui_domain::text::Text;

use crate::decimal::Decimal;
use crate::error::ImportError;
use crate::geo::{self, Point};
use crate::kind::Options;
use crate::table::Table;

/// Most stations of a network; distances are kept per starting station.
pub(crate) const STATIONS_MAX: usize = 5_000;

/// A station's number within one network.
pub(crate) type Station = u32;

/// How far apart two stations are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Distance {
    pub(crate) metres: u32,
    /// Straight line instead of the way along the track.
    pub(crate) estimated: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Network {
    stations: HashMap<String, Station>,
    places: HashMap<Station, Point>,
    neighbours: HashMap<Station, Vec<(Station, u32)>>,
    aliases: HashMap<String, String>,
    gates: HashMap<String, Station>,
    reached: HashMap<Station, HashMap<Station, u32>>,
    notes: Vec<Text>,
}

/// What the tables beside the records are called.
pub(crate) struct TableNames {
    pub(crate) stations: &'static str,
    pub(crate) edges: &'static str,
    pub(crate) aliases: &'static str,
    pub(crate) gates: &'static str,
}

impl Network {
    /// Reads the tables that were given; when none was, those that lie beside the first file.
    pub(crate) fn load(
        options: &Options,
        files: &[PathBuf],
        names: &TableNames,
    ) -> Result<Self, ImportError> {
        let given = [&options.stations, &options.edges, &options.aliases, &options.gates];
        let [stations, edges, aliases, gates] = if given.iter().all(|tables| tables.is_empty()) {
            let folder = files.first().and_then(|file| file.parent()).unwrap_or(Path::new(""));
            [names.stations, names.edges, names.aliases, names.gates].map(|name| beside(folder, name))
        } else {
            given.map(Clone::clone)
        };
        let mut network = Self::default();
        for file in &stations {
            network.read_stations(file)?;
        }
        for file in &edges {
            network.read_edges(file)?;
        }
        for file in &aliases {
            network.read_aliases(file)?;
        }
        for file in &gates {
            network.read_gates(file)?;
        }
        Ok(network)
    }

    fn read_stations(&mut self, file: &Path) -> Result<(), ImportError> {
        let lon = &["lon_wgs84", "longitude", "lon"];
        let lat = &["lat_wgs84", "latitude", "lat"];
        for (line, [name, lon, lat]) in self.records(file, [&["station"], lon, lat])? {
            let station = self.station(&name, file, line)?;
            let place =
                point(&lon, &lat).ok_or_else(|| wrong(file, line, "longitude or latitude is no number"))?;
            self.places.entry(station).or_insert(place);
        }
        Ok(())
    }

    fn read_edges(&mut self, file: &Path) -> Result<(), ImportError> {
        let length = &["track_m", "distance_m", "straight_m"];
        for (line, [from, to, metres]) in self.records(file, [&["from_station"], &["to_station"], length])? {
            let (from, to) = (self.station(&from, file, line)?, self.station(&to, file, line)?);
            let metres = metres.parse::<Decimal>().ok().and_then(|metres| metres.rounded(1, 1));
            let metres = metres.and_then(|metres| u32::try_from(metres).ok()).filter(|metres| *metres > 0);
            let metres = metres.ok_or_else(|| wrong(file, line, "the distance is no number above zero"))?;
            self.neighbours.entry(from).or_default().push((to, metres));
            self.neighbours.entry(to).or_default().push((from, metres));
        }
        Ok(())
    }

    fn read_aliases(&mut self, file: &Path) -> Result<(), ImportError> {
        for (_, [name, station]) in self.records(file, [&["name_in_taps", "alias", "name"], &["station"]])? {
            self.aliases.insert(name, station);
        }
        Ok(())
    }

    fn read_gates(&mut self, file: &Path) -> Result<(), ImportError> {
        for (line, [prefix, name]) in self.records(file, [&["equ_no_first6", "prefix"], &["station"]])? {
            let station = self.station(&name, file, line)?;
            self.gates.insert(prefix, station);
        }
        Ok(())
    }

    /// The wanted columns of a table, each under the first of its names that the header has.
    fn records<const N: usize>(
        &mut self,
        file: &Path,
        wanted: [&[&str]; N],
    ) -> Result<Vec<(u64, [String; N])>, ImportError> {
        let mut table = Table::open(file)?;
        let position = |names: &&[&str]| {
            names
                .iter()
                .find_map(|name| table.header().iter().position(|column| column.eq_ignore_ascii_case(name)))
        };
        let Some(columns) = wanted.iter().map(position).collect::<Option<Vec<usize>>>() else {
            return Err(wrong(file, 1, &format!("needs the columns {wanted:?}")));
        };
        let mut records = Vec::new();
        while let Some(readable) = table.advance()? {
            readable.map_err(|reason| wrong(file, table.line(), &reason.detail.en))?;
            let mut values = columns.iter().map(|&column| table.fields().get(column).trim().to_owned());
            records.push((table.line(), std::array::from_fn(|_| values.next().unwrap_or_default())));
        }
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let rows = records.len();
        self.notes.push(Text::new(
            format!("使用对照表 {name}（{rows} 行）"),
            format!("used table {name} ({rows} rows)"),
        ));
        Ok(records)
    }

    /// A station by its name in the tables, new or known.
    fn station(&mut self, name: &str, file: &Path, line: u64) -> Result<Station, ImportError> {
        let next = self.stations.len();
        match self.stations.get(name) {
            Some(station) => Ok(*station),
            None if next >= STATIONS_MAX => {
                Err(wrong(file, line, &format!("more than {STATIONS_MAX} stations")))
            }
            None => {
                let station = Station::try_from(next).unwrap_or(Station::MAX);
                self.stations.insert(name.to_owned(), station);
                Ok(station)
            }
        }
    }

    /// Whether tables tell which stations there are. Without, [`Network::adopt`] numbers them as they come.
    pub(crate) fn is_known(&self) -> bool {
        !self.neighbours.is_empty() || !self.places.is_empty()
    }

    /// The station that a name in the records means: as written, by the alias table, or without a final 站.
    pub(crate) fn named(&self, name: &str) -> Option<Station> {
        let plain = name.strip_suffix('站');
        [Some(name), self.aliases.get(name).map(String::as_str), plain]
            .into_iter()
            .flatten()
            .find_map(|name| self.stations.get(name).copied())
    }

    /// Takes a name that no table knows for a station of its own.
    pub(crate) fn adopt(&mut self, name: &str) -> Station {
        if let Some(station) = self.named(name) {
            return station;
        }
        let name = self.aliases.get(name).map_or(name, String::as_str);
        let name = name.strip_suffix('站').unwrap_or(name).to_owned();
        let next = Station::try_from(self.stations.len()).unwrap_or(Station::MAX);
        *self.stations.entry(name).or_insert(next)
    }

    pub(crate) fn station_names(&self) -> impl Iterator<Item = (&str, Station)> {
        self.stations.iter().map(|(name, station)| (name.as_str(), *station))
    }

    pub(crate) fn aliases(&self) -> &HashMap<String, String> {
        &self.aliases
    }

    pub(crate) fn gate(&self, prefix: &str) -> Option<Station> {
        self.gates.get(prefix).copied()
    }

    pub(crate) fn notes(&self) -> &[Text] {
        &self.notes
    }

    /// Shortest way along the track; without a table of edges the straight line.
    pub(crate) fn distance(&mut self, from: Station, to: Station) -> Option<Distance> {
        if self.neighbours.is_empty() {
            return self.straight(from, to);
        }
        let (start, end) = (from.min(to), from.max(to));
        let Self { reached, neighbours, .. } = self;
        let reached = reached.entry(start).or_insert_with(|| shortest(neighbours, start));
        reached.get(&end).map(|&metres| Distance { metres, estimated: false })
    }

    /// Straight-line distance between two stations whose places are known.
    pub(crate) fn straight(&self, from: Station, to: Station) -> Option<Distance> {
        let (from, to) = (self.places.get(&from)?, self.places.get(&to)?);
        let metres = geo::millimetres(*from, *to).checked_div(1000)?;
        Some(Distance { metres: u32::try_from(metres).ok()?, estimated: true })
    }

    /// Distance to the station farthest away along the track, when edges are known.
    pub(crate) fn farthest_metres(&mut self, station: Station) -> Option<u32> {
        let Self { reached, neighbours, .. } = self;
        if !neighbours.contains_key(&station) {
            return None;
        }
        reached.entry(station).or_insert_with(|| shortest(neighbours, station)).values().max().copied()
    }

    /// Distance to the nearest neighbouring station.
    pub(crate) fn nearest_metres(&self, station: Station) -> Option<u32> {
        self.neighbours.get(&station)?.iter().map(|&(_, metres)| metres).min()
    }
}

/// Dijkstra from one station to all.
fn shortest(neighbours: &HashMap<Station, Vec<(Station, u32)>>, start: Station) -> HashMap<Station, u32> {
    let mut reached = HashMap::new();
    let mut frontier = BinaryHeap::from([Reverse((0_u32, start))]);
    while let Some(Reverse((metres, station))) = frontier.pop() {
        if reached.contains_key(&station) {
            continue;
        }
        reached.insert(station, metres);
        for &(next, step) in neighbours.get(&station).into_iter().flatten() {
            if !reached.contains_key(&next) {
                frontier.push(Reverse((metres.saturating_add(step), next)));
            }
        }
    }
    reached
}

fn beside(folder: &Path, name: &str) -> Vec<PathBuf> {
    let candidates = [format!("{name}.csv"), format!("{name}.csv.gz")];
    candidates.into_iter().map(|name| folder.join(name)).find(|path| path.is_file()).into_iter().collect()
}

/// A place from decimal degrees.
pub(crate) fn point(lon: &str, lat: &str) -> Option<Point> {
    let degrees = |text: &str, most: i64| {
        let micro = text.parse::<Decimal>().ok()?.rounded(1_000_000, 1)?;
        i32::try_from(micro).ok().filter(|_| micro.abs() <= most)
    };
    Some(Point { lon_microdegrees: degrees(lon, 180_000_000)?, lat_microdegrees: degrees(lat, 90_000_000)? })
}

fn wrong(file: &Path, line: u64, problem: &str) -> ImportError {
    ImportError::Reference { file: file.to_owned(), line, problem: problem.to_owned() }
}
