//! Seals the secrets of requests: they are encrypted with the secrets key before they are stored.

use std::{fs, io, path::Path};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use chacha20poly1305::{
    XChaCha20Poly1305, XNonce,
    aead::{Aead as _, KeyInit as _, Payload},
};
use hmac::{Hmac, Mac as _};
use rand::Rng as _;
use scanhost_domain::request::Sealed;
use scanhost_system::atomic;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

const NONCE_BYTES: usize = 24;

/// The secrets key, and everything that is done with it.
pub struct Sealer {
    key: Zeroizing<[u8; 32]>,
}

/// Why the secrets key cannot be used, or why a sealed secret cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    #[error("the key file {0} cannot be read or created")]
    KeyFile(String, #[source] io::Error),
    #[error("the key file {0} does not contain 32 bytes in base64: restore the original file")]
    NotAKey(String),
    #[error("the secret was sealed with another key")]
    OtherKey,
}

impl Sealer {
    /// Reads the key. If there is no file, it makes a new key that only the owner of the file can read.
    pub fn open(key_file: &Path) -> Result<Self, SealError> {
        let name = || key_file.display().to_string();
        let text = match fs::read_to_string(key_file) {
            Ok(text) => Zeroizing::new(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                make_key(key_file).map_err(|error| SealError::KeyFile(name(), error))?
            }
            Err(error) => return Err(SealError::KeyFile(name(), error)),
        };
        let bytes = BASE64_STANDARD.decode(text.trim()).map(Zeroizing::new).map_err(|_| SealError::NotAKey(name()))?;
        let key = bytes.as_slice().try_into().map_err(|_| SealError::NotAKey(name()))?;
        Ok(Self { key: Zeroizing::new(key) })
    }

    /// Returns the short value that identifies the key without showing it.
    pub fn fingerprint(&self) -> [u8; 8] {
        let digest = Sha256::digest([b"scanhost key fingerprint".as_slice(), self.key.as_slice()].concat());
        digest[..8].try_into().expect("a digest has 32 bytes")
    }

    /// Encrypts a secret. It can be opened only with the same `belongs_to`.
    pub fn seal(&self, plain: &[u8], belongs_to: &str) -> Sealed {
        let nonce: [u8; NONCE_BYTES] = rand::rng().random();
        let payload = Payload { msg: plain, aad: belongs_to.as_bytes() };
        let sealed = self.cipher().encrypt(&XNonce::from(nonce), payload);
        let sealed = sealed.expect("a request's secrets are far smaller than the cipher's limit");
        Sealed([nonce.as_slice(), &sealed].concat())
    }

    /// Decrypts a secret.
    ///
    /// # Errors
    /// The secret was sealed with another key or with another `belongs_to`.
    pub fn open_sealed(&self, sealed: &Sealed, belongs_to: &str) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let (nonce, cipher_text) = sealed.0.split_first_chunk::<NONCE_BYTES>().ok_or(SealError::OtherKey)?;
        let payload = Payload { msg: cipher_text, aad: belongs_to.as_bytes() };
        let plain = self.cipher().decrypt(&XNonce::from(*nonce), payload).map_err(|_| SealError::OtherKey)?;
        Ok(Zeroizing::new(plain))
    }

    /// Returns a hash that nobody can compute without the key.
    pub fn keyed_hash(&self, bytes: &[u8]) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.key.as_slice()).expect("any length will do");
        mac.update(b"scanhost request");
        mac.update(bytes);
        mac.finalize().into_bytes().into()
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&*self.key).into())
    }
}

fn make_key(key_file: &Path) -> io::Result<Zeroizing<String>> {
    let key: Zeroizing<[u8; 32]> = Zeroizing::new(rand::rng().random());
    let text = Zeroizing::new(BASE64_STANDARD.encode(key.as_slice()) + "\n");
    if let Some(folder) = key_file.parent() {
        fs::create_dir_all(folder)?;
    }
    // Two processes may start at once: both read the key of the one that came first.
    atomic::create(key_file, text.as_bytes())?;
    fs::read_to_string(key_file).map(Zeroizing::new)
}
