//! Private PostgreSQL and Redis servers for tests and developers.
//!
//! Never uses, changes or stops a server that was there before, and leaves nothing behind.

mod account;
mod install;
pub mod keeper;
mod port;
mod postgres;
mod redis;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::failure::Failure;
use crate::workspace;
pub use install::{Programs, find_or_install};
use keeper::Keeper;

/// What the servers are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Tests and developers: as the server comes.
    Tests,
    /// Measuring: room for the working set, and statements counted where a client asks for it.
    Bench,
}

/// Running servers. The keeper stops them.
pub struct Services {
    /// A superuser's URL of the `postgres` database.
    pub postgres_url: String,
    /// The Redis URL.
    pub redis_url: String,
}

impl Services {
    /// Starts both servers and waits until they answer.
    pub fn start(programs: &Programs, keeper: &Keeper, purpose: Purpose) -> Result<Self, Failure> {
        let folder = make_folder(&workspace::target()?)?;
        keeper.note_folder(&folder)?;
        keeper.undisturbed(|| {
            let postgres_url = postgres::start(&programs.postgres, &folder, keeper, purpose)?;
            let redis_url = redis::start(&programs.redis, &folder, keeper)?;
            Ok(Self { postgres_url, redis_url })
        })
    }

    /// Lets a program find the servers.
    pub fn tell(&self, command: &mut Command) {
        for (name, url) in self.settings() {
            command.env(name, url);
        }
    }

    fn settings(&self) -> [(&'static str, &str); 2] {
        [("TANHUI_TEST_POSTGRES_URL", &self.postgres_url), ("TANHUI_TEST_REDIS_URL", &self.redis_url)]
    }
}

/// `cargo xtask services`: both servers until Ctrl-C.
pub fn run_until_stopped() -> Result<(), Failure> {
    let keeper = Keeper::start()?;
    let services = Services::start(&find_or_install()?, &keeper, Purpose::Tests)?;
    for (name, url) in services.settings() {
        println!("export {name}={url}");
    }
    eprintln!("xtask: both servers run until Ctrl-C; their data is thrown away then");
    loop {
        std::thread::park();
    }
}

fn make_folder(target: &Path) -> Result<PathBuf, Failure> {
    let parent = if account::is_root()? && !account::anyone_can_reach(target) {
        std::env::temp_dir()
    } else {
        target.to_owned()
    };
    let moment = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
    let folder = parent.join(format!("tanhui-test-{}-{moment}", std::process::id()));
    std::fs::create_dir(&folder).map_err(Failure::io(format!("making {}", folder.display())))?;
    Ok(folder)
}
