//! `tanhui till`: vouchers checked by signature alone, and the keys for it.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use clap::Subcommand;
use tanhui_domain::id::MerchantId;
use tanhui_domain::pass::{Pass, PassError};
use tanhui_domain::time::Clock as _;
use tanhui_service::clock::SystemClock;
use tanhui_service::identity::keys::VerifyingKey;
use tanhui_service::pass;

use super::{CommandError, open};
use crate::config::Settings;
use crate::endpoint::public::{VoucherKey, VoucherKeys};

/// What is done at a till without a network.
#[derive(Debug, Subcommand)]
pub enum TillCommand {
    /// Check what a voucher's QR code says; needs neither network nor database
    ///
    /// Exit status: 0 when a till may honour it, 1 when not. Whether it was used or given back, only the
    /// platform knows: tell it the scan later.
    Verify(VerifyArguments),
    /// Print the keys that vouchers are checked by, as `GET /v1/public/voucher-keys` does
    Keys,
    /// Make the next key; it is published at once and signs a day later
    RotateKey {
        /// Sign with it at once, and let nothing that the keys before it signed count: after one leaked
        #[arg(long)]
        revoke_old: bool,
    },
}

/// A voucher to be checked.
#[derive(Debug, clap::Args)]
pub struct VerifyArguments {
    /// What the QR code says: TH1....
    payload: String,
    /// Keys, as `tanhui till keys` prints them
    #[arg(long, value_name = "FILE")]
    keys: PathBuf,
    /// Whose till it is [default: any]
    #[arg(long)]
    merchant: Option<MerchantId>,
    /// When it was scanned, such as 2026-12-01T08:00:00Z [default: now]
    #[arg(long, value_name = "TIME")]
    at: Option<DateTime<Utc>>,
}

/// `tanhui till keys` and `rotate-key`
pub async fn keys(settings: &Settings, rotate: Option<bool>) -> Result<(), CommandError> {
    let services = open::services(settings).await?;
    if let Some(revoke_old) = rotate {
        pass::rotate(&services, revoke_old).await?;
    }
    let keys = VoucherKeys::of(&services.passes);
    services.stop().await?;
    super::print(&serde_json::to_string_pretty(&keys)?)
}

/// `tanhui till verify`; false when the voucher cannot be honoured.
pub fn verify(arguments: &VerifyArguments) -> Result<bool, CommandError> {
    let unreadable = |cause| CommandError::Unreadable { path: arguments.keys.clone(), cause };
    let text = std::fs::read_to_string(&arguments.keys).map_err(unreadable)?;
    let of_another_form = |_| {
        let why = "not keys as `tanhui till keys` prints them";
        unreadable(std::io::Error::new(std::io::ErrorKind::InvalidData, why))
    };
    let keys: VoucherKeys = serde_json::from_str(&text).map_err(of_another_form)?;
    let keys: Option<Vec<VerifyingKey>> = keys.keys.iter().map(key).collect();
    let not_keys = || CommandError::Usage("the file holds keys that are not Ed25519".to_owned());
    let keys = keys.ok_or_else(not_keys)?;
    let now = arguments.at.unwrap_or_else(|| SystemClock.now());
    let read = Pass::read(&arguments.payload, &keys).and_then(|pass| {
        pass.honoured_by(arguments.merchant.unwrap_or(pass.merchant), now)?;
        Ok(pass)
    });
    super::print(&read.as_ref().map_or_else(refusal, told))?;
    Ok(read.is_ok())
}

fn key(key: &VoucherKey) -> Option<VerifyingKey> {
    let bytes: [u8; 32] = URL_SAFE_NO_PAD.decode(&key.x).ok()?.try_into().ok()?;
    VerifyingKey::from_bytes(&bytes).ok().filter(|_| key.crv == "Ed25519")
}

fn told(pass: &Pass) -> String {
    let Pass { code, offer, merchant, expires_at } = pass;
    let until = expires_at.to_rfc3339();
    format!("签名有效 / good\ncode {code}\noffer {offer}\nmerchant {merchant}\nexpires_at {until}")
}

fn refusal(error: &PassError) -> String {
    match error {
        PassError::Unreadable => {
            "无法识别，不是本平台的券 / unreadable: not a voucher of this form".to_owned()
        }
        PassError::Forged(id) => format!("签名无效，请勿核销 / forged: no key {id} signed this"),
        PassError::Elsewhere(merchant) => format!("属于其他商户 / elsewhere: for merchant {merchant}"),
        PassError::Expired(at) => format!("已过期 / expired at {}", at.to_rfc3339()),
    }
}
