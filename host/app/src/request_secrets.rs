//! The secrets of a request, between an agent and the seal.

use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

/// The secrets of a request, as they are sealed.
#[derive(Default, Serialize, Deserialize)]
pub struct RequestSecrets {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private_key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passphrase: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalation_password: Option<String>,
}

impl RequestSecrets {
    pub fn is_empty(&self) -> bool {
        self.password.is_none()
            && self.private_key.is_none()
            && self.passphrase.is_none()
            && self.escalation_password.is_none()
    }
}

impl Drop for RequestSecrets {
    fn drop(&mut self) {
        for secret in [&mut self.password, &mut self.private_key, &mut self.passphrase, &mut self.escalation_password] {
            secret.zeroize();
        }
    }
}
