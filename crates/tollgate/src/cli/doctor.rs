//! `tollgate doctor`.

use super::{Certificate, Common, QUIET, prepare};
use crate::doctor::{Further, examine};
use crate::failure::{FAILED, Failure};
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  tollgate doctor --data-dir ./data
  tollgate doctor --data-dir ./data --json
  tollgate doctor --data-dir ./data --rejudge

It looks at the data directory, the catalog, the ledger (every byte of it, when the server is stopped), the data
files and their age, the certificate of HTTPS, the clock and the disk, and changes nothing. `--rejudge`, with the server stopped, opens the
ledger as a start would, judges every live event again from the first on and compares the verdicts. The sums that the
ledger keeps for its reports are compared with the events of some segments, with `--sums` of all. The exit code is
1 when something is wrong; notes and warnings leave it 0.";

/// Examine a data directory and say what is wrong
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Doctor {
    #[command(flatten)]
    common: Common,
    /// Data files: countries, address ranges, user agents [default: DATA_DIR/signals]
    #[arg(long, value_name = "DIR")]
    signals_dir: Option<PathBuf>,
    #[command(flatten)]
    certificate: Certificate,
    /// Judge all of history again and compare; the server must be stopped
    #[arg(long)]
    rejudge: bool,
    /// Compare all sums that the ledger keeps with its events, not those of some segments
    #[arg(long)]
    sums: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Doctor {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let flags = self.common.flags().with_path("signals_dir", self.signals_dir.as_ref());
        let flags = self.certificate.add_to(flags);
        // What is wrong with a data file is a finding; the log would say it a second time.
        let config = prepare(&flags, super::Defaults { log: "error", ..QUIET })?;
        let findings =
            examine(&config, config.data_dir()?, Further { rejudge: self.rejudge, sums: self.sums });
        if self.json {
            println!("{}", findings.to_json());
        } else {
            print!("{findings}");
        }
        Ok(if findings.is_well() { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
    }
}
