//! `tanhui rules fmt`: rule files in their normal form.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use tanhui_domain::rule::format_rules;

use super::super::{CommandError, open, print};

/// Which files, and whether they are only looked at.
#[derive(Debug, Args)]
pub struct FmtArguments {
    /// Rule files, catalogues and cases
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Write nothing; name the files that are not in normal form, with exit code 1
    #[arg(long)]
    check: bool,
}

/// Formats every file in place.
pub fn run(arguments: &FmtArguments) -> Result<ExitCode, CommandError> {
    let mut good = true;
    for path in &arguments.files {
        let file = open::source(path)?;
        match format_rules(&file) {
            Err(messages) => {
                good = false;
                print(&open::shown(&messages))?;
            }
            Ok(text) if text == file.text => {}
            Ok(_) if arguments.check => {
                good = false;
                print(&format!("{}: 未整理 not in normal form", path.display()))?;
            }
            Ok(text) => {
                std::fs::write(path, text)?;
                print(&format!("{}: 已整理 formatted", path.display()))?;
            }
        }
    }
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
