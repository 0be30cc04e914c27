//! Puts the rooms together: catalog, signals, intake with its ledger; and takes them apart in order.

use crate::clock::{SystemClock, SystemEntropy};
use crate::config::Config;
use crate::data_dir::{self, DataDir};
use crate::failure::Failure;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::runtime::Runtime;
use tollgate_catalog::Catalog;
use tollgate_intake::{Intake, IntakeOptions, Parts};
use tollgate_ledger::disk::RealDisk;
use tollgate_ledger::{LedgerError, Options, Running};
use tollgate_signals::{Signals, Watch};

/// How often data files and certificates are looked at for changes.
pub(crate) const WATCH_EVERY: Duration = Duration::from_secs(2);
/// How often the configuration learns what traffic told, and how long it rests after a failure.
const LEARN_EVERY: Duration = Duration::from_millis(250);
const LEARN_AGAIN: Duration = Duration::from_secs(10);

/// An open data directory.
pub(crate) struct House {
    pub(crate) runtime: Runtime,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) intake: Arc<Intake>,
    dir: DataDir,
}

/// A house in which events can be stored.
pub(crate) struct OpenHouse {
    pub(crate) house: House,
    running: Running,
    checkpoints: Ticker,
    _watch: Watch,
}

/// The runtime of everything that is not the gateway.
pub(crate) fn runtime() -> Result<Runtime, Failure> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(1).thread_name("management").enable_all();
    builder.build().map_err(Failure::because("the runtime cannot start"))
}

/// Where data files are read from.
pub(crate) fn signals_dir(config: &Config, root: &Path) -> PathBuf {
    config.signals_dir.clone().unwrap_or_else(|| root.join("signals"))
}

impl House {
    /// Opens everything in `dir`; nothing runs yet.
    pub(crate) fn open(config: &Config, dir: DataDir) -> Result<Self, Failure> {
        let runtime = runtime()?;
        let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
        let file = data_dir::catalog(dir.root());
        let catalog = runtime.block_on(Catalog::open(&file, clock.clone(), entropy.clone()));
        let catalog = Arc::new(catalog.map_err(Failure::new)?);
        let signals_dir = signals_dir(config, dir.root());
        if config.signals_dir.is_none() {
            // The default folder is there to put files into.
            std::fs::create_dir_all(&signals_dir)
                .map_err(Failure::because(format!("{} cannot be made", signals_dir.display())))?;
        }
        let signals = Signals::open(&signals_dir, clock.clone());
        let folder = data_dir::ledger(dir.root());
        let disk = RealDisk::new(&folder)
            .map_err(Failure::because(format!("{} cannot be made", folder.display())))?;
        let parts = Parts { disk: Arc::new(disk), catalog: catalog.clone(), signals, clock, entropy };
        let options = IntakeOptions { ledger: Options::default(), counter_bytes: config.counter_bytes };
        let (intake, opened) =
            Intake::open(parts, options).map_err(Failure::because(format!("{}", folder.display())))?;
        if opened.torn_tail {
            tracing::warn!(
                "the last write before the stop was not finished; it was never acknowledged and is cut"
            );
        }
        tracing::info!(events = opened.last_seq, unsealed = opened.open_rows, "ledger opened");
        Ok(Self { runtime, catalog, intake, dir })
    }

    /// Where it is.
    pub(crate) fn root(&self) -> &Path {
        self.dir.root()
    }

    /// Starts committing, sealing, checkpoints, and following configuration and data files.
    pub(crate) fn start(self, config: &Config) -> Result<OpenHouse, Failure> {
        let cannot = |what: &'static str| Failure::because::<std::io::Error>(format!("{what} cannot start"));
        let running = self.intake.ledger().start(Arc::new(on_fatal)).map_err(cannot("the ledger"))?;
        let intake = self.intake.clone();
        let checkpoints = Ticker::start("checkpoints", config.checkpoint_every, move || {
            if let Err(error) = intake.checkpoint() {
                tracing::error!(%error, "counters could not be written down; they will be tried again");
            }
        });
        let checkpoints = checkpoints.map_err(cannot("the checkpoint thread"))?;
        let watch = self.intake.signals().watch(WATCH_EVERY).map_err(cannot("the signals watcher"))?;
        let catalog = self.catalog.clone();
        self.runtime.spawn(async move { catalog.follow().await });
        self.runtime.spawn(learn(self.intake.clone()));
        let intake = Arc::downgrade(&self.intake);
        self.catalog.on_publish(move |snapshot| {
            if let Some(intake) = intake.upgrade() {
                intake.reconfigure(snapshot);
            }
        });
        Ok(OpenHouse { house: self, running, checkpoints, _watch: watch })
    }

    /// Closes the catalog in good order.
    pub(crate) fn close(self) {
        self.runtime.block_on(self.catalog.close());
    }
}

impl OpenHouse {
    /// Makes durable what was admitted, writes counters down, and closes everything.
    pub(crate) fn close(self) {
        let Self { house, running, checkpoints, _watch: watch } = self;
        drop(watch);
        house.intake.end_imports();
        checkpoints.stop();
        running.stop();
        if let Err(error) = house.intake.checkpoint() {
            tracing::error!(%error, "counters could not be written down; the next start counts again from the log");
        }
        // What is sealed and counted need not be read again.
        if let Err(error) = house.intake.ledger().keep() {
            tracing::warn!(%error, "log files that nothing needs any more stay until the next start");
        }
        house.close();
    }
}

/// Lets the configuration learn what traffic tells of apps and their locations, until the runtime ends.
async fn learn(intake: Arc<Intake>) {
    loop {
        tokio::time::sleep(LEARN_EVERY).await;
        if let Err(error) = intake.learn().await {
            tracing::error!(%error, "what traffic told of apps could not be stored; later events tell it again");
            tokio::time::sleep(LEARN_AGAIN).await;
        }
    }
}

/// The ledger cannot go on: an acknowledgement could no longer be kept. Ends the process at once, so that nothing
/// written in the meantime hides what happened.
fn on_fatal(error: &LedgerError) {
    tracing::error!(%error, "the ledger cannot go on; the process ends now. Acknowledged events are safe on the disk");
    std::process::abort();
}

/// Does something every so often on a thread of its own.
struct Ticker {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl Ticker {
    fn start(name: &str, every: Duration, work: impl Fn() + Send + 'static) -> std::io::Result<Self> {
        let (stop, stopped) = channel();
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(every) {
                work();
            }
        })?;
        Ok(Self { stop, thread })
    }

    fn stop(self) {
        drop(self.stop);
        // A ticker that panicked has nothing left to stop.
        let _ = self.thread.join();
    }
}
