//! A webhook's secret, and signing with it as Standard Webhooks (standardwebhooks.com) says: HMAC-SHA256 over
//! `id.timestamp.body`.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::Mac as _;

use super::entropy::{Entropy, NoEntropy, draw};
use super::keys::mac;

/// What every webhook secret begins with.
pub const WEBHOOK_SECRET_PREFIX: &str = "whsec_";

/// The secret that a merchant checks our signatures with.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookSecret([u8; 32]);

impl WebhookSecret {
    /// A new one.
    pub fn new(entropy: &dyn Entropy) -> Result<Self, NoEntropy> {
        draw(entropy).map(Self)
    }

    /// As it was kept; none where it is none.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// To be kept, sealed.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// For the merchant, once.
    #[must_use]
    pub fn reveal(&self) -> String {
        format!("{WEBHOOK_SECRET_PREFIX}{}", STANDARD.encode(self.0))
    }

    /// One signature: `v1,` and base64.
    #[must_use]
    pub fn sign(&self, id: &str, timestamp: i64, body: &str) -> String {
        let mut mac = mac(&self.0);
        mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed by another program from the same secret and message.
    #[test]
    fn a_signature_is_what_others_compute() {
        let secret = WebhookSecret::from_bytes(&[7; 32]).unwrap();
        assert_eq!(secret.reveal(), "whsec_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=");
        assert_eq!(
            secret.sign("msg_1", 1_700_000_000, r#"{"a":1}"#),
            "v1,LInk7lWC3DLGgRP3k/Xpm933fgj/SEGrik4mpkLgnKE="
        );
        assert_eq!(format!("{secret:?}"), "***");
        assert!(WebhookSecret::from_bytes(&[7; 31]).is_none());
    }
}
