//! Where the workspace, its build folder and its files are.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;

/// The folder that holds the workspace manifest. Cargo tells at run time, so a moved copy finds itself.
pub fn root() -> Result<PathBuf, Failure> {
    let told = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let here = told.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")));
    let root = here.parent().filter(|root| root.join("Cargo.toml").is_file());
    let help =
        || Failure::Missing("the workspace is not where it was built; run `cargo xtask` in it".to_owned());
    root.map(Path::to_owned).ok_or_else(help)
}

/// The build folder: this program lies in `TARGET/PROFILE/xtask`.
pub fn target() -> Result<PathBuf, Failure> {
    let program = std::env::current_exe().map_err(Failure::io("finding this program"))?;
    let target = program.ancestors().nth(2).map(Path::to_owned);
    target.ok_or_else(|| Failure::Missing(format!("{} lies in no build folder", program.display())))
}

/// The `tanhui` binary of the development profile.
pub fn binary() -> Result<PathBuf, Failure> {
    Ok(target()?.join("debug").join("tanhui"))
}

/// Files of the working copy, relative to the root: what git knows or would add; without git, what is there.
pub fn files(root: &Path) -> Result<Vec<String>, Failure> {
    let listing = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard", "--deduplicate", "-z"])
        .current_dir(root)
        .output();
    let mut found = match listing {
        Ok(output) if output.status.success() => names(&output.stdout),
        Ok(_) | Err(_) => walk(root)?,
    };
    found.retain(|path| root.join(path).is_file());
    found.sort();
    Ok(found)
}

fn names(listing: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(listing).split('\0').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

fn walk(root: &Path) -> Result<Vec<String>, Failure> {
    const NOT_OURS: [&str; 3] = [".git", "target", "tanhui-data"];
    let mut folders = vec![root.to_owned()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        let reading = || Failure::io(format!("reading {}", folder.display()));
        for entry in std::fs::read_dir(&folder).map_err(reading())? {
            let path = entry.map_err(reading())?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if path.is_dir() && !NOT_OURS.contains(&name.as_ref()) {
                folders.push(path);
            } else if let (true, Ok(relative)) = (path.is_file(), path.strip_prefix(root)) {
                found.push(relative.to_string_lossy().into_owned());
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn git_and_the_walk_both_find_the_manifests() {
        let root = root().unwrap();
        for found in [files(&root).unwrap(), walk(&root).unwrap()] {
            assert!(found.iter().any(|file| file == "Cargo.toml"));
            assert!(found.iter().any(|file| file == "xtask/src/main.rs"));
        }
    }
}
