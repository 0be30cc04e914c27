//! The `tollgate` binary: configuration, command line, composition and lifecycle. The only place that names a backend,
//! reads the environment, or asks the machine for time and randomness.

mod cli;
mod clock;
mod compose;
mod config;
mod console;
mod control;
mod data_dir;
mod demo;
mod doctor;
mod explained;
mod exporting;
mod failure;
mod generate;
mod logging;
mod metrics;
mod random;
mod rejects;
mod reporting;
mod sending;
mod serve;
mod tabular;
mod upload;

use std::process::ExitCode;

/// Judging allocates little, but on several threads at once.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::run()
}
