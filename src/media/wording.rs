//! What is said when a file was not kept.

use crate::message::MediaKind;

/// Why a file was not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Not what it was said to be, or damaged.
    Unreadable,
    /// Above the limit of its kind.
    TooLarge,
    /// The platform or the channel does not hand it over, mostly because it is too large.
    Withheld,
    /// It could not be fetched in time.
    Lost,
}

/// Which file, what is wrong, what would be right. `several`: the message held more files of this kind.
pub(super) fn not_kept(kind: MediaKind, trouble: Trouble, several: bool) -> String {
    let which = match (kind, several) {
        (MediaKind::Photo, false) => "您发的那张照片",
        (MediaKind::Photo, true) => "您发的照片里，有的",
        (MediaKind::Voice, false) => "您发的那段语音",
        (MediaKind::Voice, true) => "您发的语音里，有的",
        (MediaKind::Video, false) => "您发的那段视频",
        (MediaKind::Video, true) => "您发的视频里，有的",
    };
    let rest = match (kind, trouble) {
        (MediaKind::Photo, Trouble::Unreadable) => "打不开。请重新拍一张发给我。",
        (MediaKind::Photo, Trouble::TooLarge) => "太大了。请发 10 兆以内的照片，发的时候别选“原图”就行。",
        (MediaKind::Photo, Trouble::Withheld) => "没收下来，可能是太大了。请再发一次，别选“原图”。",
        (MediaKind::Voice, Trouble::Unreadable) => "听不了。请按住说话再说一遍，打字也行。",
        (MediaKind::Voice, Trouble::TooLarge) => "太长了。请分成几段说，一段一分钟以内。",
        (MediaKind::Voice, Trouble::Withheld) => "没收下来，可能是太长了。请说短一点再发一次，打字也行。",
        (MediaKind::Video, Trouble::Unreadable) => "打不开。请重新拍一段发给我，发照片也行。",
        (MediaKind::Video, Trouble::TooLarge) => "太大了。请发 20 兆以内的，拍十几秒就够。发照片也行。",
        (MediaKind::Video, Trouble::Withheld) => "没收下来，可能是太大了。请拍短一点再发一次，发照片也行。",
        (MediaKind::Photo | MediaKind::Video, Trouble::Lost) => "没收到。麻烦您再发一次。",
        (MediaKind::Voice, Trouble::Lost) => "没收到。麻烦您再说一遍，打字也行。",
    };
    format!("{which}{rest}")
}

#[cfg(test)]
mod tests {
    use super::super::check::{MOST_PHOTO, MOST_VIDEO};
    use super::*;

    #[test]
    fn the_sentence_names_the_file_and_what_would_be_right() {
        assert_eq!(not_kept(MediaKind::Photo, Trouble::Unreadable, false), "您发的那张照片打不开。请重新拍一张发给我。");
        assert_eq!(not_kept(MediaKind::Voice, Trouble::Lost, true), "您发的语音里，有的没收到。麻烦您再说一遍，打字也行。");
    }

    #[test]
    fn the_limits_in_words_are_the_limits_in_force() {
        let limit = |bytes: usize| format!(" {} 兆以内", bytes >> 20);
        assert!(not_kept(MediaKind::Photo, Trouble::TooLarge, false).contains(&limit(MOST_PHOTO)));
        assert!(not_kept(MediaKind::Video, Trouble::TooLarge, false).contains(&limit(MOST_VIDEO)));
    }
}
