use std::time::Duration;

use rustls::{
    client::danger::ServerCertVerifier as _,
    crypto::ring,
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use sha2::{Digest as _, Sha256};

use super::Pinned;

#[test]
fn only_the_pinned_certificate_is_accepted() {
    let algorithms = ring::default_provider().signature_verification_algorithms;
    let pinned = Pinned { sha256: Sha256::digest(b"the certificate").into(), algorithms };
    let is_accepted = |certificate: &'static [u8]| {
        let name = ServerName::try_from("nessus.lab").unwrap();
        let now = UnixTime::since_unix_epoch(Duration::ZERO);
        pinned.verify_server_cert(&CertificateDer::from(certificate), &[], &name, &[], now).is_ok()
    };
    assert!(is_accepted(b"the certificate"));
    assert!(!is_accepted(b"another certificate"));
    assert!(!is_accepted(b""));
}
