//! JPEG: a row of segments, then the picture itself, then whatever a phone hangs on (a film, another picture).

const SOI: u8 = 0xd8;
const EOI: u8 = 0xd9;
const SOS: u8 = 0xda;
const COMMENT: u8 = 0xfe;

/// Keeps tables, frames and scans, the JFIF head without its small picture, the colour profile, Adobe's colour mark
/// (without it colours turn), and of EXIF the orientation alone (without it the picture lies on its side).
pub(super) fn clean(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut rest = bytes.strip_prefix(&[0xff, SOI])?;
    let mut out = Vec::with_capacity(bytes.len());
    out.extend([0xff, SOI]);
    let (mut turned, mut framed, mut scanned) = (false, false, false);
    while let Some(marker) = marker(&mut rest) {
        if marker == EOI {
            break;
        }
        let Some(segment) = segment(&mut rest) else { break };
        let body = &segment[2..];
        let keep = match marker {
            0xe0 => {
                if let Some(head) = body.get(..12).filter(|head| head.starts_with(b"JFIF\0")) {
                    out.extend([0xff, 0xe0, 0, 16]);
                    out.extend(head);
                    out.extend([0, 0]);
                }
                false
            }
            0xe1 => {
                if let Some(orientation) = orientation(body).filter(|_| !turned) {
                    out.extend(exif(orientation));
                    turned = true;
                }
                false
            }
            0xe2 => body.starts_with(b"ICC_PROFILE\0"),
            0xee => body.starts_with(b"Adobe"),
            0xe3..=0xef | COMMENT => false,
            0xc0..=0xdf => true,
            _ => return None,
        };
        if keep {
            out.extend([0xff, marker]);
            out.extend(segment);
        }
        match marker {
            0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => framed = true,
            SOS => {
                scanned = framed;
                let (scan, after) = rest.split_at(end_of_scan(rest));
                out.extend(scan);
                rest = after;
            }
            _ => {}
        }
    }
    // A picture that breaks off after its first scan still shows, so it only gets its end.
    out.extend([0xff, EOI]);
    scanned.then_some(out)
}

/// The next marker; `0xff` may be repeated before it.
fn marker(rest: &mut &[u8]) -> Option<u8> {
    if *rest.split_off_first()? != 0xff {
        return None;
    }
    loop {
        match *rest.split_off_first()? {
            0xff => {}
            marker => return Some(marker),
        }
    }
}

/// A segment with its two bytes of length, which count themselves.
fn segment<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = u16::from_be_bytes(*rest.first_chunk()?);
    if length < 2 {
        return None;
    }
    rest.split_off(..usize::from(length))
}

/// Where the compressed data ends: at a marker that is neither a stuffed zero, nor a restart, nor padding.
fn end_of_scan(data: &[u8]) -> usize {
    let marks = |pair: &[u8]| pair[0] == 0xff && !matches!(pair[1], 0 | 0xd0..=0xd7 | 0xff);
    data.windows(2).position(marks).unwrap_or(data.len())
}

/// The orientation that an EXIF segment names, when it is another than upright.
fn orientation(segment: &[u8]) -> Option<u8> {
    let tiff = segment.strip_prefix(b"Exif\0\0")?;
    let big = match tiff.first_chunk()? {
        b"MM\0*" => true,
        b"II*\0" => false,
        _ => return None,
    };
    let short = |at: usize| {
        let bytes = *tiff.get(at..)?.first_chunk()?;
        Some(if big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    };
    let bytes = *tiff.get(4..)?.first_chunk()?;
    let directory = usize::try_from(if big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }).ok()?;
    let entry = (0..usize::from(short(directory)?))
        .map(|entry| directory + 2 + entry * 12)
        .find(|entry| short(*entry) == Some(0x0112))?;
    u8::try_from(short(entry + 8)?).ok().filter(|orientation| (2..=8).contains(orientation))
}

/// A whole EXIF segment that says nothing but the orientation.
fn exif(orientation: u8) -> [u8; 36] {
    let mut segment = *b"\xff\xe1\0\x22Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\0\0\0\0\0\0\0";
    segment[29] = orientation;
    segment
}

#[cfg(test)]
mod tests {
    use super::super::super::samples::{EXIF_WITH_PLACE, holds, jpeg, jpeg_with};
    use super::*;

    #[test]
    fn the_place_and_the_camera_go_and_the_orientation_stays() {
        let dirty = jpeg();
        assert!(holds(&dirty, b"GPSPLACE") && holds(&dirty, b"SECRETCAMERA"));
        let clean = clean(&dirty).unwrap();
        for secret in [&b"GPSPLACE"[..], b"SECRETCAMERA", b"comment", b"xmp", b"thumb", b"after the end"] {
            assert!(!holds(&clean, secret), "{secret:?}");
        }
        assert_eq!(orientation(&clean[24..][..32]), Some(6));
        assert!(holds(&clean, b"ICC_PROFILE\0"));
        assert!(clean.ends_with(&[1, 2, 0xff, 0, 3, 0xff, 0xd0, 4, 0xff, EOI]), "the scan is untouched");
    }

    #[test]
    fn cleaning_a_clean_picture_changes_nothing() {
        let once = clean(&jpeg()).unwrap();
        assert_eq!(clean(&once).unwrap(), once);
    }

    #[test]
    fn both_byte_orders_tell_the_orientation() {
        let little = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x08\0\0\0\0\0\0\0";
        assert_eq!(orientation(little), Some(8));
        assert_eq!(orientation(EXIF_WITH_PLACE), Some(6));
        assert_eq!(orientation(&exif(3)[4..]), Some(3));
        assert_eq!(orientation(&exif(1)[4..]), None, "upright needs no word");
        assert_eq!(orientation(b"Exif\0\0II*\0\xff\xff\xff\xff"), None, "a directory outside the segment");
    }

    #[test]
    fn what_only_begins_like_a_picture_is_none() {
        assert_eq!(clean(b"\xff\xd8\xff\xe0<script>"), None);
        assert_eq!(clean(b"\xff\xd8\xff\xd9"), None);
        assert_eq!(clean(b"\xff\xd8\xff\xda\0\x02\x01\xff\xd9"), None, "a scan without a frame");
        assert_eq!(clean(b"\xff\xd8\xff\xe1\0\x01"), None, "a length below its own");
    }

    #[test]
    fn a_picture_that_breaks_off_in_its_scan_gets_its_end() {
        let whole = jpeg_with(&[]);
        assert!(clean(&whole[..whole.len() - 4]).unwrap().ends_with(&[0xff, EOI]));
    }

    #[test]
    fn no_cut_makes_it_fall_over() {
        let dirty = jpeg();
        for end in 0..dirty.len() {
            let _ = clean(&dirty[..end]);
        }
    }
}
