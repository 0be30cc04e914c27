//! Jobs of reports while a server runs: opened before it listens, ended at once when it is to stop.

use crate::clock::{SystemClock, SystemEntropy};
use crate::compose::House;
use crate::config::Config;
use crate::data_dir;
use crate::failure::Failure;
use std::sync::Arc;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tollgate_jobs::analytics::{Analytics, Options, Parts};

/// Opens the folder of jobs.
pub(crate) fn open(config: &Config, house: &House) -> Result<Arc<Analytics>, Failure> {
    let folder = data_dir::analytics(house.root());
    let parts = Parts {
        catalog: house.catalog.clone(),
        ledger: house.intake.ledger().clone(),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
        options: Options {
            rows: config.report_rows,
            reserve_bytes: config.export_reserve_bytes,
            ..Options::default()
        },
    };
    let cannot = Failure::because(format!("{} cannot be used", folder.display()));
    Analytics::open(&folder, parts).map_err(cannot)
}

/// Jobs under way.
pub(crate) struct Reporting {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Reporting {
    /// Begins with what waits.
    pub(crate) fn start(runtime: &Runtime, analytics: Arc<Analytics>) -> Self {
        let (stop, stopped) = watch::channel(false);
        Self { stop, task: runtime.spawn(analytics.run(stopped)) }
    }

    /// Ends what is under way; it begins again after the next start.
    pub(crate) fn stop(self, runtime: &Runtime) {
        // A task that is gone has nothing left to stop.
        let _ = self.stop.send(true);
        let _ = runtime.block_on(self.task);
    }
}
