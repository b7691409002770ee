//! Formats made of parts with a name and a length: PNG, RIFF (WebP, WAV), GIF, MP3, and the boxes of video.

use super::super::check::mp3_frame;

/// PNG: keeps what draws the picture; text, EXIF, time and everything unknown go, and what hangs on behind the end.
pub(super) fn png(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut rest = bytes;
    let mut out = Vec::with_capacity(bytes.len());
    out.extend(rest.split_off(..8)?);
    let mut drawn = false;
    loop {
        let length = usize::try_from(u32::from_be_bytes(*rest.first_chunk()?)).ok()?;
        let chunk = rest.split_off(..length.checked_add(12)?)?;
        let name = &chunk[4..8];
        if (out.len() == 8) != (name == b"IHDR") {
            return None;
        }
        match name {
            b"IHDR" | b"PLTE" | b"tRNS" | b"gAMA" | b"cHRM" | b"sRGB" | b"iCCP" | b"cICP" | b"sBIT" | b"bKGD" | b"pHYs"
            | b"acTL" | b"fcTL" | b"fdAT" => out.extend(chunk),
            b"IDAT" => {
                drawn = true;
                out.extend(chunk);
            }
            b"IEND" => {
                out.extend(chunk);
                return drawn.then_some(out);
            }
            _ => {}
        }
    }
}

/// WebP: keeps what draws the picture and the colour profile.
pub(super) fn webp(bytes: &[u8]) -> Option<Vec<u8>> {
    const EXIF_AND_XMP: u8 = 0x08 | 0x04;
    let mut out = bytes.get(..12)?.to_vec();
    let mut drawn = false;
    let mut rest = &bytes[12..];
    while let Some((name, body)) = chunk(&mut rest) {
        match &name {
            b"VP8X" => {
                let mut head = body.to_vec();
                *head.first_mut()? &= !EXIF_AND_XMP;
                put_chunk(&mut out, name, &head)?;
            }
            b"VP8 " | b"VP8L" | b"ANMF" => {
                drawn = true;
                put_chunk(&mut out, name, body)?;
            }
            b"ANIM" | b"ALPH" | b"ICCP" => put_chunk(&mut out, name, body)?,
            _ => {}
        }
    }
    drawn.then(|| with_size(out)).flatten()
}

/// WAV: keeps the format and the sound.
pub(super) fn wav(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = bytes.get(..12)?.to_vec();
    let mut formed = false;
    let mut rest = &bytes[12..];
    loop {
        if rest.starts_with(b"data") && formed {
            // A recorder that did not know the length in advance wrote a wrong one: the sound then lasts to the end.
            let sound = chunk(&mut rest).map_or_else(|| rest.get(8..).unwrap_or_default(), |(_, sound)| sound);
            put_chunk(&mut out, *b"data", sound)?;
            return with_size(out);
        }
        let (name, body) = chunk(&mut rest)?;
        if matches!(&name, b"fmt " | b"fact") {
            formed = true;
            put_chunk(&mut out, name, body)?;
        }
    }
}

/// The next RIFF chunk, without its padding; nothing is taken when it is not whole.
fn chunk<'a>(rest: &mut &'a [u8]) -> Option<([u8; 4], &'a [u8])> {
    let (name, after) = rest.split_first_chunk()?;
    let (length, mut after) = after.split_first_chunk()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let body = after.split_off(..length)?;
    *rest = after.get(length % 2..).unwrap_or_default();
    Some((*name, body))
}

fn put_chunk(out: &mut Vec<u8>, name: [u8; 4], body: &[u8]) -> Option<()> {
    out.extend(name);
    out.extend(u32::try_from(body.len()).ok()?.to_le_bytes());
    out.extend(body);
    if body.len() % 2 == 1 {
        out.push(0);
    }
    Some(())
}

/// Writes the whole length into a RIFF head.
fn with_size(mut out: Vec<u8>) -> Option<Vec<u8>> {
    let size = u32::try_from(out.len() - 8).ok()?;
    out[4..8].copy_from_slice(&size.to_le_bytes());
    Some(out)
}

/// GIF: keeps pictures, their timing and the word that they repeat; comments and other extensions go.
pub(super) fn gif(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut rest = bytes;
    let mut out = Vec::with_capacity(bytes.len());
    let head = rest.split_off(..13)?;
    out.extend(head);
    out.extend(rest.split_off(..colours(head[10]))?);
    let mut drawn = false;
    loop {
        match *rest.split_off_first()? {
            0x2c => {
                let place = rest.split_off(..9)?;
                out.push(0x2c);
                out.extend(place);
                out.extend(rest.split_off(..colours(place[8]))?);
                out.push(*rest.split_off_first()?);
                out.extend(sub_blocks(&mut rest)?);
                drawn = true;
            }
            0x21 => {
                let label = *rest.split_off_first()?;
                let blocks = sub_blocks(&mut rest)?;
                let repeats = blocks.starts_with(b"\x0bNETSCAPE2.0") || blocks.starts_with(b"\x0bANIMEXTS1.0");
                if label == 0xf9 || label == 0xff && repeats {
                    out.extend([0x21, label]);
                    out.extend(blocks);
                }
            }
            0x3b => {
                out.push(0x3b);
                return drawn.then_some(out);
            }
            _ => return None,
        }
    }
}

/// The size of a table of colours, by the flags before it.
fn colours(flags: u8) -> usize {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) }
}

/// Blocks of a length and that many bytes, up to and with the empty one.
fn sub_blocks<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let mut end = 0;
    loop {
        let length = usize::from(*rest.get(end)?);
        end += 1 + length;
        if length == 0 {
            return rest.split_off(..end);
        }
    }
}

/// MP3: keeps the frames of sound; what stands before, between and behind them goes.
pub(super) fn mp3(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut rest = bytes;
    while let Some(head) = rest.first_chunk::<10>().filter(|head| head.starts_with(b"ID3")) {
        // Seven bits a byte, so that no length looks like a frame.
        let length = head[6..].iter().fold(0, |length, byte| length << 7 | usize::from(byte & 0x7f));
        let footer = if head[5] & 0x10 == 0 { 0 } else { 10 };
        rest = rest.get(10 + length + footer..)?;
    }
    let mut out = Vec::with_capacity(rest.len());
    while !rest.is_empty() {
        match mp3_frame(rest).and_then(|length| rest.split_off(..length)) {
            Some(frame) => out.extend(frame),
            None => rest = &rest[1..],
        }
    }
    (!out.is_empty()).then_some(out)
}

/// A box of a video: its name, where it begins, where its content begins and ends.
struct Part {
    name: [u8; 4],
    at: usize,
    start: usize,
    end: usize,
}

/// MP4, QuickTime, 3GP: boxes that do not play become empty space of the same size, because the tables of a video point at
/// bytes by their distance from the beginning. So do tracks that are neither picture nor sound (a track of places); what
/// such a track put among the pictures can then no longer be found by a player, but is still there.
pub(super) fn video(mut bytes: Vec<u8>) -> Option<Vec<u8>> {
    let (mut described, mut filled) = (false, false);
    let mut at = 0;
    while let Some(part) = part(&bytes, at, bytes.len())? {
        match &part.name {
            b"moov" => {
                described = true;
                movie(&mut bytes, &part)?;
            }
            b"mdat" => filled = true,
            b"ftyp" | b"styp" | b"sidx" | b"moof" | b"mfra" => {}
            _ => blank(&mut bytes, &part),
        }
        at = part.end;
    }
    (described && filled).then_some(bytes)
}

fn movie(bytes: &mut [u8], movie: &Part) -> Option<()> {
    let mut at = movie.start;
    while let Some(part) = part(bytes, at, movie.end)? {
        match &part.name {
            b"trak" if plays(bytes, &part)? => track(bytes, &part)?,
            b"mvhd" | b"mvex" | b"iods" => {}
            _ => blank(bytes, &part),
        }
        at = part.end;
    }
    Some(())
}

fn track(bytes: &mut [u8], track: &Part) -> Option<()> {
    let mut at = track.start;
    while let Some(part) = part(bytes, at, track.end)? {
        if !matches!(&part.name, b"tkhd" | b"mdia" | b"edts" | b"tref" | b"tapt") {
            blank(bytes, &part);
        }
        at = part.end;
    }
    Some(())
}

/// Is this track picture or sound?
fn plays(bytes: &[u8], track: &Part) -> Option<bool> {
    let Some(media) = find(bytes, *b"mdia", track)? else { return Some(false) };
    let Some(handler) = find(bytes, *b"hdlr", &media)? else { return Some(false) };
    Some(matches!(bytes[handler.start..handler.end].get(8..12), Some(b"vide" | b"soun")))
}

/// The first box of a name in another one; as with [`part`], `None` outside when the lengths do not fit.
fn find(bytes: &[u8], wanted: [u8; 4], inside: &Part) -> Option<Option<Part>> {
    let mut at = inside.start;
    while let Some(part) = part(bytes, at, inside.end)? {
        if part.name == wanted {
            return Some(Some(part));
        }
        at = part.end;
    }
    Some(None)
}

/// The box at `at`. `None` inside when there is no further one, `None` outside when the lengths do not fit.
fn part(bytes: &[u8], at: usize, until: usize) -> Option<Option<Part>> {
    // QuickTime may end a list with four zeroes; fewer than eight bytes hold no box.
    let Some((size, rest)) = bytes.get(at..until)?.split_first_chunk() else { return Some(None) };
    let Some((name, rest)) = rest.split_first_chunk() else { return Some(None) };
    let (start, end) = match u32::from_be_bytes(*size) {
        0 => (at + 8, until),
        1 => (at + 16, at.checked_add(usize::try_from(u64::from_be_bytes(*rest.first_chunk()?)).ok()?)?),
        size => (at + 8, at.checked_add(usize::try_from(size).ok()?)?),
    };
    (start <= end && end <= until).then_some(Some(Part { name: *name, at, start, end }))
}

/// Turns a box into empty space.
fn blank(bytes: &mut [u8], part: &Part) {
    bytes[part.at + 4..part.at + 8].copy_from_slice(b"free");
    bytes[part.start..part.end].fill(0);
}

#[cfg(test)]
mod tests {
    use super::super::super::samples::{self, holds};
    use super::*;

    /// A cleaner, a file with `SECRET` wherever its format has room for it, and what must stay.
    type Case = (fn(&[u8]) -> Option<Vec<u8>>, Vec<u8>, &'static [&'static [u8]]);

    fn cases() -> Vec<Case> {
        vec![
            (png, samples::png(), &[b"IHDR", b"IDATpixels", b"IEND"]),
            (webp, samples::webp(), &[b"VP8X", b"VP8 ", b"pixels"]),
            (gif, samples::gif(), &[b"NETSCAPE2.0", b"pixels"]),
            (wav, samples::wav(), &[b"fmt ", b"data", b"sound"]),
            (mp3, samples::mp3(), &[b"\xff\xfb\x90\x64sound"]),
            (|bytes| video(bytes.to_vec()), samples::mp4(), &[b"mvhd", b"vide", b"soun", b"pixels"]),
        ]
    }

    #[test]
    fn secrets_go_and_the_content_stays() {
        for (number, (clean, dirty, stays)) in cases().into_iter().enumerate() {
            assert!(holds(&dirty, b"SECRET"), "case {number}");
            let cleaned = clean(&dirty).unwrap();
            assert!(!holds(&cleaned, b"SECRET"), "case {number}");
            for part in stays {
                assert!(holds(&cleaned, part), "case {number} lost {part:?}");
            }
            assert_eq!(clean(&cleaned).unwrap(), cleaned, "case {number} cleaned again");
        }
    }

    #[test]
    fn no_cut_makes_a_cleaner_fall_over_and_none_lets_a_secret_out() {
        for (clean, dirty, _) in cases() {
            for end in 0..dirty.len() {
                if let Some(cleaned) = clean(&dirty[..end]) {
                    assert!(!holds(&cleaned, b"SECRET"));
                }
            }
        }
    }

    #[test]
    fn lengths_that_lie_are_refused() {
        assert_eq!(png(b"\x89PNG\r\n\x1a\n\xff\xff\xff\xffIHDR"), None);
        assert_eq!(webp(b"RIFF\0\0\0\0WEBPVP8 \xff\xff\xff\xff"), None);
        assert_eq!(gif(b"GIF89a\0\0\0\0\xf7\0\0"), None);
        assert_eq!(mp3(b"ID3\x04\0\0\x7f\x7f\x7f\x7f"), None);
        assert_eq!(video(b"\0\0\0\x01ftyp\xff\xff\xff\xff\xff\xff\xff\xff".to_vec()), None);
        assert_eq!(video(b"\0\0\0\x02ftyp".to_vec()), None);
    }

    #[test]
    fn webp_no_longer_announces_what_is_gone() {
        let cleaned = webp(&samples::webp()).unwrap();
        assert_eq!(cleaned[20], 0x10, "of alpha, EXIF and XMP only alpha is left");
        assert_eq!(u32::from_le_bytes(*cleaned[4..].first_chunk().unwrap()) as usize, cleaned.len() - 8);
    }

    #[test]
    fn a_recording_of_unknown_length_keeps_its_sound() {
        let endless = b"RIFF\xff\xff\xff\xffWAVEfmt \x04\0\0\0abcddata\xff\xff\xff\xffsound!";
        assert!(wav(endless).unwrap().ends_with(b"data\x06\0\0\0sound!"));
    }

    #[test]
    fn a_video_keeps_the_place_of_every_byte() {
        let dirty = samples::mp4();
        let cleaned = video(dirty.clone()).unwrap();
        assert_eq!(cleaned.len(), dirty.len());
        let find = |bytes: &[u8]| bytes.windows(6).position(|part| part == b"pixels");
        assert_eq!(find(&cleaned), find(&dirty));
    }
}
