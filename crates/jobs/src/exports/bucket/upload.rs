//! One object on its way: parts of equal size, one being filled while the one before is sent.

use super::{Asking, failed};
use crate::exports::artifacts::{Stopped, Unfinished};
use object_store::aws::AmazonS3;
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStoreExt};
use std::io::{self, Write};
use std::time::Duration;
use tokio::task::JoinHandle;

/// Bytes of a part. All but the last are equal, as some storages want it.
const PART: usize = 16 << 20;
/// Bytes of an object: it has at most 10,000 parts.
pub(super) const LARGEST: u64 = PART as u64 * 10_000;
/// How long the end of an upload that is not wanted any more is waited for; the next look at what is left ends it otherwise.
const LET_GO: Duration = Duration::from_secs(2);

/// An object that is not whole yet.
pub(super) struct Upload {
    store: AmazonS3,
    path: Path,
    asking: Asking,
    stopped: Stopped,
    /// What is to be sent next.
    part: Vec<u8>,
    /// None before the first part is full, and once the object is whole.
    begun: Option<Box<dyn MultipartUpload>>,
    sending: Option<JoinHandle<object_store::Result<()>>>,
    written: u64,
}

impl Upload {
    pub(super) fn new(store: AmazonS3, path: Path, asking: Asking, stopped: Stopped) -> Self {
        let (part, begun, sending) = (Vec::new(), None, None);
        Self { store, path, asking, stopped, part, begun, sending, written: 0 }
    }

    /// Sends what is filled, once the part before has arrived.
    fn send(&mut self) -> io::Result<()> {
        self.wait_for_part()?;
        let Self { store, path, asking, stopped, .. } = self;
        let begun = match &mut self.begun {
            Some(begun) => begun,
            none => none.insert(asking.wait(stopped, store.put_multipart(path))?),
        };
        let part = std::mem::take(&mut self.part);
        self.sending = Some(asking.runtime.spawn(begun.put_part(part.into())));
        Ok(())
    }

    fn wait_for_part(&mut self) -> io::Result<()> {
        let Some(sending) = &mut self.sending else { return Ok(()) };
        let sent = self.asking.wait(&self.stopped, async { Ok(sending.await) })?;
        self.sending = None;
        sent.map_err(io::Error::other)?.map_err(failed)
    }
}

impl Write for Upload {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(PART - self.part.len());
        self.part.extend_from_slice(&bytes[..taken]);
        self.written += taken as u64;
        if self.part.len() == PART {
            self.send()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Unfinished for Upload {
    fn finish(mut self: Box<Self>) -> io::Result<u64> {
        if self.begun.is_none() {
            let whole = std::mem::take(&mut self.part);
            self.asking.wait(&self.stopped, self.store.put(&self.path, whole.into()))?;
            return Ok(self.written);
        }
        if !self.part.is_empty() {
            self.send()?;
        }
        self.wait_for_part()?;
        if let Some(begun) = &mut self.begun {
            self.asking.wait(&self.stopped, begun.complete())?;
        }
        self.begun = None;
        Ok(self.written)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if let Some(sending) = self.sending.take() {
            sending.abort();
        }
        if let Some(mut begun) = self.begun.take() {
            let ended =
                self.asking.runtime.block_on(async { tokio::time::timeout(LET_GO, begun.abort()).await });
            if !matches!(ended, Ok(Ok(()))) {
                tracing::warn!(path = %self.path, "an upload that is not wanted any more could not be ended; that is tried again");
            }
        }
    }
}
