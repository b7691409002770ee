//! What a `>` line means: plain words, or one of the things in brackets that a chat can carry.

/// Something that is done in a chat.
#[derive(Debug, Clone, PartialEq)]
pub enum Said {
    /// Words.
    Words(String),
    /// Pictures, each a message of its own, sent without waiting.
    Photos(usize),
    /// A voice message, with what the platform understood of it.
    Voice(Option<String>),
    /// A video.
    Video,
    /// A file that is neither picture, voice nor video.
    File,
    /// A location.
    Place {
        /// Degrees north and east.
        at: (f64, f64),
        /// The address beside it.
        label: String,
    },
    /// Words with pictures in one message.
    Rich(String, usize),
    /// Words in answer to somebody's picture.
    ToPhoto(String),
    /// Words in answer to a text.
    ToText {
        /// The text that is answered.
        quoted: String,
        /// The words.
        words: String,
    },
    /// A menu entry, by its key.
    Press(String),
    /// Following the account, with the scene of a QR code.
    Follow(Option<String>),
    /// Unfollowing.
    Leave,
    /// What DingTalk posts when the organisation's quota is used up.
    OverQuota,
    /// The speaker's last message once more, as a platform delivers it again.
    Again,
}

/// Reads the words of a `>` line.
///
/// # Errors
/// Something in brackets that has the name of such a thing and not its form.
pub fn parse(words: &str) -> Result<Said, String> {
    let plain = || Ok(Said::Words(words.to_owned()));
    let Some((inside, after)) = words.strip_prefix('[').and_then(|rest| rest.split_once(']')) else { return plain() };
    let (name, rest) = inside.split_once(' ').unwrap_or((inside, ""));
    let (rest, after) = (rest.trim(), after.trim_start_matches(' '));
    let some = || (!rest.is_empty()).then(|| rest.to_owned());
    let wrong = || Err(format!("this is not how it is written: {words}"));
    if inside.starts_with("回复“") {
        let quote = words.strip_prefix("[回复“").and_then(|rest| rest.split_once("”]"));
        let Some((quoted, said)) = quote else { return wrong() };
        return Ok(Said::ToText { quoted: quoted.to_owned(), words: said.trim_start_matches(' ').to_owned() });
    }
    if inside == "回复照片" {
        return Ok(Said::ToPhoto(after.to_owned()));
    }
    let said = match name {
        "照片" if inside.split(' ').all(|part| part == "照片") => Said::Photos(inside.split(' ').count()),
        "语音" => Said::Voice(some()),
        "视频" => Said::Video,
        "文件" => Said::File,
        "位置" => {
            let (at, label) = rest.split_once(' ').unwrap_or((rest, ""));
            let degrees = at.split_once(',').and_then(|(lat, lng)| Some((lat.parse().ok()?, lng.parse().ok()?)));
            let Some(at) = degrees else { return wrong() };
            Said::Place { at, label: label.to_owned() }
        }
        "图文" => {
            let said = rest.trim_end_matches("照片").trim_end();
            let mut said = said;
            let mut photos = usize::from(said.len() < rest.len());
            while let Some(shorter) = said.strip_suffix(" 照片") {
                (said, photos) = (shorter, photos + 1);
            }
            if photos == 0 {
                return wrong();
            }
            Said::Rich(said.to_owned(), photos)
        }
        "按钮" => {
            let Some(key) = some() else { return wrong() };
            Said::Press(key)
        }
        "关注" => Said::Follow(some()),
        "取关" => Said::Leave,
        "满额" => Said::OverQuota,
        "重发" => Said::Again,
        // Stickers are words in brackets: [微笑].
        _ => return plain(),
    };
    if after.is_empty() { Ok(said) } else { wrong() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_say_what_is_sent() {
        for (words, said) in [
            ("前观津", Said::Words("前观津".into())),
            ("[微笑] 你好", Said::Words("[微笑] 你好".into())),
            ("[照片]", Said::Photos(1)),
            ("[照片 照片 照片]", Said::Photos(3)),
            ("[语音]", Said::Voice(None)),
            ("[语音 夜里有人抽水]", Said::Voice(Some("夜里有人抽水".into()))),
            ("[位置 37.8,115.9 审坡镇 前观津村]", Said::Place { at: (37.8, 115.9), label: "审坡镇 前观津村".into() }),
            ("[图文 办结 7 井已封填 照片 照片]", Said::Rich("办结 7 井已封填".into(), 2)),
            ("[回复照片] 反映", Said::ToPhoto("反映".into())),
            ("[回复“新工单 0007”] 签收", Said::ToText { quoted: "新工单 0007".into(), words: "签收".into() }),
            ("[按钮 反映]", Said::Press("反映".into())),
            ("[关注]", Said::Follow(None)),
            ("[关注 131122102214]", Said::Follow(Some("131122102214".into()))),
            ("[重发]", Said::Again),
        ] {
            assert_eq!(parse(words).unwrap(), said, "{words}");
        }
    }

    #[test]
    fn a_slip_in_brackets_is_not_taken_for_words() {
        for words in ["[照片] 看", "[位置 前观津]", "[图文 没有图]", "[按钮]", "[回复“没完] 好"] {
            assert!(parse(words).is_err(), "{words}");
        }
    }
}
