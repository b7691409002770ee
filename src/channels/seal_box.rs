//! The envelope cipher of WeChat, WeCom and DingTalk events: AES-256-CBC under a 43-character key.
//!
//! The clear text is 16 random bytes, the message's length (four bytes, big endian), the message, and the id of the one
//! it is for, filled up to a multiple of 32 bytes. Tencent's and DingTalk's encryption guides describe the same scheme.

use aes::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit, block_padding::NoPadding};
use base64::{
    Engine,
    engine::{GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD},
};
use sha1::{Digest, Sha1};
use subtle::ConstantTimeEq;

/// 43 characters hold 258 bits; consoles make keys whose two surplus bits are not zero, which a strict decoder refuses.
const LENIENT: GeneralPurpose =
    GeneralPurpose::new(&base64::alphabet::STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));

/// Padding goes up to 32 bytes although the cipher's block has 16.
const PADDED_TO: usize = 32;
/// Random bytes and length, which stand before the message.
const HEAD: usize = 20;

/// Opens and seals messages under one key.
pub struct SealBox {
    key: [u8; 32],
}

impl std::fmt::Debug for SealBox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SealBox")
    }
}

impl SealBox {
    /// From the 43 characters (`EncodingAESKey`, `aes_key`) that the platform's console shows.
    ///
    /// # Errors
    /// Why the key is none: wrong length, or characters that are not base64.
    pub fn new(aes_key: &str) -> Result<Self, &'static str> {
        if aes_key.len() != 43 {
            return Err("key length");
        }
        let bytes = LENIENT.decode(format!("{aes_key}=")).map_err(|_| "key characters")?;
        Ok(SealBox { key: bytes.try_into().map_err(|_| "key length")? })
    }

    /// The message in `sealed` (base64), which must have been sealed for `receive_id`.
    ///
    /// Call it only after the signature held: what it says about the padding would help to guess a message.
    ///
    /// # Errors
    /// A word for the log that says which check failed.
    pub fn open(&self, sealed: &str, receive_id: &str) -> Result<String, &'static str> {
        let mut bytes = STANDARD.decode(sealed).map_err(|_| "base64")?;
        if bytes.len() < PADDED_TO || !bytes.len().is_multiple_of(16) {
            return Err("ciphertext length");
        }
        let (key, iv) = self.key_and_iv();
        let padded = cbc::Decryptor::<aes::Aes256>::new(&key.into(), &iv.into()).decrypt_padded::<NoPadding>(&mut bytes);
        let clear = unpad(padded.map_err(|_| "ciphertext length")?)?;
        let (head, rest) = clear.split_at_checked(HEAD).ok_or("length")?;
        let length = head[16..].iter().fold(0usize, |sum, byte| (sum << 8) | usize::from(*byte));
        let (message, id) = rest.split_at_checked(length).ok_or("length")?;
        if id != receive_id.as_bytes() {
            return Err("receive id");
        }
        std::str::from_utf8(message).map(str::to_owned).map_err(|_| "utf-8")
    }

    /// Seals `message` for `receive_id` as base64. `random` must be fresh each time: it makes equal messages look different.
    pub fn seal(&self, message: &str, receive_id: &str, random: [u8; 16]) -> String {
        // The length field has four bytes; our messages have a few thousand at most.
        let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
        let mut bytes = [&random[..], &length.to_be_bytes(), message.as_bytes(), receive_id.as_bytes()].concat();
        let pad = PADDED_TO - bytes.len() % PADDED_TO;
        bytes.extend(std::iter::repeat_n(pad as u8, pad));
        let (key, iv) = self.key_and_iv();
        let length = bytes.len();
        let cipher = cbc::Encryptor::<aes::Aes256>::new(&key.into(), &iv.into());
        // Whole blocks need no padding of the cipher's own, so there is always a result.
        cipher.encrypt_padded::<NoPadding>(&mut bytes, length).map(|sealed| STANDARD.encode(sealed)).unwrap_or_default()
    }

    /// The scheme takes the key's first half as the initialisation vector.
    fn key_and_iv(&self) -> ([u8; 32], [u8; 16]) {
        let mut iv = [0; 16];
        iv.copy_from_slice(&self.key[..16]);
        (self.key, iv)
    }
}

/// Drops the padding after checking all of it; many libraries look at the last byte only.
fn unpad(padded: &[u8]) -> Result<&[u8], &'static str> {
    let pad = usize::from(*padded.last().ok_or("padding")?);
    if !(1..=PADDED_TO).contains(&pad) {
        return Err("padding");
    }
    let (clear, tail) = padded.split_at_checked(padded.len().wrapping_sub(pad)).ok_or("padding")?;
    if tail.iter().any(|byte| usize::from(*byte) != pad) {
        return Err("padding");
    }
    Ok(clear)
}

/// The signature over `parts`: lower-case hex of the SHA-1 of the parts, sorted by bytes and joined.
pub fn signature(parts: &[&str]) -> String {
    let mut sorted = parts.to_vec();
    sorted.sort_unstable();
    Sha1::digest(sorted.concat()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether `claimed` is the signature over `parts`, compared in constant time.
pub fn is_signed(parts: &[&str], claimed: &str) -> bool {
    signature(parts).as_bytes().ct_eq(claimed.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn some_box() -> SealBox {
        SealBox::new("+fwkOuoHM9yHTXm7kCDCWlocR3mieFH+FQ7yMa76asc").unwrap()
    }

    #[test]
    fn keys_must_be_43_characters_of_base64() {
        assert!(SealBox::new("jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C").is_ok(), "surplus bits are allowed");
        for (key, why) in [
            ("", "key length"),
            ("AAAA", "key length"),
            ("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "key length"),
            ("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "key length"),
            ("AAAAAAAAAAAAAAAAAAAAA AAAAAAAAAAAAAAAAAAAAA", "key characters"),
        ] {
            assert_eq!(SealBox::new(key).err(), Some(why), "{key}");
        }
    }

    #[test]
    fn equal_messages_under_different_random_bytes_look_different() {
        let sealed = some_box();
        assert_ne!(sealed.seal("好", "wx1", [1; 16]), sealed.seal("好", "wx1", [2; 16]));
    }

    #[test]
    fn a_message_that_is_not_utf8_is_refused() {
        let sealed = some_box();
        // 0xff is no UTF-8; it is put in place of a letter by sealing bytes by hand.
        let mut clear = [&[7u8; 16][..], &[0, 0, 0, 1], &[0xff], b"wx1"].concat();
        let pad = 32 - clear.len() % 32;
        clear.extend(std::iter::repeat_n(pad as u8, pad));
        let (key, iv) = sealed.key_and_iv();
        let cipher = cbc::Encryptor::<aes::Aes256>::new(&key.into(), &iv.into());
        let bytes = cipher.encrypt_padded::<NoPadding>(&mut clear, 32).unwrap();
        assert_eq!(sealed.open(&STANDARD.encode(bytes), "wx1"), Err("utf-8"));
    }

    #[test]
    fn no_part_of_the_key_is_printed() {
        assert_eq!(format!("{:?}", some_box()), "SealBox");
    }

    proptest! {
        #[test]
        fn what_was_sealed_opens_again_and_only_for_its_receiver(text in "\\PC{0,80}", random in any::<[u8; 16]>()) {
            let sealed = some_box().seal(&text, "wx0a1b2c3d4e5f6071", random);
            prop_assert_eq!(some_box().open(&sealed, "wx0a1b2c3d4e5f6071"), Ok(text));
            prop_assert_eq!(some_box().open(&sealed, "wx0a1b2c3d4e5f6070"), Err("receive id"));
        }

        #[test]
        fn nothing_that_is_sent_makes_opening_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(some_box().open(&STANDARD.encode(bytes), "wx1").is_err());
        }
    }
}
