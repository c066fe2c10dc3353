//! stub

use hmac::{Hmac, Mac};
use sha2::Sha256;

/// HMAC-SHA256 under a key. Written out because the fallible constructor's error cannot happen: HMAC itself pads a
/// key with zeros to its block of 64 bytes.
pub(super) fn mac(key: &[u8; 32]) -> Hmac<Sha256> {
    let mut block = [0; 64];
    block.split_at_mut(key.len()).0.copy_from_slice(key);
    <Hmac<Sha256> as Mac>::new(&block.into())
}
