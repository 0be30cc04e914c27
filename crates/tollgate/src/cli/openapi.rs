//! `tollgate openapi`.

use crate::failure::Failure;
use clap::Args;
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  tollgate openapi > openapi.json

A running server answers the same at /openapi.json, and shows it as a page at /docs.";

/// Print the OpenAPI document of the management API
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Openapi {}

impl Openapi {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        print!("{}", tollgate_http::openapi::document());
        Ok(ExitCode::SUCCESS)
    }
}
