//! Who runs us, and how root hands a folder to the account that may run PostgreSQL.

use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::Command;

use crate::failure::Failure;
use crate::process::quietly;

/// The account that the system's package makes for the server.
pub const SERVER_USER: &str = "postgres";

const ANYONE_MAY_PASS: u32 = 0o001;

/// Whether we run as root.
pub fn is_root() -> Result<bool, Failure> {
    Ok(id(&["-u"])? == 0)
}

/// Makes the server's account the owner of a folder.
pub fn give_to_postgres(folder: &Path) -> Result<(), Failure> {
    let (user, group) = (id(&["-u", SERVER_USER])?, id(&["-g", SERVER_USER])?);
    chown(folder, Some(user), Some(group)).map_err(Failure::io(format!("giving {} away", folder.display())))
}

/// Whether every account can walk to this folder.
pub fn anyone_can_reach(folder: &Path) -> bool {
    let passable = |step: &Path| {
        std::fs::metadata(step).is_ok_and(|found| found.permissions().mode() & ANYONE_MAY_PASS != 0)
    };
    folder.is_absolute() && folder.ancestors().all(passable)
}

fn id(words: &[&str]) -> Result<u32, Failure> {
    let answer = quietly("id", Command::new("id").args(words))?;
    answer.trim().parse().map_err(|_| Failure::Missing(format!("`id` answered `{}`", answer.trim())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_parent_cannot_be_passed() {
        let folder = std::env::temp_dir().join(format!("xtask-reach-{}", std::process::id()));
        let inside = folder.join("inside");
        std::fs::create_dir_all(&inside).unwrap();
        let open_to = |mode| std::fs::set_permissions(&folder, PermissionsExt::from_mode(mode)).unwrap();
        open_to(0o755);
        let open = anyone_can_reach(&inside);
        open_to(0o700);
        let closed = anyone_can_reach(&inside);
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!((open, closed), (anyone_can_reach(&std::env::temp_dir()), false));
    }
}
