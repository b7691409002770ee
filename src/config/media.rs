//! Where pictures, voice and video are kept: `[media]`.

use super::read::{Fields, Problem, Table};
use secrecy::SecretString;
use std::{fmt, path::PathBuf};

/// Where media are kept.
#[derive(Debug, Clone)]
pub enum Media {
    /// A folder of this machine.
    Folder(PathBuf),
    /// A bucket.
    S3(S3),
}

impl fmt::Display for Media {
    /// Where it is, without keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Media::Folder(folder) => write!(f, "{}", folder.display()),
            Media::S3(s3) => write!(f, "{}/{}/{}", s3.endpoint, s3.bucket, s3.prefix),
        }
    }
}

/// A bucket of an S3-compatible store.
#[derive(Debug, Clone)]
pub struct S3 {
    /// Scheme, host and port, without a slash at the end.
    pub endpoint: String,
    /// The bucket, which must exist.
    pub bucket: String,
    /// The region that signatures name.
    pub region: String,
    /// Whose key.
    pub access_key: SecretString,
    /// The key.
    pub secret_key: SecretString,
    /// Stands before every name, without slashes at its ends; may be empty.
    pub prefix: String,
    /// The bucket is part of the host's name instead of the path.
    pub virtual_host: bool,
}

/// The table `[media]`; what is wrong becomes a problem.
pub(super) fn media(table: &Table, problems: &mut Vec<Problem>) -> Media {
    let mut fields = Fields::new("media", table, problems);
    let dir = fields.text("dir");
    let s3 = fields.table("s3");
    if dir.is_some() && s3.is_some() {
        fields.wrong("s3", "dir 和 s3 只能写一个");
    }
    fields.finish();
    match s3.and_then(|table| bucket(table, problems)) {
        Some(s3) => Media::S3(s3),
        None => Media::Folder(dir.unwrap_or_else(|| "data/media".into()).into()),
    }
}

fn bucket(table: &Table, problems: &mut Vec<Problem>) -> Option<S3> {
    let mut fields = Fields::new("media.s3", table, problems);
    let endpoint = fields.required("endpoint", "https://主机 或 https://主机:端口");
    if endpoint.as_ref().is_some_and(|url| super::host_of(url).is_none()) {
        fields.wrong("endpoint", "应当是 https://主机:端口 这样的网址");
    }
    let bucket = fields.required("bucket", "桶的名字，要先建好");
    let access_key = fields.required("access_key", "访问密钥的编号");
    let secret_key = fields.required("secret_key", "访问密钥，可以写 file:/路径");
    let region = fields.text("region").unwrap_or_else(|| "us-east-1".into());
    let prefix = fields.text("prefix").unwrap_or_default();
    let virtual_host = fields.flag("virtual_host");
    fields.finish();
    Some(S3 {
        endpoint: endpoint?.trim_end_matches('/').to_owned(),
        bucket: bucket?,
        region,
        access_key: access_key?.into(),
        secret_key: secret_key?.into(),
        prefix: prefix.trim_matches('/').to_owned(),
        virtual_host,
    })
}
