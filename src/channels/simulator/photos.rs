//! Pictures that the page uploads, kept under a hash of their content: the same picture twice is one file.

use sha2::{Digest, Sha256};
use std::{
    io,
    path::{Path, PathBuf},
};

/// The largest picture that is taken, in bytes.
pub const MAX_PHOTO: usize = 5 << 20;

/// The folder with the pictures.
pub struct Photos {
    dir: PathBuf,
}

impl Photos {
    /// Opens or makes the folder.
    pub fn open(dir: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(dir)?;
        Ok(Photos { dir: dir.to_owned() })
    }

    /// Keeps a picture and gives its id; `None` when the bytes are no picture or too many.
    pub async fn keep(&self, bytes: &[u8]) -> io::Result<Option<String>> {
        if bytes.len() > MAX_PHOTO || kind(bytes).is_none() {
            return Ok(None);
        }
        let id: String = Sha256::digest(bytes).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        // Written aside and renamed, so that a picture is there as a whole or not at all.
        let aside = self.dir.join(format!("{id}.new"));
        tokio::fs::write(&aside, bytes).await?;
        tokio::fs::rename(&aside, self.dir.join(&id)).await?;
        Ok(Some(id))
    }

    /// The bytes of a picture, `None` when there is none of that id.
    pub async fn read(&self, id: &str) -> io::Result<Option<Vec<u8>>> {
        if !is_id(id) {
            return Ok(None);
        }
        match tokio::fs::read(self.dir.join(id)).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Forgets all pictures.
    pub async fn clear(&self) -> io::Result<()> {
        tokio::fs::remove_dir_all(&self.dir).await?;
        tokio::fs::create_dir_all(&self.dir).await
    }
}

/// Could this be the id of a picture? 32 lower-case hexadecimal digits, so that it is safe as a file name.
pub fn is_id(id: &str) -> bool {
    id.len() == 32 && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// The content type of a picture by its first bytes; `None` for anything but PNG, JPEG and WebP.
pub fn kind(bytes: &[u8]) -> Option<&'static str> {
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        Some("image/png")
    } else if bytes.starts_with(b"\xff\xd8\xff") {
        Some("image/jpeg")
    } else if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        Some("image/webp")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_known_by_their_content() {
        for (bytes, expected) in [
            (&b"\x89PNG\r\n\x1a\n...."[..], Some("image/png")),
            (b"\xff\xd8\xff\xe0", Some("image/jpeg")),
            (b"RIFF\x10\0\0\0WEBPVP8 ", Some("image/webp")),
            (b"RIFF\x10\0\0\0WAVEfmt ", None),
            (b"GIF89a", None),
            (b"<svg onload=alert(1)>", None),
            (b"", None),
        ] {
            assert_eq!(kind(bytes), expected, "{bytes:?}");
        }
    }

    #[tokio::test]
    async fn the_same_picture_twice_is_one_file_and_clearing_forgets_it() {
        let dir = tempfile::tempdir().unwrap();
        let photos = Photos::open(&dir.path().join("photos")).unwrap();
        let picture = b"\xff\xd8\xff\xe0 well";
        let id = photos.keep(picture).await.unwrap().unwrap();
        assert!(is_id(&id));
        assert_eq!(photos.keep(picture).await.unwrap(), Some(id.clone()));
        assert_eq!(photos.read(&id).await.unwrap().as_deref(), Some(&picture[..]));
        assert_eq!(photos.keep(b"no picture").await.unwrap(), None);
        assert_eq!(photos.read("../simulator.jsonl").await.unwrap(), None);
        photos.clear().await.unwrap();
        assert_eq!(photos.read(&id).await.unwrap(), None);
    }
}
