//! Where a benchmark ran.

use serde::Serialize;

/// The machine, as far as it matters for figures.
#[derive(Debug, Serialize)]
pub struct Machine {
    /// Processors that this process may use; load and servers share them.
    pub cpus: usize,
    /// Their name.
    pub cpu: String,
    /// Operating system and architecture.
    pub system: String,
}

impl Machine {
    /// This one.
    pub fn here() -> Self {
        let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        Self {
            cpus: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            cpu: model.map_or("unnamed", |(_, name)| name).to_owned(),
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        }
    }
}
