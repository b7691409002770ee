//! What a file is, told by its first bytes: names and headers are whatever the sender likes.

use crate::message::MediaKind;

/// A photo as it comes from a phone has 3 to 8 MB; WeChat takes 10 MB at most.
pub const MOST_PHOTO: usize = 10 << 20;
/// WeChat's and WeCom's limit for a voice message, which ends after a minute.
pub const MOST_VOICE: usize = 2 << 20;
/// Half a minute from a phone. WeChat gives out 10 MB at most, DingTalk more.
pub const MOST_VIDEO: usize = 20 << 20;

/// The most bytes that are fetched of a kind.
pub fn most(kind: MediaKind) -> usize {
    match kind {
        MediaKind::Photo => MOST_PHOTO,
        MediaKind::Voice => MOST_VOICE,
        MediaKind::Video => MOST_VIDEO,
    }
}

/// The formats that are taken. Raw Speex, WeChat's better voice, has no mark of its own and is not asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Jpeg,
    Png,
    Webp,
    Gif,
    Amr,
    AmrWide,
    Mp3,
    Ogg,
    Wav,
    Silk,
    Mp4,
    QuickTime,
    ThreeGp,
}

impl Format {
    /// The format of these bytes, if it is one of ours.
    pub(super) fn of(bytes: &[u8]) -> Option<Format> {
        let riff = |form: &[u8]| bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(form);
        if bytes.starts_with(&[0xff, 0xd8, 0xff]) {
            Some(Format::Jpeg)
        } else if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
            Some(Format::Png)
        } else if riff(b"WEBP") {
            Some(Format::Webp)
        } else if bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a") {
            Some(Format::Gif)
        } else if bytes.starts_with(b"#!AMR\n") {
            Some(Format::Amr)
        } else if bytes.starts_with(b"#!AMR-WB\n") {
            Some(Format::AmrWide)
        } else if bytes.starts_with(b"ID3") || mp3_frame(bytes).is_some() {
            Some(Format::Mp3)
        } else if bytes.starts_with(b"OggS") {
            Some(Format::Ogg)
        } else if riff(b"WAVE") {
            Some(Format::Wav)
        } else if bytes.starts_with(b"#!SILK_V3") || bytes.starts_with(b"\x02#!SILK_V3") {
            // Tencent puts a byte before the mark.
            Some(Format::Silk)
        } else {
            brand(bytes)
        }
    }

    /// The kind of message that carries this format.
    pub(super) fn kind(self) -> MediaKind {
        match self {
            Format::Jpeg | Format::Png | Format::Webp | Format::Gif => MediaKind::Photo,
            Format::Amr | Format::AmrWide | Format::Mp3 | Format::Ogg | Format::Wav | Format::Silk => MediaKind::Voice,
            Format::Mp4 | Format::QuickTime | Format::ThreeGp => MediaKind::Video,
        }
    }

    /// The media type.
    pub(super) fn mime(self) -> &'static str {
        match self {
            Format::Jpeg => "image/jpeg",
            Format::Png => "image/png",
            Format::Webp => "image/webp",
            Format::Gif => "image/gif",
            Format::Amr => "audio/amr",
            Format::AmrWide => "audio/amr-wb",
            Format::Mp3 => "audio/mpeg",
            Format::Ogg => "audio/ogg",
            Format::Wav => "audio/wav",
            Format::Silk => "audio/x-silk",
            Format::Mp4 => "video/mp4",
            Format::QuickTime => "video/quicktime",
            Format::ThreeGp => "video/3gpp",
        }
    }
}

/// The length of the MPEG layer III frame that begins here, head included. A head is eleven bits of synchronisation, then
/// no field with a reserved value.
pub(super) fn mp3_frame(bytes: &[u8]) -> Option<usize> {
    /// Thousands of bits a second, for MPEG 1 and for the lower sampling rates of MPEG 2.
    const RATES: [[usize; 14]; 2] = [
        [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
        [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
    ];
    let &[0xff, second, third, ..] = bytes else { return None };
    let (version, layer) = (second >> 3 & 3, second >> 1 & 3);
    if second & 0xe0 != 0xe0 || layer != 1 {
        return None;
    }
    let (lower, halved) = match version {
        3 => (0, 0),
        2 => (1, 1),
        0 => (1, 2),
        _ => return None,
    };
    let rate = RATES[lower].get(usize::from(third >> 4).checked_sub(1)?)? * 1_000;
    let sampling = [44_100, 48_000, 32_000].get(usize::from(third >> 2 & 3))? >> halved;
    Some((144 >> lower) * rate / sampling + usize::from(third >> 1 & 1))
}

/// The video formats share one container, whose brand tells them from pictures (HEIC) and music.
fn brand(bytes: &[u8]) -> Option<Format> {
    if bytes.get(4..8)? != b"ftyp" {
        return None;
    }
    match bytes.get(8..12)? {
        b"qt  " => Some(Format::QuickTime),
        [b'3', b'g', b'p' | b'2', _] => Some(Format::ThreeGp),
        b"isom" | b"avc1" | b"mp41" | b"mp42" | b"M4V " | b"MSNV" | b"dash" | [b'i', b's', b'o', b'2'..=b'9'] => {
            Some(Format::Mp4)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_a_sound_frame_follows_from_its_head() {
        let cases = [
            ([0xff, 0xfb, 0x90, 0x64], Some(417)),
            ([0xff, 0xfb, 0x92, 0x64], Some(418)),
            ([0xff, 0xfb, 0xe8, 0x64], Some(1_440)),
            ([0xff, 0xf3, 0x48, 0xc4], Some(144)),
            ([0xff, 0xe3, 0x18, 0xc4], Some(72)),
            ([0xff, 0xfb, 0x00, 0x64], None),
            ([0xff, 0xfb, 0xf0, 0x64], None),
            ([0xff, 0xfb, 0x9c, 0x64], None),
            ([0xff, 0xeb, 0x90, 0x64], None),
            ([0xff, 0xfe, 0x90, 0x64], None),
        ];
        for (head, length) in cases {
            assert_eq!(mp3_frame(&head), length, "{head:x?}");
        }
    }

    #[test]
    fn files_are_known_by_their_first_bytes() {
        let cases: [(&[u8], Option<Format>); 25] = [
            (b"\xff\xd8\xff\xe0", Some(Format::Jpeg)),
            (b"\x89PNG\r\n\x1a\n", Some(Format::Png)),
            (b"RIFF\x00\x00\x00\x00WEBPVP8 ", Some(Format::Webp)),
            (b"GIF89a", Some(Format::Gif)),
            (b"#!AMR\n\x3c", Some(Format::Amr)),
            (b"#!AMR-WB\n\x3c", Some(Format::AmrWide)),
            (b"ID3\x04", Some(Format::Mp3)),
            (b"\xff\xfb\x90\x64", Some(Format::Mp3)),
            (b"OggS\x00", Some(Format::Ogg)),
            (b"RIFF\x00\x00\x00\x00WAVEfmt ", Some(Format::Wav)),
            (b"\x02#!SILK_V3", Some(Format::Silk)),
            (b"\0\0\0\x18ftypisom", Some(Format::Mp4)),
            (b"\0\0\0\x18ftypmp42", Some(Format::Mp4)),
            (b"\0\0\0\x14ftypqt  ", Some(Format::QuickTime)),
            (b"\0\0\0\x18ftyp3gp5", Some(Format::ThreeGp)),
            (b"\0\0\0\x18ftypheic", None),
            (b"\0\0\0\x18ftypM4A ", None),
            (b"\xff\xf1\x50\x80", None), // AAC begins almost like MP3.
            (b"\xff\xff\xff\xff", None),
            (b"<html>", None),
            (b"{\"errcode\":40007}", None),
            (b"MZ\x90\x00", None),
            (b"%PDF-1.7", None),
            (b"RIFF\x00\x00\x00\x00AVI ", None),
            (b"", None),
        ];
        for (bytes, format) in cases {
            assert_eq!(Format::of(bytes), format, "{bytes:?}");
        }
    }
}
