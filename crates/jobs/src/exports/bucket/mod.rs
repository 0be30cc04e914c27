//! Files in a bucket of S3-compatible storage, by the `object_store` crate over the house's own client (ADR 6).
//!
//! An object has its name only when its upload is completed. Uploads that nobody completes keep bytes and are seen by nobody
//! but [`unfinished`], which ends them.

mod transport;
mod unfinished;
mod upload;

use super::artifacts::{Artifact, Artifacts, Pieces, READ_AHEAD, Stopped, Unfinished, is_ours};
use bytes::Bytes;
use futures_util::StreamExt;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{BackoffConfig, GetOptions, ObjectMeta, ObjectStore, ObjectStoreExt, RetryConfig};
use std::fmt;
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::mpsc::{self, Sender};
use tollgate_outbound::Outbound;
use transport::Transport;
use unfinished::Unfinisheds;
use upload::Upload;

/// How often a request is sent again that failed for no lasting reason, and until when.
const RETRIES: usize = 2;
const RETRY_FOR: Duration = Duration::from_secs(20);
/// Between two looks at whether what is waited for is still wanted.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Where a bucket is, and in whose name it is asked.
#[derive(Clone)]
pub struct BucketOptions {
    /// The address of the storage, as in `https://s3.eu-central-1.amazonaws.com`.
    pub endpoint: String,
    /// The region that requests are signed for.
    pub region: String,
    /// The bucket.
    pub bucket: String,
    /// What the names of objects begin with, without slashes around it; may be empty.
    pub prefix: String,
    /// Whose requests they are.
    pub access_key_id: String,
    /// What proves it.
    pub secret_access_key: String,
    /// What belongs to keys that are lent for a while.
    pub session_token: Option<String>,
}

/// Files as objects of a bucket, under one prefix.
pub struct Bucket {
    store: AmazonS3,
    unfinished: Unfinisheds,
    prefix: Path,
    asking: Asking,
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.store, self.prefix)
    }
}

impl Bucket {
    /// The bucket, asked through `outbound` on `runtime`. Nothing is asked yet.
    pub fn new(options: BucketOptions, outbound: Outbound, runtime: Handle) -> io::Result<Self> {
        let transport = Transport(outbound);
        let backoff =
            BackoffConfig { init_backoff: LOOK_EVERY, max_backoff: Duration::from_secs(2), base: 2.0 };
        let retry = RetryConfig { backoff, max_retries: RETRIES, retry_timeout: RETRY_FOR };
        let mut builder = AmazonS3Builder::new()
            .with_endpoint(&options.endpoint)
            .with_region(&options.region)
            .with_bucket_name(&options.bucket)
            .with_access_key_id(&options.access_key_id)
            .with_secret_access_key(&options.secret_access_key)
            // Not every storage knows the deletion of many at a time.
            .with_disable_bulk_delete(true)
            .with_retry(retry)
            .with_http_connector(transport.clone());
        if let Some(token) = &options.session_token {
            builder = builder.with_token(token);
        }
        let store = builder.build().map_err(failed)?;
        let prefix = Path::parse(&options.prefix).map_err(|error| failed(error.into()))?;
        let unfinished = Unfinisheds::new(&options, store.clone(), transport);
        Ok(Self { store, unfinished, prefix, asking: Asking { runtime, closed: Arc::default() } })
    }
}

impl Artifacts for Bucket {
    fn put(&self, name: &str, stopped: Stopped) -> io::Result<Box<dyn Unfinished>> {
        let path = self.prefix.clone().join(name);
        Ok(Box::new(Upload::new(self.store.clone(), path, self.asking.clone(), stopped)))
    }

    fn open(&self, name: &str) -> io::Result<Option<Arc<dyn Artifact>>> {
        let path = self.prefix.clone().join(name);
        let found = self.asking.wait(&never(), self.store.head(&path));
        let runtime = self.asking.runtime.clone();
        match found {
            Ok(meta) => Ok(Some(Arc::new(Object { store: self.store.clone(), meta, runtime }))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let path = self.prefix.clone().join(name);
        match self.asking.wait(&never(), self.store.delete(&path)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn list(&self) -> io::Result<Vec<(String, u64)>> {
        let listed = self.asking.wait(&never(), self.store.list_with_delimiter(Some(&self.prefix)))?;
        let named = |object: ObjectMeta| Some((object.location.filename()?.to_owned(), object.size));
        Ok(listed.objects.into_iter().filter_map(named).filter(|(name, _)| is_ours(name)).collect())
    }

    fn free_bytes(&self) -> io::Result<u64> {
        Ok(u64::MAX)
    }

    fn largest(&self) -> u64 {
        upload::LARGEST
    }

    fn tidy(&self, written: &[String]) -> io::Result<()> {
        self.asking.wait(&never(), self.unfinished.end(&self.prefix, written))
    }

    fn is_remote(&self) -> bool {
        true
    }

    fn close(&self) {
        self.asking.closed.store(true, Ordering::Relaxed);
    }
}

/// Waiting for the storage on a thread that may be blocked.
#[derive(Clone)]
struct Asking {
    runtime: Handle,
    closed: Arc<AtomicBool>,
}

impl Asking {
    /// What the storage answers, unless it is not wanted any more.
    fn wait<T>(
        &self,
        stopped: &Stopped,
        asked: impl Future<Output = object_store::Result<T>>,
    ) -> io::Result<T> {
        let given_up = async {
            while !stopped() && !self.closed.load(Ordering::Relaxed) {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        self.runtime.block_on(async {
            tokio::select! {
                biased;
                answer = asked => answer.map_err(failed),
                () = given_up => Err(ErrorKind::ConnectionAborted.into()),
            }
        })
    }
}

/// For what is wanted as long as the process goes on.
fn never() -> Stopped {
    Arc::new(|| false)
}

/// The error, with the kind that [`Artifacts`] promises.
fn failed(error: object_store::Error) -> io::Error {
    let kind = match &error {
        object_store::Error::NotFound { .. } => ErrorKind::NotFound,
        object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. } => {
            ErrorKind::PermissionDenied
        }
        _ => ErrorKind::HostUnreachable,
    };
    io::Error::new(kind, error)
}

/// A whole object.
struct Object {
    store: AmazonS3,
    meta: ObjectMeta,
    runtime: Handle,
}

impl Artifact for Object {
    fn size(&self) -> u64 {
        self.meta.size
    }

    fn read(self: Arc<Self>, part: Range<u64>) -> Pieces {
        let (told, pieces) = mpsc::channel(READ_AHEAD);
        self.runtime.clone().spawn(async move { self.tell(part, told).await });
        pieces
    }
}

impl Object {
    /// Reads a part for whoever takes it.
    async fn tell(&self, part: Range<u64>, to: Sender<io::Result<Bytes>>) {
        // Another object of the same name is another file.
        let options = GetOptions::new().with_range(Some(part)).with_if_match(self.meta.e_tag.clone());
        let mut pieces = match self.store.get_opts(&self.meta.location, options).await {
            Ok(found) => found.into_stream(),
            Err(error) => return drop(to.send(Err(failed(error))).await),
        };
        while let Some(piece) = pieces.next().await {
            if to.send(piece.map_err(failed)).await.is_err() {
                return;
            }
        }
    }
}
