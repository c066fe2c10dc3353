//! `tanhui openapi`

use std::io::Write as _;

use super::CommandError;
use crate::endpoint;

/// Prints the OpenAPI document.
pub fn run() -> Result<(), CommandError> {
    let json = endpoint::docs::to_json(&endpoint::document())?;
    Ok(std::io::stdout().write_all(json.as_bytes())?)
}
