//! Sealing what identifies people, and keyed hashes for looking it up.
//!
//! One root key gives, by HKDF-SHA256, a key each for sealing, hashing and links. Sealed text is `k1.` + base64url of a
//! 24-byte nonce and the XChaCha20-Poly1305 ciphertext; the associated data is the place (`table.column.id`), so that a
//! sealed value cannot be moved to another row.

use crate::error::{Error, Result};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chacha20poly1305::{
    AeadInOut, KeyInit, XChaCha20Poly1305,
    aead::{Aead, Payload},
};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::fmt::{self, Write};

const PREFIX: &str = "k1.";
const NONCE: usize = 24;
const TAG: usize = 16;

/// The keys of an installation. Cheap to clone; never prints.
#[derive(Clone)]
pub struct Keys {
    /// The first seals; all open.
    seal: Vec<XChaCha20Poly1305>,
    /// Prepared with their keys: a message is hashed several times.
    hash: Hmac<Sha256>,
    link: Hmac<Sha256>,
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
        Keys { seal, hash: keyed(root, b"minhu hash"), link: keyed(root, b"minhu link") }
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
        Ok(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(self.encrypt("", place, plain.as_bytes())?)))
    }

    /// Opens what was sealed for this place.
    ///
    /// # Errors
    /// A fault when the text was sealed for another place, under an unknown key, or is damaged.
    pub fn open(&self, place: &str, sealed: &str) -> Result<String> {
        let bytes = sealed.strip_prefix(PREFIX).and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
        let plain = bytes.and_then(|bytes| self.decrypt(place, &bytes));
        plain.and_then(|plain| String::from_utf8(plain).ok()).ok_or_else(|| does_not_open(place))
    }

    /// Seals a file's content for one place. The same as [`Keys::seal`] without the base64, 43 bytes longer than `plain`.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn seal_bytes(&self, place: &str, plain: &[u8]) -> Result<Vec<u8>> {
        self.encrypt(PREFIX, place, plain)
    }

    /// Opens a file's content that was sealed for this place.
    ///
    /// # Errors
    /// A fault when it was sealed for another place, under an unknown key, or is damaged.
    pub fn open_bytes(&self, place: &str, sealed: &[u8]) -> Result<Vec<u8>> {
        let bytes = sealed.strip_prefix(PREFIX.as_bytes());
        bytes.and_then(|bytes| self.decrypt(place, bytes)).ok_or_else(|| does_not_open(place))
    }

    /// `head`, the nonce, the ciphertext. Encrypted where it stands, because a video is large.
    fn encrypt(&self, head: &str, place: &str, plain: &[u8]) -> Result<Vec<u8>> {
        let nonce = random::<NONCE>()?;
        let mut all = Vec::with_capacity(head.len() + NONCE + plain.len() + TAG);
        all.extend_from_slice(head.as_bytes());
        all.extend_from_slice(&nonce);
        let start = all.len();
        all.extend_from_slice(plain);
        let tag = self.seal[0]
            .encrypt_inout_detached(&nonce.into(), place.as_bytes(), all[start..].as_mut().into())
            .map_err(|_| Error::fault("sealing failed"))?;
        all.extend_from_slice(&tag);
        Ok(all)
    }

    /// The content behind a nonce, if one of the keys opens it.
    fn decrypt(&self, place: &str, bytes: &[u8]) -> Option<Vec<u8>> {
        let (nonce, text) = bytes.split_at_checked(NONCE)?;
        let nonce: [u8; NONCE] = nonce.try_into().ok()?;
        self.seal.iter().find_map(|key| key.decrypt(&nonce.into(), Payload { msg: text, aad: place.as_bytes() }).ok())
    }

    /// A keyed hash for looking up what is sealed; `what` keeps different uses apart. 24 characters, 144 bits.
    pub fn hash(&self, what: &str, value: &str) -> String {
        URL_SAFE_NO_PAD.encode(&mac(&self.hash, &[what.as_bytes(), b"\0", value.as_bytes()])[..18])
    }

    /// The keyed hash of several parts. Each stands with its length in bytes before it, and one that is absent as `-`, so that no
    /// two lists read the same.
    pub fn hash_parts(&self, what: &str, parts: &[Option<&str>]) -> String {
        let mut all = String::new();
        for part in parts {
            match part {
                // Writing into a String cannot fail.
                Some(part) => _ = write!(all, "{}:{part}", part.len()),
                None => all.push('-'),
            }
        }
        self.hash(what, &all)
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

/// The place's table alone is named: the rest may lead to a person.
fn does_not_open(place: &str) -> Error {
    Error::fault(format!("a sealed value of {} does not open", place.split('.').next().unwrap_or_default()))
}

fn derive(root: &[u8; 32], info: &[u8]) -> [u8; 32] {
    let mut key = [0; 32];
    // 32 bytes are far below the 8,160 that HKDF-SHA256 can give, the only error there is.
    let _ = Hkdf::<Sha256>::new(None, root).expand(info, &mut key);
    key
}

fn keyed(root: &[u8; 32], info: &[u8]) -> Hmac<Sha256> {
    <Hmac<Sha256> as KeyInit>::new(&padded(&derive(root, info)).into())
}

/// A key as long as HMAC's block, which is what a shorter one stands for.
fn padded(key: &[u8; 32]) -> [u8; 64] {
    let mut block = [0; 64];
    block[..32].copy_from_slice(key);
    block
}

fn mac(keyed: &Hmac<Sha256>, parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = keyed.clone();
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
    fn a_sealed_file_opens_only_in_its_place_and_under_its_key() {
        let plain = [0, 159, 146, 150, 255];
        let sealed = keys(1, &[]).seal_bytes("media.copy.7", &plain).unwrap();
        assert_eq!(sealed.len(), plain.len() + 43);
        assert!(!sealed.windows(plain.len()).any(|part| part == plain));
        assert_eq!(keys(1, &[]).open_bytes("media.copy.7", &sealed).unwrap(), plain);
        assert_eq!(keys(2, &[[1; 32]]).open_bytes("media.copy.7", &sealed).unwrap(), plain);
        assert!(keys(1, &[]).open_bytes("media.original.7", &sealed).is_err());
        assert!(keys(2, &[]).open_bytes("media.copy.7", &sealed).is_err());
        assert!(keys(1, &[]).open_bytes("media.copy.7", &sealed[..sealed.len() - 1]).is_err());
        assert!(keys(1, &[]).open_bytes("media.copy.7", b"k1.").is_err());
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
