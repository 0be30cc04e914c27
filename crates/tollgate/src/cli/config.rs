//! `tollgate config check`.

use super::{Common, QUIET, Serving};
use crate::config::Config;
use crate::failure::Failure;
use crate::serve::outbound;
use clap::{Args, Subcommand};
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  tollgate config check
  tollgate config check --config /etc/tollgate.toml
  TOLLGATE_LISTEN=0.0.0.0:80 tollgate config check

What is printed is itself a configuration file. Secrets are left out. A certificate that cannot be used, or does not
match its key, is told as well, and so are authorities that cannot be read.";

/// Look at the configuration
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ConfigCommand {
    #[command(subcommand)]
    command: Which,
}

#[derive(Debug, Subcommand)]
enum Which {
    /// Check file, environment and flags as a whole, and print what is in force and where it comes from
    ///
    /// As in `tollgate config check --config /etc/tollgate.toml`.
    #[command(after_help = EXAMPLES)]
    Check {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        serving: Serving,
    },
}

impl ConfigCommand {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let Which::Check { common, serving } = self.command;
        let config = Config::load(&serving.add_to(common.flags()), QUIET)?;
        for name in &config.strangers {
            eprintln!("note: the variable {name} is not a setting");
        }
        print!("{}", config.printed());
        if let Some(tls) = &config.tls {
            tls.files.inspect().map_err(Failure::misuse)?;
        }
        outbound(&config)?;
        Ok(ExitCode::SUCCESS)
    }
}
