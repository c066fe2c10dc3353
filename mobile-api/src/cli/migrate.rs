//! `tanhui migrate`

use super::{CommandError, open};
use crate::config::Settings;

/// Brings the schema up to date; safe to run twice at once.
pub async fn run(settings: &Settings) -> Result<(), CommandError> {
    open::services(settings).await?.stop().await?;
    super::print("数据库结构已是最新 / the schema is up to date")
}
