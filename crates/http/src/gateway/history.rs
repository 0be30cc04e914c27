//! Reading history for the gateway: on other threads, so that a slow disk does not hold up the core's other requests.

use super::{Core, unavailable};
use crate::error::ApiError;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tollgate_intake::{History, Lookup};

/// Look-ups of one core that may be under way.
const READERS: usize = 64;

/// Permits to read.
pub(super) struct Readers(Arc<Semaphore>);

impl Default for Readers {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(READERS)))
    }
}

impl Core {
    /// What history says about one event. It is refused when too many wait already.
    pub(super) async fn look_up(&self, lookup: Lookup) -> Result<History, ApiError> {
        let permit = self.readers.0.clone().try_acquire_owned();
        let permit =
            permit.map_err(|_| unavailable(&"too many events wait for what history says of them"))?;
        let history = run(permit, move || lookup.run()).await?;
        history.map_err(|error| ApiError::internal("reading history", &error))
    }

    /// Does work that reads history, once it is its turn.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        let permit = self.readers.0.clone().acquire_owned().await;
        let permit = permit.map_err(|closed| ApiError::internal("reading history", &closed))?;
        run(permit, work).await
    }
}

/// The permit is given back when the work ends, also when nobody waits for it any more.
async fn run<T: Send + 'static>(
    permit: OwnedSemaphorePermit,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ApiError> {
    let work = move || {
        let result = work();
        drop(permit);
        result
    };
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|panicked| ApiError::internal("reading history", &panicked))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn a_permit_is_held_as_long_as_the_work_takes() {
        let readers = Arc::new(Semaphore::new(1));
        let (end, ended) = std::sync::mpsc::channel::<()>();
        let permit = readers.clone().try_acquire_owned().unwrap();
        let waiting = run(permit, move || ended.recv());
        assert!(tokio::time::timeout(Duration::from_millis(20), waiting).await.is_err());
        assert!(readers.try_acquire().is_err(), "whoever waited is gone, the work is not");
        end.send(()).unwrap();
        assert!(tokio::time::timeout(Duration::from_secs(5), readers.acquire()).await.is_ok());
    }
}
