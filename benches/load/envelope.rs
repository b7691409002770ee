//! WeChat's safe mode from the other side, made for speed: the key is prepared once, nothing is parsed that is not needed.
//!
//! Written apart from the program's own code, and used by the bare server too, so that it is as bare as can be.

use aes::{
    Aes256, Block,
    cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit},
};
use base64::{
    Engine,
    engine::{GeneralPurpose, GeneralPurposeConfig},
};
use sha1::{Digest, Sha1};

/// The account of the load: its app id, the word that signs, the key.
pub const APP_ID: &str = "wxload0000000001";
/// What the program authorises itself with.
pub const APP_SECRET: &str = "load-wechat-secret";
/// The word that signs.
pub const TOKEN: &str = "loadtoken";
/// The 43 characters of the key.
pub const AES_KEY: &str = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";
/// The account's original id.
pub const ORIGINAL: &str = "gh_minhuload0001";

const BASE64: GeneralPurpose =
    GeneralPurpose::new(&base64::alphabet::STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));

/// Seals and opens.
#[derive(Clone)]
pub struct Envelope {
    cipher: Aes256,
    first: [u8; 16],
}

impl Envelope {
    /// With the key of the load.
    pub fn new() -> Self {
        let key = BASE64.decode(format!("{AES_KEY}=")).unwrap();
        Envelope { cipher: Aes256::new_from_slice(&key).unwrap(), first: key[..16].try_into().unwrap() }
    }

    /// AES-256-CBC over 16 random bytes, the length, the text and the app id, in base64.
    pub fn seal(&self, text: &str, random: [u8; 16]) -> String {
        let mut clear = Vec::with_capacity(text.len() + 80);
        clear.extend_from_slice(&random);
        clear.extend_from_slice(&(text.len() as u32).to_be_bytes());
        clear.extend_from_slice(text.as_bytes());
        clear.extend_from_slice(APP_ID.as_bytes());
        let pad = 32 - clear.len() % 32;
        clear.resize(clear.len() + pad, pad as u8);
        let mut last = self.first;
        for block in clear.as_chunks_mut::<16>().0 {
            for (byte, before) in block.iter_mut().zip(last) {
                *byte ^= before;
            }
            let mut sealed = Block::from(*block);
            self.cipher.encrypt_block(&mut sealed);
            *block = sealed.into();
            last = *block;
        }
        BASE64.encode(clear)
    }

    /// The text in what was sealed; `None` when it is not for this account or broken.
    pub fn open(&self, sealed: &str) -> Option<String> {
        let mut clear = BASE64.decode(sealed).ok()?;
        let mut last = self.first;
        for block in clear.as_chunks_mut::<16>().0 {
            let mut opened = Block::from(*block);
            self.cipher.decrypt_block(&mut opened);
            let before = std::mem::replace(&mut last, *block);
            for ((byte, opened), before) in block.iter_mut().zip(opened).zip(before) {
                *byte = opened ^ before;
            }
        }
        let pad = usize::from(*clear.last()?);
        let whole = clear.len().checked_sub(pad)?;
        let length = u32::from_be_bytes(clear.get(16..20)?.try_into().ok()?) as usize;
        let text = clear.get(20..20 + length)?;
        let app_id = clear.get(20 + length..whole)?;
        (app_id == APP_ID.as_bytes()).then(|| String::from_utf8(text.to_vec()).ok())?
    }
}

/// The signature over these parts and the signing word.
pub fn sign(time: &str, nonce: &str, sealed: Option<&str>) -> String {
    let mut parts = [TOKEN, time, nonce, sealed.unwrap_or_default()];
    let parts = if sealed.is_some() { &mut parts[..] } else { &mut parts[..3] };
    parts.sort_unstable();
    let mut hash = Sha1::new();
    parts.iter().for_each(|part| hash.update(part));
    let mut hex = String::with_capacity(40);
    for byte in hash.finalize() {
        hex.push(char::from(b"0123456789abcdef"[usize::from(byte >> 4)]));
        hex.push(char::from(b"0123456789abcdef"[usize::from(byte & 15)]));
    }
    hex
}

/// What stands in the first element of this name, as CDATA or plain.
pub fn element<'x>(xml: &'x str, name: &str) -> Option<&'x str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (inside, _) = rest.split_once(&format!("</{name}>"))?;
    Some(inside.strip_prefix("<![CDATA[").and_then(|inside| inside.strip_suffix("]]>")).unwrap_or(inside))
}

/// A sealed answer as it travels in a response.
pub fn wrap(envelope: &Envelope, clear: &str, time: &str, nonce: &str, random: [u8; 16]) -> String {
    let sealed = envelope.seal(clear, random);
    let signed = sign(time, nonce, Some(&sealed));
    format!(
        "<xml><Encrypt><![CDATA[{sealed}]]></Encrypt><MsgSignature><![CDATA[{signed}]]></MsgSignature><TimeStamp>{time}</TimeStamp><Nonce><![CDATA[{nonce}]]></Nonce></xml>"
    )
}

/// The clear text of a sealed answer, its signature checked.
pub fn unwrap(envelope: &Envelope, body: &str) -> Result<String, String> {
    let field = |name| element(body, name).ok_or_else(|| format!("no {name} in {body:.200}"));
    let sealed = field("Encrypt")?;
    if sign(field("TimeStamp")?, field("Nonce")?, Some(sealed)) != field("MsgSignature")? {
        return Err("the signature of an answer is wrong".into());
    }
    envelope.open(sealed).ok_or_else(|| "an answer does not open".into())
}
