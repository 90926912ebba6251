//! The server's own certificate.

use std::sync::Arc;

use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use scanhost_domain::error_chain::chain;
use zeroize::Zeroizing;

use super::setting::Setting;

/// A certificate chain and its key, which fit each other.
#[derive(Clone, Debug)]
pub struct ServerTls(Arc<ServerConfig>);

impl ServerTls {
    pub fn config(&self) -> Arc<ServerConfig> {
        self.0.clone()
    }
}

pub(super) fn read(setting: &Setting<'_>) -> Option<ServerTls> {
    let mut fields = setting.fields();
    let certificate = fields.required("cert_file").and_then(|file| {
        let pem = pem(&file)?;
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
        match chain {
            Ok(chain) if !chain.is_empty() => Some(chain),
            _ => reported(&file, "there is no PEM certificate in the file"),
        }
    });
    let key_file = fields.required("key_file");
    let key = key_file.as_ref().and_then(|file| {
        let pem = pem(file)?;
        let key = PrivateKeyDer::from_pem_slice(pem.as_bytes());
        key.ok().or_else(|| reported(file, "there is no PEM private key in the file"))
    });
    fields.finish();
    let (certificate, key) = (certificate?, key?);
    // The provider is named, so that nothing depends on which one a process has made its default.
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = builder
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(certificate, key));
    match config {
        Ok(mut config) => {
            config.alpn_protocols = vec![b"http/1.1".to_vec()];
            Some(ServerTls(Arc::new(config)))
        }
        Err(error) => reported(&key_file?, format!("the certificate and the key cannot be used: {}", chain(&error))),
    }
}

fn reported<T>(setting: &Setting<'_>, problem: impl Into<String>) -> Option<T> {
    setting.report(problem);
    None
}

fn pem(setting: &Setting<'_>) -> Option<Zeroizing<String>> {
    let path = setting.context.resolve(setting.text()?);
    let read = setting.context.read(&path);
    setting.check(read.map_err(|error| format!("cannot read {}: {error}", path.display())))
}
