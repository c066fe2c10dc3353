//! `cargo xtask openapi`: keeps the committed API description equal to what the program says of itself.

use std::path::PathBuf;
use std::process::Command;

use crate::failure::Failure;
use crate::process::{cargo, quietly};
use crate::workspace;

/// Writes or compares the description.
pub fn run(check_only: bool) -> Result<(), Failure> {
    quietly("building tanhui", &mut cargo(["build", "--package", "tanhui-mobile-api", "--bin", "tanhui"]))?;
    if check_only {
        return check();
    }
    let file = file()?;
    std::fs::write(&file, describe()?).map_err(Failure::io(format!("writing {}", file.display())))?;
    println!("wrote {}", file.display());
    Ok(())
}

/// Compares the committed description with the built program.
pub fn check() -> Result<(), Failure> {
    let file = file()?;
    let committed =
        std::fs::read_to_string(&file).map_err(Failure::io(format!("reading {}", file.display())))?;
    match first_difference(&committed, &describe()?) {
        None => Ok(()),
        Some(line) => Err(Failure::Missing(format!(
            "mobile-api/openapi.json:{line}: not what the program says; run `cargo xtask openapi`"
        ))),
    }
}

/// Where the description is committed.
pub fn file() -> Result<PathBuf, Failure> {
    Ok(workspace::root()?.join("mobile-api").join("openapi.json"))
}

fn describe() -> Result<String, Failure> {
    let text = quietly("tanhui openapi", Command::new(workspace::binary()?).arg("openapi"))?;
    if !text.trim_start().starts_with('{') {
        return Err(Failure::Missing("`tanhui openapi` printed no JSON object".to_owned()));
    }
    Ok(format!("{}\n", text.trim_end()))
}

fn first_difference(committed: &str, said: &str) -> Option<usize> {
    if committed == said {
        return None;
    }
    let same = committed.lines().zip(said.lines()).take_while(|(left, right)| left == right).count();
    Some(same.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_differing_line_is_named() {
        assert_eq!(first_difference("a\nb\n", "a\nb\n"), None);
        assert_eq!(first_difference("a\nb\n", "a\nc\n"), Some(2));
        assert_eq!(first_difference("a\n", "a\nc\n"), Some(2));
    }
}
