//! `tanhui config`

use std::io::Write as _;

use super::CommandError;
use crate::config::Settings;

/// Prints the settings in force.
pub fn run(settings: &Settings) -> Result<(), CommandError> {
    Ok(std::io::stdout().write_all(settings.shown().as_bytes())?)
}
