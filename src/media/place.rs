//! Where sealed files lie: in a folder, or in a bucket of an S3-compatible store. Both through `object_store`.

use crate::{
    config,
    error::{Error, Result},
};
use object_store::{
    ClientOptions, ObjectStore, ObjectStoreExt, RetryConfig, aws::AmazonS3Builder, local::LocalFileSystem, path::Path as Name,
};
use secrecy::ExposeSecret;
use std::{fs, path::Path, sync::Arc, time::Duration};

/// One try of an upload or download.
const CALL_LIMIT: Duration = Duration::from_secs(30);
/// All tries of one, below the lease of a media row together with the download before it.
const RETRY_LIMIT: Duration = Duration::from_secs(40);
const RETRIES: usize = 2;
/// The largest video is half of this; whatever is larger was not put there by us.
const MOST: u64 = 64 << 20;

/// Where the files of an installation lie. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Place {
    store: Arc<dyn ObjectStore>,
    prefix: Name,
    /// A folder of this machine keeps halves of files after a crash, which its store does not show.
    folder: Option<Arc<Path>>,
}

impl Place {
    /// The place of a configuration. A folder is made when it is missing; a bucket is not asked yet.
    ///
    /// # Errors
    /// A folder that cannot be made; an endpoint that is no address.
    pub fn open(config: &config::Media) -> Result<Self> {
        match config {
            config::Media::Folder(folder) => {
                let failed = |why: &dyn std::fmt::Display| Error::user(format!("{}: 打不开或写不了（{why}）", folder.display()));
                fs::create_dir_all(folder).map_err(|error| failed(&error))?;
                let store = LocalFileSystem::new_with_prefix(folder).map_err(|error| failed(&error))?;
                // A row must not be ready before its file is on the disk.
                let store = Arc::new(store.with_fsync(true));
                Ok(Place { store, prefix: Name::default(), folder: Some(folder.as_path().into()) })
            }
            config::Media::S3(s3) => {
                let http = ClientOptions::new().with_timeout(CALL_LIMIT).with_connect_timeout(Duration::from_secs(5));
                let retry = RetryConfig { max_retries: RETRIES, retry_timeout: RETRY_LIMIT, ..RetryConfig::default() };
                let store = AmazonS3Builder::new()
                    .with_endpoint(&s3.endpoint)
                    .with_bucket_name(&s3.bucket)
                    .with_region(&s3.region)
                    .with_access_key_id(s3.access_key.expose_secret())
                    .with_secret_access_key(s3.secret_key.expose_secret())
                    .with_virtual_hosted_style_request(s3.virtual_host)
                    .with_client_options(http.with_allow_http(s3.endpoint.starts_with("http://")))
                    .with_retry(retry)
                    .build()
                    .map_err(|error| Error::user(format!("media.s3 用不了（{error}）")))?;
                Ok(Place { store: Arc::new(store), prefix: Name::from(s3.prefix.as_str()), folder: None })
            }
        }
    }

    /// Puts a file there, whole and lasting or not at all; one of the same name is replaced.
    pub(super) async fn put(&self, name: &str, sealed: Vec<u8>) -> Result<()> {
        self.store.put(&self.name(name), sealed.into()).await.map(|_| ()).map_err(|error| failed("put away", &error))
    }

    /// The bytes of a file.
    pub(super) async fn get(&self, name: &str) -> Result<Vec<u8>> {
        let found = self.store.get(&self.name(name)).await.map_err(|error| failed("read", &error))?;
        if found.meta.size > MOST {
            return Err(Error::fault("a media file is larger than any that was kept"));
        }
        found.bytes().await.map(Vec::from).map_err(|error| failed("read", &error))
    }

    /// Deletes a file; there may be none.
    pub(super) async fn delete(&self, name: &str) -> Result<()> {
        match self.store.delete(&self.name(name)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(failed("delete", &error)),
        }
    }

    /// Deletes what a crash left beside this file. Nothing reads it, so failing is no harm.
    pub(super) fn tidy(&self, name: &str) {
        let Some(folder) = &self.folder else { return };
        let path = folder.join(name);
        let (Some(folder), Some(file)) = (path.parent(), path.file_name()) else { return };
        let Ok(entries) = fs::read_dir(folder) else { return };
        for entry in entries.flatten() {
            let half = entry.file_name();
            if half.to_string_lossy().strip_prefix(&*file.to_string_lossy()).is_some_and(|rest| rest.starts_with('#')) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    fn name(&self, name: &str) -> Name {
        Name::from_iter(self.prefix.parts().chain(Name::from(name).parts()))
    }
}

/// The kind alone: the text of an error holds addresses, and what a store answers is not ours to log.
fn failed(what: &str, error: &object_store::Error) -> Error {
    let kind = match error {
        object_store::Error::NotFound { .. } => "not found",
        object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. } => "not allowed",
        object_store::Error::Generic { .. } => "the store does not answer or has no room",
        _ => "unexpected answer",
    };
    Error::fault(format!("cannot {what} a media file: {kind}"))
}
