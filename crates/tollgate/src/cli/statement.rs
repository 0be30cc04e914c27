//! `tollgate statement`: a month's statement of what apps earned.

use super::query::flag;
use super::{Common, QUIET, prepare};
use crate::control::Access;
use crate::failure::Failure;
use crate::upload::encoded;
use clap::{Args, ValueEnum};
use std::io::{self, Read, Write};
use std::process::ExitCode;
use tollgate_domain::OrganizationId;

const EXAMPLES: &str = "\
Examples:
  tollgate statement --data-dir ./data --month 2026-10
  tollgate statement --data-dir ./data --month 2026-10 --form html > statement.html

The server may run or not. docs/ANALYTICS.md says what is gross, invalid, net and due.";

/// Write what apps earned in a month: gross, invalid by sort and reason, net, what was taken back or came late, and due
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct StatementCommand {
    #[command(flatten)]
    common: Common,
    /// The month, as in 2026-10
    #[arg(long, value_name = "YYYY-MM")]
    month: String,
    /// IANA name of the zone that days are in
    #[arg(long, value_name = "ZONE", default_value = "America/Los_Angeles")]
    timezone: String,
    /// The organization's id; needed where there are several
    #[arg(long, value_name = "ID")]
    organization: Option<OrganizationId>,
    /// How it is written
    #[arg(long, value_enum, default_value = "csv")]
    form: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    Csv,
    Html,
}

impl StatementCommand {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let config = prepare(&self.common.flags(), QUIET)?;
        let access = Access::open(&config, "statement")?;
        let form = if self.form == Form::Html { "html" } else { "csv" };
        let of = self.organization.map_or(String::new(), |id| format!("/organizations/{id}"));
        let (month, zone) = (encoded(&self.month), encoded(&self.timezone));
        let line = format!("GET {of}/statements?month={month}&timezone={zone}&form={form}");
        let mut body = Vec::new();
        let read = access.ask(&line, "", flag).map(|mut answer| answer.read_to_end(&mut body));
        access.close();
        read?.map_err(Failure::because("the server's answer broke off"))?;
        let written = io::stdout().write_all(&body).and_then(|()| io::stdout().flush());
        written.map_err(Failure::because("standard output cannot be written"))?;
        Ok(ExitCode::SUCCESS)
    }
}
