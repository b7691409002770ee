//! The copy for everybody else: the same picture or sound without what a device writes beside it (place, time, names).
//!
//! Every format is walked and only parts on a list are kept, so that an unknown part never passes. Walking is also the
//! second check of the content: a file that only begins like a picture has nothing to keep and is refused.

mod containers;
mod jpeg;

use super::check::Format;

/// The bytes without metadata, `None` when they are not a whole file of the format.
///
/// AMR and SILK have no room for metadata. The comments of Ogg are left: changing them means numbering all pages anew, and
/// platforms make such files themselves.
pub(super) fn clean(format: Format, bytes: Vec<u8>) -> Option<Vec<u8>> {
    match format {
        Format::Jpeg => jpeg::clean(&bytes),
        Format::Png => containers::png(&bytes),
        Format::Webp => containers::webp(&bytes),
        Format::Gif => containers::gif(&bytes),
        Format::Wav => containers::wav(&bytes),
        Format::Mp3 => containers::mp3(&bytes),
        Format::Mp4 | Format::QuickTime | Format::ThreeGp => containers::video(bytes),
        Format::Amr | Format::AmrWide | Format::Ogg | Format::Silk => Some(bytes),
    }
}
