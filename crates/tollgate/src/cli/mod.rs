//! The command line. Each command is a file: its arguments, its help, what it does.

mod account;
mod campaign;
mod config;
mod credentials;
mod demo;
mod doctor;
mod explain;
mod export;
mod forget;
mod generate;
mod import;
mod init;
mod ledger;
mod openapi;
mod postbacks;
mod query;
mod report;
mod scenario;
mod serve;
mod sign;
mod statement;
mod user;

pub(crate) use import::Watcher;

use crate::config::{Config, Defaults, Flags};
use crate::failure::{Failure, MISUSED};
use crate::logging;
use clap::{Args, Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use tollgate_catalog::{Catalog, OrganizationSnapshot};
use tollgate_domain::OrganizationId;

const EXIT_CODES: &str = "\
Exit codes: 0 done; 1 it failed (the message says why), or `doctor` found something wrong;
2 the arguments or the configuration were not understood.

Settings come from tollgate.toml (in the current directory, or --config FILE), then TOLLGATE_* variables,
then flags. `tollgate config check` prints what is in force and where it comes from.";

const FIRST_STEPS: &str = "\
First steps:
  tollgate demo                                    see it work, with traffic of all sorts
  tollgate init --data-dir ./data                  make a data directory and the first credentials
  tollgate serve --data-dir ./data                 run
  tollgate import --data-dir ./data --integration ID --kind click --format combined access.log
";

/// Screens ad traffic before it is paid for, keeps every event, and reports on all of them.
#[derive(Debug, Parser)]
#[command(name = "tollgate", version, before_help = FIRST_STEPS, after_help = EXIT_CODES, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Account(account::AccountCommand),
    Init(init::Init),
    Campaign(campaign::CampaignCommand),
    Serve(serve::Serve),
    Demo(demo::DemoCommand),
    Import(Box<import::Import>),
    Doctor(doctor::Doctor),
    Explain(explain::Explain),
    Export(export::Export),
    Forget(forget::Forget),
    Generate(generate::Generate),
    Ledger(ledger::LedgerCommand),
    Config(config::ConfigCommand),
    Credentials(credentials::Credentials),
    Openapi(openapi::Openapi),
    Postbacks(postbacks::PostbacksCommand),
    Report(report::ReportCommand),
    Sign(sign::Sign),
    Statement(statement::StatementCommand),
    User(user::UserCommand),
}

/// What every command takes.
#[derive(Debug, Args)]
struct Common {
    /// Where everything is kept
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Configuration file [default: ./tollgate.toml when there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// What is logged, as in `info` or `info,tollgate_ledger=debug`
    #[arg(long, value_name = "FILTER")]
    log: Option<String>,
}

/// What commands take that serve.
#[derive(Debug, Args)]
struct Serving {
    /// Address of the API and the gateway; port 0 picks one [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    #[command(flatten)]
    certificate: Certificate,
    /// Address of the same over HTTPS, used when there is a certificate [default: 127.0.0.1:8443]
    #[arg(long, value_name = "ADDR")]
    tls_listen: Option<String>,
    /// Address of /metrics, /healthz and /readyz [default: 127.0.0.1:0]
    #[arg(long, value_name = "ADDR")]
    admin_listen: Option<String>,
    /// Data files: countries, address ranges, user agents [default: DATA_DIR/signals]
    #[arg(long, value_name = "DIR")]
    signals_dir: Option<PathBuf>,
    /// Threads that serve [default: one for each core]
    #[arg(long, value_name = "N")]
    cores: Option<u16>,
    /// Domain under which integrations have hosts of their own, as in ID.clicks.DOMAIN
    #[arg(long, value_name = "DOMAIN")]
    gateway_domain: Option<String>,
}

/// Where the certificate lies.
#[derive(Debug, Args)]
struct Certificate {
    /// Certificate with its chain, in PEM; with --tls-key: HTTPS as well
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    /// Private key of --tls-cert, in PEM
    #[arg(long, value_name = "FILE")]
    tls_key: Option<PathBuf>,
}

impl Certificate {
    fn add_to(&self, flags: Flags) -> Flags {
        flags.with_path("tls_cert", self.tls_cert.as_ref()).with_path("tls_key", self.tls_key.as_ref())
    }
}

impl Common {
    fn flags(&self) -> Flags {
        Flags::read_from(self.config.clone())
            .with_path("data_dir", self.data_dir.as_ref())
            .with("log", self.log.clone())
    }
}

impl Serving {
    fn add_to(&self, flags: Flags) -> Flags {
        self.certificate
            .add_to(flags)
            .with("listen", self.listen.clone())
            .with("tls_listen", self.tls_listen.clone())
            .with("admin_listen", self.admin_listen.clone())
            .with_path("signals_dir", self.signals_dir.as_ref())
            .with("cores", self.cores.map(|cores| cores.to_string()))
            .with("gateway_domain", self.gateway_domain.clone())
    }
}

/// Loads the configuration and starts logging.
fn prepare(flags: &Flags, defaults: Defaults) -> Result<Config, Failure> {
    let config = Config::load(flags, defaults)?;
    logging::start(&config)?;
    Ok(config)
}

/// How much of a long work is done, shown where standard error is a terminal. Dropped, it is gone from there.
struct Bar(ProgressBar);

impl Bar {
    const PARTS: u64 = 1000;

    fn new() -> Self {
        // Hidden by itself when standard error is no terminal.
        let bar = ProgressBar::new(Self::PARTS);
        let style = ProgressStyle::with_template("{bar:40} {percent} %, {eta} left");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self(bar)
    }

    /// Shows the part that is done, from 0 to 1.
    fn show(&self, share: f64) {
        self.0.set_position((share * Self::PARTS as f64) as u64);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// The organization that is meant: the one named, or the only one.
fn chosen(catalog: &Catalog, named: Option<OrganizationId>) -> Result<Arc<OrganizationSnapshot>, Failure> {
    let snapshot = catalog.snapshot();
    let found = match named {
        Some(id) => snapshot.organization(id),
        None if snapshot.organizations().count() == 1 => snapshot.organizations().next(),
        None => None,
    };
    found.cloned().ok_or_else(|| {
        let known: Vec<String> = snapshot.organizations().map(|one| one.id().to_string()).collect();
        Failure::misuse(format!(
            "say which organization with --organization; there are: {}",
            known.join(", ")
        ))
    })
}

/// For commands that end by themselves.
const QUIET: Defaults = Defaults { data_dir: None, log: "warn" };
/// For servers.
const TALKATIVE: Defaults = Defaults { data_dir: None, log: "info" };

/// Runs the command that the arguments name.
pub(crate) fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // `--help` and `--version` come this way too, and are no errors.
            let code = if error.use_stderr() { MISUSED } else { 0 };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let result = match cli.command {
        Command::Account(command) => command.run(),
        Command::Init(command) => command.run(),
        Command::Serve(command) => command.run(),
        Command::Demo(command) => command.run(),
        Command::Import(command) => command.run(),
        Command::Doctor(command) => command.run(),
        Command::Explain(command) => command.run(),
        Command::Export(command) => command.run(),
        Command::Forget(command) => command.run(),
        Command::Generate(command) => command.run(),
        Command::Ledger(command) => command.run(),
        Command::Config(command) => command.run(),
        Command::Credentials(command) => command.run(),
        Command::Openapi(command) => command.run(),
        Command::Postbacks(command) => command.run(),
        Command::Report(command) => command.run(),
        Command::Sign(command) => command.run(),
        Command::Campaign(command) => command.run(),
        Command::Statement(command) => command.run(),
        Command::User(command) => command.run(),
    };
    match result {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("tollgate: {}", failure.message);
            ExitCode::from(failure.code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound_and_every_command_teaches_by_example() {
        let mut cli = Cli::command();
        cli.clone().debug_assert();
        for command in cli.get_subcommands_mut() {
            let help = command.render_long_help().to_string();
            assert!(help.contains("tollgate "), "{help}");
        }
    }
}
