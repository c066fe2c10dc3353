//! Which station a gate's label means. Labels are cut short (`Tottenham Court Rd`, `Kings Cross T`), so a
//! label fits a station when its words abbreviate the station's in order; only a single fit counts.

use std::collections::HashMap;

use crate::network::{Network, Station};

/// Words at a label's end that tell whose gates they are.
const GATE_WORDS: [&str; 15] =
    ["lu", "ll", "nr", "dlr", "jle", "fgw", "und", "nl", "tlink", "t", "e2", "wagn", "toc", "gates", "tram"];
/// Words that a label may leave out.
const SMALL_WORDS: [&str; 3] = ["and", "on", "the"];

pub(super) struct Names {
    stations: HashMap<String, Station>,
    found: HashMap<String, Option<Station>>,
}

impl Names {
    pub(super) fn new(network: &Network) -> Self {
        let stations = network.station_names().map(|(name, station)| (plain(name), station)).collect();
        Self { stations, found: HashMap::new() }
    }

    pub(super) fn station(&mut self, network: &Network, label: &str) -> Option<Station> {
        if let Some(known) = self.found.get(label) {
            return *known;
        }
        let label_plain = plain(network.aliases().get(label).map_or(label, String::as_str));
        let station = self.stations.get(&label_plain).copied().or_else(|| self.abbreviated(&label_plain));
        self.found.insert(label.to_owned(), station);
        station
    }

    fn abbreviated(&self, label: &str) -> Option<Station> {
        let mut words: Vec<&str> = label.split(' ').filter(|word| !SMALL_WORDS.contains(word)).collect();
        loop {
            let fits = || self.stations.iter().filter(|(name, _)| fit(&words, name));
            let single =
                only(fits()).or_else(|| only(fits().filter(|(name, _)| large_words(name) == words.len())));
            if single.is_some() || words.len() < 2 {
                return single;
            }
            words.pop_if(|word| GATE_WORDS.contains(word))?;
        }
    }
}

fn only<'a>(mut fits: impl Iterator<Item = (&'a String, &'a Station)>) -> Option<Station> {
    match (fits.next(), fits.next()) {
        (Some((_, station)), None) => Some(*station),
        _ => None,
    }
}

fn large_words(name: &str) -> usize {
    name.split(' ').filter(|word| !SMALL_WORDS.contains(word)).count()
}

/// The first word is the same, the others abbreviate the station's words in order; it may have more of them.
fn fit(words: &[&str], name: &str) -> bool {
    let mut rest = name.split(' ');
    let first_is_same = words.first().copied() == rest.next();
    first_is_same
        && words.iter().skip(1).all(|word| {
            rest.find(|full| !SMALL_WORDS.contains(full)).is_some_and(|full| abbreviates(word, full))
        })
}

/// `rd` for `road`, `hampstd` for `hampstead`: the same first letter, and all letters in order.
fn abbreviates(short: &str, full: &str) -> bool {
    let mut letters = full.chars();
    short.chars().next() == full.chars().next()
        && short.chars().all(|letter| letters.any(|next| next == letter))
}

/// A name in small letters without signs, words one blank apart.
fn plain(name: &str) -> String {
    let letters = name.replace(['\'', '.'], "").to_lowercase().replace('&', " and ");
    let words = letters.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_find_the_one_station_they_can_mean() {
        let mut network = Network::default();
        let known = [
            "Alder Cross St. Brice",
            "Alder Street",
            "Brook Road (North)",
            "Brook Road (South/Harbour)",
            "Fenner and Hill",
            "West Marstead",
            "West Marstead Harbour",
        ];
        for name in known {
            network.adopt(name);
        }
        let mut names = Names::new(&network);
        for (label, expected) in [
            ("Alder Cross St. Brice", Some(0)),
            ("Alder Cross T", Some(0)),
            ("ALDER ST NR", Some(1)),
            ("Brook Road N", Some(2)),
            ("Brook Rd S", Some(3)),
            ("Brook Road", None),
            ("Fenner & Hill", Some(4)),
            ("Fenner Hill", Some(4)),
            ("West Marst'd Und", Some(5)),
            ("West Marst'd Hbr", Some(6)),
            ("East Marstead", None),
            ("", None),
        ] {
            assert_eq!(
                names.station(&network, label),
                expected.and_then(|at: usize| network.named(known[at])),
                "{label}"
            );
            assert_eq!(names.station(&network, label).is_some(), expected.is_some(), "{label}, asked again");
        }
    }
}
