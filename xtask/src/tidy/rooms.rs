//! The direction between rooms: `mobile-api -> service -> store -> domain`, read from manifests and code.

use toml::Table;

use super::Finding;
use super::source::Source;
use super::words::has_word;

/// A room, the rooms it may use, and where it lies.
struct Room {
    folder: &'static str,
    may_use: &'static [&'static str],
}

const ROOMS: [Room; 9] = [
    Room { folder: "backend/domain", may_use: &[] },
    Room { folder: "backend/importers", may_use: &["domain"] },
    Room { folder: "backend/store", may_use: &["domain", "migrations"] },
    Room { folder: "backend/service", may_use: &["domain", "store"] },
    Room { folder: "bench", may_use: &["domain", "service"] },
    Room { folder: "mobile-api", may_use: &["bench", "domain", "importers", "service"] },
    Room { folder: "migrations", may_use: &[] },
    Room { folder: "tests", may_use: &["domain", "importers", "store", "service"] },
    Room { folder: "xtask", may_use: &[] },
];

const OURS: [&str; 8] =
    ["bench", "domain", "importers", "store", "service", "mobile-api", "migrations", "tests"];

/// Programs that benchmarks compare with: a workspace of its own, measured and never shipped.
const PEERS: &str = "bench/peers/";

/// Crates that belong to some rooms only.
const KEPT_IN: [(&[&str], &[&str]); 3] = [
    (
        &["sea-orm", "sea-orm-migration", "sea-query", "sqlx"],
        &["backend/store", "bench", "migrations", "tests"],
    ),
    (&["redis"], &["backend/store"]),
    (&["axum", "tower-http", "utoipa", "utoipa-axum"], &["mobile-api"]),
];

/// Crates that a pure room may not have.
const IMPURE: [&str; 7] = ["tokio", "async-trait", "futures", "getrandom", "rand", "reqwest", "tracing"];

/// Words of code that a pure room may not have.
const IMPURE_WORDS: [&str; 15] = [
    "tokio",
    "async fn",
    "rand::",
    "getrandom::",
    "std::fs",
    "std::net",
    "std::io",
    "std::env",
    "std::process",
    "std::thread",
    "println!",
    "eprintln!",
    "Local::now",
    "Instant::now",
    "new_v4",
];

/// The one file that reads the wall clock.
const CLOCK_FILE: &str = "backend/service/src/clock.rs";
const WALL_CLOCK: [&str; 2] = ["SystemTime::now", "Utc::now"];
/// The end-to-end tests run against real time.
const CLOCK_FREE: &str = "tests";

fn room_of(file: &str) -> Option<&'static Room> {
    ROOMS.iter().find(|room| file.strip_prefix(room.folder).is_some_and(|rest| rest.starts_with('/')))
}

fn is_pure(room: &Room) -> bool {
    room.folder == "backend/domain"
}

/// Findings of one manifest.
pub fn check_manifest(file: &str, text: &str) -> Vec<Finding> {
    if file == "Cargo.toml" || file.starts_with(PEERS) {
        return Vec::new();
    }
    let Some(room) = room_of(file) else {
        return vec![Finding::new(file, 1, "a crate outside the rooms; see xtask/src/tidy/rooms.rs")];
    };
    let manifest = match text.parse::<Table>() {
        Ok(manifest) => manifest,
        Err(error) => return vec![Finding::new(file, 1, format!("not a manifest: {}", error.message()))],
    };
    let mut findings = Vec::new();
    if !inherits_lints(&manifest) {
        findings.push(Finding::new(file, 1, "no shared lints; add `[lints]` with `workspace = true`"));
    }
    for name in dependencies(&manifest) {
        if let Some(what) = refuse_dependency(room, &name) {
            findings.push(Finding::new(file, line_of(text, &name), what));
        }
    }
    findings
}

fn inherits_lints(manifest: &Table) -> bool {
    let lints = manifest.get("lints").and_then(|lints| lints.get("workspace"));
    lints.and_then(toml::Value::as_bool) == Some(true)
}

/// Names under every `dependencies` table, those of targets too.
fn dependencies(manifest: &Table) -> Vec<String> {
    const KINDS: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];
    let targets = manifest.get("target").and_then(toml::Value::as_table);
    let platforms = targets.into_iter().flat_map(|table| table.values().filter_map(toml::Value::as_table));
    std::iter::once(manifest)
        .chain(platforms)
        .flat_map(|table| KINDS.iter().filter_map(|kind| table.get(*kind)?.as_table()))
        .flat_map(Table::iter)
        .map(|(name, value)| {
            let package = value.get("package").and_then(toml::Value::as_str);
            package.unwrap_or(name).to_owned()
        })
        .collect()
}

fn refuse_dependency(room: &Room, name: &str) -> Option<String> {
    if let Some(other) = name.strip_prefix("tanhui-") {
        return (!room.may_use.contains(&other)).then(|| wrong_arrow(room, name));
    }
    if is_pure(room) && IMPURE.contains(&name) {
        return Some(format!("`{name}` in a pure room; pass what it gives in as a value or a trait"));
    }
    KEPT_IN
        .iter()
        .find(|(names, folders)| names.contains(&name) && !folders.contains(&room.folder))
        .map(|(_, folders)| format!("{name} belongs to {}; ask that room instead", folders.join(" and ")))
}

fn wrong_arrow(room: &Room, name: &str) -> String {
    let allowed = if room.may_use.is_empty() { "no other room".to_owned() } else { room.may_use.join(", ") };
    format!("{} may not use {name}, it may use {allowed}; move the code or turn the arrow", room.folder)
}

fn line_of(text: &str, name: &str) -> usize {
    let begins = |line: &str| line.trim_start_matches(['"', ' ']).starts_with(name);
    text.lines().position(begins).map_or(1, |index| index.saturating_add(1))
}

/// Findings of one Rust file. The tasks are outside the product; their manifest alone is checked.
pub fn check_source(source: &Source) -> Vec<Finding> {
    let checked = |room: &&Room| room.folder != "xtask" && !source.file.starts_with(PEERS);
    let Some(room) = room_of(&source.file).filter(checked) else { return Vec::new() };
    let mut findings = Vec::new();
    for (number, line) in source.code_lines() {
        let whats = used_crates(room, line)
            .chain(impure_words(room, source, number, line))
            .chain(wall_clock(room, source, line));
        findings.extend(whats.map(|what| Finding::new(&source.file, number, what)));
    }
    findings
}

fn used_crates(room: &'static Room, line: &str) -> impl Iterator<Item = String> {
    let foreign = KEPT_IN.iter().flat_map(|(names, _)| names.iter().map(|name| (*name).to_owned()));
    let ours = OURS.iter().map(|name| format!("tanhui-{name}"));
    let own = format!("tanhui-{}", room.folder.rsplit('/').next().unwrap_or_default());
    let used = move |name: &String| *name != own && has_word(line, &format!("{}::", name.replace('-', "_")));
    foreign.chain(ours).filter(used).filter_map(|name| refuse_dependency(room, &name))
}

fn impure_words(room: &Room, source: &Source, number: usize, line: &str) -> impl Iterator<Item = String> {
    let checked = is_pure(room) && !source.is_test(number);
    let found = IMPURE_WORDS.iter().filter(move |word| checked && has_word(line, word));
    found.map(|word| format!("`{word}` in a pure room; pass what it gives in as a value or a trait"))
}

fn wall_clock(room: &Room, source: &Source, line: &str) -> impl Iterator<Item = String> {
    let checked = room.folder != CLOCK_FREE && source.file != CLOCK_FILE;
    let found = WALL_CLOCK.iter().filter(move |word| checked && has_word(line, word));
    found.map(|word| format!("`{word}` outside {CLOCK_FILE}; take a `Clock` and ask it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(folder: &str, dependencies: &str) -> Vec<usize> {
        let text = format!("[lints]\nworkspace = true\n[dependencies]\n{dependencies}\n");
        let found = check_manifest(&format!("{folder}/Cargo.toml"), &text);
        let mut lines: Vec<usize> = found.iter().map(|finding| finding.line).collect();
        lines.sort_unstable();
        lines
    }

    fn source(file: &str, text: &str) -> usize {
        check_source(&Source::new(file, text)).len()
    }

    #[test]
    fn arrows_of_manifests() {
        assert_eq!(manifest("backend/service", "tanhui-store.workspace = true"), []);
        assert_eq!(manifest("backend/service", "tanhui-mobile-api.workspace = true"), [4]);
        assert_eq!(manifest("backend/store", "serde = \"1\"\ntanhui-service.workspace = true"), [5]);
        assert_eq!(manifest("mobile-api", "tanhui-store.workspace = true"), [4]);
        assert_eq!(manifest("mobile-api", "x = { package = \"tanhui-store\", path = \"y\" }").len(), 1);
    }

    #[test]
    fn crates_stay_in_their_rooms() {
        assert_eq!(manifest("backend/store", "sea-orm = \"2\"\nredis = \"1\""), []);
        assert_eq!(manifest("backend/service", "sea-orm = \"2\"\nredis = \"1\""), [4, 5]);
        assert_eq!(manifest("mobile-api", "axum = \"0.8\""), []);
        assert_eq!(manifest("backend/service", "axum = \"0.8\""), [4]);
        assert_eq!(
            manifest("backend/domain", "tokio = \"1\"\n[target.'cfg(unix)'.dependencies]\nrand = \"1\"")
                .len(),
            2
        );
    }

    #[test]
    fn a_crate_has_the_shared_lints_and_a_room() {
        let without = check_manifest("xtask/Cargo.toml", "[dependencies]\n");
        assert_eq!(without.len(), 1);
        assert_eq!(check_manifest("bench/peers/ledger/Cargo.toml", "[dependencies]\n"), []);
        assert_eq!(check_manifest("extra/Cargo.toml", "[lints]\nworkspace = true\n").len(), 1);
        assert_eq!(check_manifest("xtask/Cargo.toml", "[lints\n").len(), 1);
    }

    #[test]
    fn arrows_of_code() {
        assert_eq!(source("backend/service/src/a.rs", "use tanhui_store::x;"), 0);
        assert_eq!(source("backend/store/src/a.rs", "use tanhui_service::x;"), 1);
        assert_eq!(
            source("backend/store/src/a.rs", "// tanhui_service::x\nlet a = \"tanhui_service::\";"),
            0
        );
        assert_eq!(source("backend/service/src/a.rs", "fn f(x: sea_orm::DbErr, y: redis::Client) {}"), 2);
        assert_eq!(source("mobile-api/tests/a.rs", "use tanhui_mobile_api::config;"), 0);
        assert_eq!(source("backend/store/src/a.rs", "use crate::cache::my_redis::x;"), 0);
    }

    #[test]
    fn the_domain_is_pure() {
        for word in IMPURE_WORDS {
            assert_eq!(source("backend/domain/src/a.rs", &format!("{word}(x)")), 1, "{word}");
            assert_eq!(source("backend/importers/src/a.rs", &format!("{word}(x)")), 0, "{word}");
        }
        assert_eq!(source("backend/domain/tests/a.rs", "std::fs::read(x)"), 0);
    }

    #[test]
    fn only_the_clock_reads_the_clock() {
        for word in WALL_CLOCK {
            assert_eq!(source("backend/service/src/a.rs", &format!("{word}()")), 1, "{word}");
            assert_eq!(source(CLOCK_FILE, &format!("{word}()")), 0, "{word}");
            assert_eq!(source("backend/domain/src/clock.rs", &format!("{word}()")), 1, "{word}");
            assert_eq!(source("tests/src/a.rs", &format!("{word}()")), 0, "{word}");
        }
    }
}
