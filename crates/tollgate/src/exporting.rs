//! Exports while a server runs: opened before it listens, ended at once when it is to stop, closed when it has answered
//! its last request.

use crate::clock::{SystemClock, SystemEntropy};
use crate::compose::House;
use crate::config::{Config, S3Config};
use crate::data_dir;
use crate::failure::Failure;
use crate::serve::outbound_options;
use ipnet::{Ipv4Net, Ipv6Net};
use std::sync::Arc;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tollgate_jobs::exports::{Artifacts, Bucket, Exports, Folder, Options, Parts};
use tollgate_outbound::{self as outbound, Outbound};

/// Opens the records of exports and the place of their files.
pub(crate) fn open(config: &Config, house: &House) -> Result<Arc<Exports>, Failure> {
    let parts = Parts {
        ledger: house.intake.ledger().clone(),
        artifacts: artifacts(config, house)?,
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
        options: Options {
            workers: config.export_workers,
            file_bytes: config.export_bytes,
            reserve_bytes: config.export_reserve_bytes,
            retention: config.export_retention,
            link_lifetime: config.export_link_lifetime,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            ..Options::default()
        },
    };
    let file = data_dir::export_records(house.root());
    house.runtime.block_on(Exports::open(&file, parts)).map_err(Failure::new)
}

/// Where files go: a bucket, or a folder.
fn artifacts(config: &Config, house: &House) -> Result<Arc<dyn Artifacts>, Failure> {
    if let Some(S3Config { bucket, plain_http }) = &config.exports_s3 {
        let options = outbound::Options {
            // The operator himself says where it is.
            allow: vec![Ipv4Net::default().into(), Ipv6Net::default().into()],
            plain_http: *plain_http,
            ..outbound_options(config)?
        };
        let client = Outbound::new(options).map_err(Failure::because("outbound_authorities"))?;
        let bucket = Bucket::new(bucket.clone(), client, house.runtime.handle().clone());
        return Ok(Arc::new(bucket.map_err(Failure::because("exports_s3_bucket cannot be used"))?));
    }
    let folder = config.exports_dir.clone().unwrap_or_else(|| data_dir::exports(house.root()));
    let opened = Folder::open(&folder);
    Ok(Arc::new(
        opened.map_err(Failure::because(format!("exports_dir {} cannot be used", folder.display())))?,
    ))
}

/// Exports under way.
pub(crate) struct Exporting {
    exports: Arc<Exports>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Exporting {
    /// Begins to write what waits.
    pub(crate) fn start(runtime: &Runtime, exports: Arc<Exports>) -> Self {
        let (stop, stopped) = watch::channel(false);
        let task = runtime.spawn(exports.clone().run(stopped));
        Self { exports, stop, task }
    }

    /// Ends what is under way; it begins again after the next start. More can still be asked for.
    pub(crate) fn stop(&mut self, runtime: &Runtime) {
        // A task that is gone has nothing left to stop.
        let _ = self.stop.send(true);
        let _ = runtime.block_on(&mut self.task);
    }

    /// Closes the records.
    pub(crate) fn close(self, runtime: &Runtime) {
        runtime.block_on(self.exports.close());
    }
}
