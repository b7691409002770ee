//! Small files for tests, each with `SECRET` (the JPEG with several words) wherever its format has room for it.

/// EXIF as a phone writes it: camera, orientation 6 (lying on its right side), and a pointer to the place.
pub(super) const EXIF_WITH_PLACE: &[u8] = b"Exif\0\0MM\0*\0\0\0\x08\0\x03\
    \x01\x0f\0\x02\0\0\0\x0d\0\0\0\x32\
    \x01\x12\0\x03\0\0\0\x01\0\x06\0\0\
    \x88\x25\0\x04\0\0\0\x01\0\0\0\x40\
    \0\0\0\0SECRETCAMERA\0\0\0\x01\0\x02\0\x05\0\0\0\x09\0\0\0\x52\0\0\0\0GPSPLACE\0";

/// Does `bytes` contain `part`?
pub(super) fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// A JPEG with these segments (marker and content) before its frame.
pub(super) fn jpeg_with(segments: &[(u8, &[u8])]) -> Vec<u8> {
    let mut file = vec![0xff, 0xd8];
    let frame: &[(u8, &[u8])] = &[(0xc0, b"\x08\0\x01\0\x01\x01\x01\x11\0"), (0xda, b"\x01\x01\0\0\x3f\0")];
    for (marker, content) in segments.iter().chain(frame) {
        file.extend([0xff, *marker]);
        file.extend(u16::try_from(content.len() + 2).unwrap().to_be_bytes());
        file.extend(*content);
    }
    file.extend([1, 2, 0xff, 0, 3, 0xff, 0xd0, 4, 0xff, 0xd9]);
    file
}

/// A JPEG with everything a phone hangs on.
pub(super) fn jpeg() -> Vec<u8> {
    let mut file = jpeg_with(&[
        (0xe0, b"JFIF\0\x01\x01\0\0\x01\0\x01\x01\x01thumb"),
        (0xe1, EXIF_WITH_PLACE),
        (0xe1, b"http://ns.adobe.com/xap/1.0/\0xmp"),
        (0xe2, b"ICC_PROFILE\0\x01\x01colours"),
        (0xe2, b"MPF\0thumb"),
        (0xfe, b"comment"),
    ]);
    file.extend(b"after the end");
    file
}

pub(super) fn png() -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let chunks: [(&[u8], &[u8]); 7] = [
        (b"IHDR", &[0; 13]),
        (b"eXIf", b"SECRET"),
        (b"tEXt", b"Author\0SECRET"),
        (b"IDAT", b"pixels"),
        (b"iTXt", b"SECRET"),
        (b"zTXt", b"SECRET"),
        (b"IEND", b""),
    ];
    for (name, data) in chunks {
        file.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
        file.extend(name);
        file.extend(data);
        file.extend(b"crc.");
    }
    file.extend(b"SECRET");
    file
}

fn riff(form: &[u8; 4], chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut body = form.to_vec();
    for (name, data) in chunks {
        body.extend(*name);
        body.extend(u32::try_from(data.len()).unwrap().to_le_bytes());
        body.extend(*data);
        body.resize(body.len().next_multiple_of(2), 0);
    }
    [b"RIFF", &u32::try_from(body.len()).unwrap().to_le_bytes()[..], &body].concat()
}

pub(super) fn webp() -> Vec<u8> {
    let head = [0x1c, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    riff(b"WEBP", &[(b"VP8X", &head), (b"VP8 ", b"pixels!"), (b"EXIF", b"SECRET"), (b"XMP ", b"SECRET"), (b"what", b"SECRET")])
}

pub(super) fn wav() -> Vec<u8> {
    riff(b"WAVE", &[(b"LIST", b"SECRET"), (b"fmt ", &[1; 16]), (b"bext", b"SECRET"), (b"data", b"sound"), (b"id3 ", b"SECRET")])
}

pub(super) fn gif() -> Vec<u8> {
    let mut file = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff".to_vec();
    file.extend(b"\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0");
    file.extend(b"\x21\xfe\x06SECRET\0");
    file.extend(b"\x21\xff\x0bXMP DataXMP\x06SECRET\0");
    file.extend(b"\x21\xf9\x04\0\0\0\0\0\x2c\0\0\0\0\x01\0\x01\0\0\x02\x06pixels\0\x3b");
    file.extend(b"SECRET");
    file
}

pub(super) fn mp3() -> Vec<u8> {
    let mut frame = b"\xff\xfb\x90\x64sound".to_vec();
    frame.resize(417, 0);
    let mut tag = b"TAGSECRET".to_vec();
    tag.resize(128, 0);
    [b"ID3\x04\0\0\0\0\0\x08SECRET\0\0", &frame[..], &frame, &tag].concat()
}

fn boxed(name: &[u8; 4], parts: &[Vec<u8>]) -> Vec<u8> {
    let body = parts.concat();
    [&u32::try_from(body.len() + 8).unwrap().to_be_bytes()[..], name, &body].concat()
}

fn track(handler: &[u8; 4]) -> Vec<u8> {
    let handler = boxed(b"hdlr", &[vec![0; 8], handler.to_vec(), vec![0; 12]]);
    let place = boxed(b"udta", &[b"SECRET".to_vec()]);
    boxed(b"trak", &[boxed(b"tkhd", &[vec![0; 8]]), boxed(b"mdia", &[handler]), place])
}

pub(super) fn mp4() -> Vec<u8> {
    let place = boxed(b"udta", &[boxed(b"\xa9xyz", &[b"SECRET".to_vec()])]);
    let mut places = track(b"meta");
    places.extend(boxed(b"meta", &[b"SECRET".to_vec()]));
    let long = [&[0, 0, 0, 1][..], b"uuid", &22_u64.to_be_bytes(), b"SECRET"].concat();
    [
        boxed(b"ftyp", &[b"isom\0\0\0\0".to_vec()]),
        boxed(b"free", &[b"SECRET".to_vec()]),
        boxed(b"moov", &[boxed(b"mvhd", &[vec![0; 8]]), track(b"vide"), track(b"soun"), places, place]),
        long,
        boxed(b"mdat", &[b"pixels".to_vec()]),
    ]
    .concat()
}
