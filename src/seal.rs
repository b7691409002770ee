//! Sealing what identifies people, and keyed hashes for looking it up.
//!
//! One root key gives, by HKDF-SHA256, a key each for sealing, hashing and links. Sealed text is `k1.` + base64url of a
//! 24-byte nonce and the XChaCha20-Poly1305 ciphertext; the associated data is the place (`table.column.id`), so that a
//! sealed value cannot be moved to another row.

use crate::error::{Error, Result};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305,
    aead::{Aead, Payload},
};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::fmt;

const PREFIX: &str = "k1.";
const NONCE: usize = 24;

/// The keys of an installation. Cheap to clone; never prints.
#[derive(Clone)]
pub struct Keys {
    /// The first seals; all open.
    seal: Vec<XChaCha20Poly1305>,
    hash: [u8; 32],
    link: [u8; 32],
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(…)")
    }
}

impl Keys {
    /// Derives the keys from the root; what was sealed under `old` roots still opens. Hashes and links use the present
    /// root alone.
    pub fn new(root: &[u8; 32], old: &[[u8; 32]]) -> Self {
        let seal =
            std::iter::once(root).chain(old).map(|root| XChaCha20Poly1305::new(&derive(root, b"minhu seal").into())).collect();
        Keys { seal, hash: derive(root, b"minhu hash"), link: derive(root, b"minhu link") }
    }

    /// Reads a root key from base64 of 32 bytes, with or without padding, standard or URL alphabet.
    pub fn root(text: &str) -> Option<[u8; 32]> {
        let text: String = text.trim().trim_end_matches('=').replace('+', "-").replace('/', "_");
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
    }

    /// A fresh root key in base64.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn fresh_root() -> Result<String> {
        Ok(URL_SAFE_NO_PAD.encode(random::<32>()?))
    }

    /// Seals `plain` for one place.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn seal(&self, place: &str, plain: &str) -> Result<String> {
        let nonce = random::<NONCE>()?;
        let sealed = self.seal[0]
            .encrypt(&nonce.into(), Payload { msg: plain.as_bytes(), aad: place.as_bytes() })
            .map_err(|_| Error::fault("sealing failed"))?;
        Ok(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode([&nonce[..], &sealed].concat())))
    }

    /// Opens what was sealed for this place.
    ///
    /// # Errors
    /// A fault when the text was sealed for another place, under an unknown key, or is damaged.
    pub fn open(&self, place: &str, sealed: &str) -> Result<String> {
        let table = place.split('.').next().unwrap_or_default();
        let broken = || Error::fault(format!("a sealed value of {table} does not open"));
        let bytes = sealed.strip_prefix(PREFIX).and_then(|text| URL_SAFE_NO_PAD.decode(text).ok()).ok_or_else(broken)?;
        let (nonce, text) = bytes.split_at_checked(NONCE).ok_or_else(broken)?;
        let nonce: [u8; NONCE] = nonce.try_into().map_err(|_| broken())?;
        let plain = self
            .seal
            .iter()
            .find_map(|key| key.decrypt(&nonce.into(), Payload { msg: text, aad: place.as_bytes() }).ok())
            .ok_or_else(broken)?;
        String::from_utf8(plain).map_err(|_| broken())
    }

    /// A keyed hash for looking up what is sealed; `what` keeps different uses apart. 24 characters, 144 bits.
    pub fn hash(&self, what: &str, value: &str) -> String {
        URL_SAFE_NO_PAD.encode(&mac(&self.hash, &[what.as_bytes(), b"\0", value.as_bytes()])[..18])
    }

    /// The signature of a link's content. 43 characters.
    pub fn sign_link(&self, content: &str) -> String {
        URL_SAFE_NO_PAD.encode(mac(&self.link, &[content.as_bytes()]))
    }
}

/// Random bytes of the operating system.
///
/// # Errors
/// When the system gives none.
pub fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| Error::fault("the system gives no randomness"))?;
    Ok(bytes)
}

/// A random number below `10^digits`, as that many decimal digits.
///
/// # Errors
/// When the system gives no randomness.
pub fn random_digits(digits: u32) -> Result<String> {
    let value = u64::from_le_bytes(random::<8>()?) % 10u64.pow(digits);
    Ok(format!("{value:0width$}", width = digits as usize))
}

fn derive(root: &[u8; 32], info: &[u8]) -> [u8; 32] {
    let mut key = [0; 32];
    // 32 bytes are far below the 8,160 that HKDF-SHA256 can give, the only error there is.
    let _ = Hkdf::<Sha256>::new(None, root).expand(info, &mut key);
    key
}

fn mac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    // HMAC takes keys of any length, so the fallback is never reached.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return [0; 32] };
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(byte: u8, old: &[[u8; 32]]) -> Keys {
        Keys::new(&[byte; 32], old)
    }

    #[test]
    fn sealed_text_opens_only_in_its_place_and_under_its_key() {
        let keys_1 = keys(1, &[]);
        let sealed = keys_1.seal("person.phone.7", "13800000001").unwrap();
        assert_eq!(keys_1.open("person.phone.7", &sealed).unwrap(), "13800000001");
        assert!(keys_1.open("person.phone.8", &sealed).is_err());
        assert!(keys(2, &[]).open("person.phone.7", &sealed).is_err());
        assert!(keys_1.open("person.phone.7", &sealed[..sealed.len() - 2]).is_err());
        assert!(!sealed.contains("138"));
    }

    #[test]
    fn an_old_root_still_opens() {
        let sealed = keys(1, &[]).seal("a.b.1", "老周").unwrap();
        assert_eq!(keys(2, &[[1; 32]]).open("a.b.1", &sealed).unwrap(), "老周");
    }

    #[test]
    fn hashes_are_keyed_and_kept_apart_by_use() {
        assert_eq!(keys(1, &[]).hash("phone", "1"), keys(1, &[]).hash("phone", "1"));
        assert_ne!(keys(1, &[]).hash("phone", "1"), keys(1, &[]).hash("account", "1"));
        assert_ne!(keys(1, &[]).hash("phone", "1"), keys(2, &[]).hash("phone", "1"));
    }

    #[test]
    fn a_fresh_root_reads_back() {
        let text = Keys::fresh_root().unwrap();
        assert!(Keys::root(&text).is_some());
        assert!(Keys::root("short").is_none());
    }
}
