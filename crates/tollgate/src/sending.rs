//! Outgoing postbacks while a server runs: opened before it listens, stopped after it stopped answering.

use crate::clock::{SystemClock, SystemEntropy};
use crate::compose::House;
use crate::config::Config;
use crate::data_dir;
use crate::failure::Failure;
use crate::serve::outbound_options;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tollgate_jobs::postbacks::{Parts, Postbacks};

/// Opens the file of postbacks. What the ledger took in since it was read last is sent once they run.
pub(crate) fn open(config: &Config, house: &House) -> Result<Arc<Postbacks>, Failure> {
    let parts = Parts {
        catalog: house.catalog.clone(),
        ledger: house.intake.ledger().clone(),
        outbound: outbound_options(config)?,
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
    };
    house.runtime.block_on(Postbacks::open(&data_dir::postbacks(house.root()), parts)).map_err(Failure::new)
}

/// Postbacks on their way.
pub(crate) struct Sending {
    postbacks: Arc<Postbacks>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Sending {
    /// Begins to follow the ledger and to send. `grace` is what attempts get to end when it stops.
    pub(crate) fn start(runtime: &Runtime, postbacks: Arc<Postbacks>, grace: Duration) -> Self {
        let (stop, stopped) = watch::channel(false);
        let task = runtime.spawn(postbacks.clone().run(stopped, grace));
        Self { postbacks, stop, task }
    }

    /// Ends what is under way and closes the file.
    pub(crate) fn stop(self, runtime: &Runtime) {
        // A task that is gone has nothing left to stop.
        let _ = self.stop.send(true);
        let _ = runtime.block_on(self.task);
        runtime.block_on(self.postbacks.close());
    }
}
