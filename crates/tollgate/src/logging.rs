//! Logs: structured, on standard error, never with addresses, device ids or secrets.

use crate::config::{Config, LogFormat};
use crate::failure::Failure;
use std::io::{self, IsTerminal};
use tracing_subscriber::EnvFilter;

/// Starts logging as the configuration says.
pub(crate) fn start(config: &Config) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(&config.log).map_err(|error| {
        Failure::misuse(format!("log: {error}; as in `info` or `info,tollgate_ledger=debug`"))
    })?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    let started = match config.log_format {
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
        LogFormat::Text => builder.with_ansi(io::stderr().is_terminal()).with_target(false).try_init(),
    };
    started.map_err(Failure::because("logging cannot start"))
}
