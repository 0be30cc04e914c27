//! `tollgate ledger`: the history as files for programs that others wrote.

use super::{Bar, Common, QUIET, prepare};
use crate::control::{Access, absolute, follow};
use crate::failure::Failure;
use clap::{Args, Subcommand};
use indicatif::HumanBytes;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use tollgate_http::control::{PUBLICATIONS, PublishRequest};
use tollgate_ledger::publish::Published;

const EXAMPLES: &str = "\
Examples:
  tollgate ledger publish --data-dir ./data /srv/history
  cd /srv/history && duckdb -init views.duckdb.sql -c 'SELECT country, count(*) FROM clicks GROUP BY country'

The server may run or not.";

const PUBLISH: &str = "\
Examples:
  tollgate ledger publish --data-dir ./data /srv/history
  tollgate ledger publish --data-dir ./data --copy --json /mnt/other-disk/history

DIR gets one cut of the history as Parquet files, a folder for each kind of events, with what was amended beside them;
views of them for DuckDB and ClickHouse, which show what reports show; and manifest.json, which says which cut it is and
what the files are. It must not exist, be empty, or hold an earlier publication: that is replaced in one step where the
file system can do that, else there is a moment without any. Until then, and when this fails, DIR stays as it is.

Files are hard links to the ledger's own where DIR is on the same file system and no rows are deleted, so they cost no
space: read them, never write into them, or copy them with --copy. DIR can be read by its owner alone unless it was there
before with other permissions. It is a copy that later deletions of persons' events do not reach: publish again, or remove
it (docs/PRIVACY.md). docs/FORMATS.md says what the files hold.";

/// Hand the history to other programs
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct LedgerCommand {
    #[command(subcommand)]
    command: Which,
}

#[derive(Debug, Subcommand)]
enum Which {
    /// Write one consistent cut of all events as Parquet, with views in SQL
    #[command(after_help = PUBLISH)]
    Publish(Publish),
}

#[derive(Debug, Args)]
struct Publish {
    #[command(flatten)]
    common: Common,
    /// Copy files even where they could be linked
    #[arg(long)]
    copy: bool,
    /// Print what was published as one JSON object
    #[arg(long)]
    json: bool,
    /// The folder
    dir: PathBuf,
}

impl LedgerCommand {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let Which::Publish(publish) = self.command;
        publish.run()
    }
}

impl Publish {
    fn run(self) -> Result<ExitCode, Failure> {
        let config = prepare(&self.common.flags(), QUIET)?;
        let request = PublishRequest { dir: absolute(&self.dir)?, copy: self.copy };
        let access = Access::open(&config, "ledger publish")?;
        let published = publish(&access, &request);
        access.close();
        let published = published?;
        if self.json {
            println!("{}", serde_json::to_string(&published).map_err(Failure::new)?);
        } else {
            let Published { cut, rows, amendments, files, linked, bytes } = published;
            println!(
                "{rows} events and {amendments} amendments up to seq {cut} in {}: {files} files ({linked} linked), {}",
                self.dir.display(),
                HumanBytes(bytes)
            );
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn publish(access: &Access, request: &PublishRequest) -> Result<Published, Failure> {
    let body = serde_json::to_string(request).map_err(Failure::new)?;
    let answer = access.ask(&format!("POST {PUBLICATIONS}"), &body, str::to_owned)?;
    let bar = Bar::new();
    let end = follow(answer, &mut io::sink(), &mut |share| bar.show(share));
    drop(bar);
    serde_json::from_value(end?).map_err(Failure::new)
}
