//! `tollgate init`.

use super::{Common, QUIET, prepare};
use crate::clock::{SystemClock, SystemEntropy};
use crate::compose;
use crate::data_dir::DataDir;
use crate::failure::Failure;
use clap::Args;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use tollgate_catalog::init::{InitOptions, Initialised, initialise};

const EXAMPLES: &str = "\
Examples:
  tollgate init --data-dir ./data
  tollgate init --data-dir ./data --organization Acme --email ops@acme.example --json > credentials.json

The directory must be absent or empty. The credentials are shown this once: only hashes of them are kept.
A second init is refused and changes nothing.";

/// Make a data directory: an organization, its administrator, credentials and a first integration
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Init {
    #[command(flatten)]
    common: Common,
    /// The organization's name
    #[arg(long, value_name = "NAME", default_value = "My organization")]
    organization: String,
    /// The administrator's address
    #[arg(long, value_name = "ADDRESS", default_value = "admin@example.com")]
    email: String,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Makes a data directory and answers what was made.
pub(super) fn make(root: &Path, options: &InitOptions) -> Result<(DataDir, Initialised), Failure> {
    let dir = DataDir::create(root, "init")?;
    let runtime = compose::runtime()?;
    let made = runtime.block_on(initialise(root, options, Arc::new(SystemClock), Arc::new(SystemEntropy)));
    Ok((dir, made.map_err(Failure::new)?))
}

impl Init {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let config = prepare(&self.common.flags(), QUIET)?;
        let root = config.data_dir()?;
        let options = InitOptions { organization: self.organization, email: self.email };
        let (_dir, made) = make(root, &options)?;
        if self.json {
            println!("{}", made.to_json());
        } else {
            let (shown, pretty) = (root.display(), made.to_json());
            println!(
                "{pretty:#}\n\nThese credentials are shown this once; keep them. Next:\n  tollgate serve --data-dir {shown}"
            );
        }
        Ok(ExitCode::SUCCESS)
    }
}
