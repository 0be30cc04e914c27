//! `tollgate generate`: a made-up history to measure with.

use super::{Common, QUIET, prepare};
use crate::compose::{House, OpenHouse};
use crate::data_dir::DataDir;
use crate::failure::Failure;
use crate::generate::{self, History};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use std::process::ExitCode;
use tollgate_domain::{Day, IntegrationId};

const EXAMPLES: &str = "\
Examples:
  tollgate init --data-dir /tmp/bench
  tollgate generate --data-dir /tmp/bench --events 20000000 --days 30 --seed 1

Of a hundred events 88 are clicks, 8 impressions and 4 conversions of earlier clicks; eleven are rejected. Values are
spread as live traffic has them. Nothing is screened: verdicts are drawn too, and no counter counts them. The events of a
seed are the same wherever they are made, their ids included; making them twice in one directory stores them twice.";

/// Make a history up, to measure with: any number of events, the same for the same seed
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Generate {
    #[command(flatten)]
    common: Common,
    /// How many events
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=10_000_000_000))]
    events: u64,
    /// Over how many days they are spread
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=3660))]
    days: u32,
    /// Another seed, another history
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// The first day, in UTC
    #[arg(long, value_name = "YYYY-MM-DD", default_value = "2026-01-01", value_parser = parse_day)]
    start: Day,
    /// Whose history it is [default: the integration of the directory, if it has one only]
    #[arg(long, value_name = "ID", value_parser = super::import::parse_integration)]
    integration: Option<IntegrationId>,
}

fn parse_day(text: &str) -> Result<Day, String> {
    Day::parse("start", text).map_err(|error| error.message)
}

impl Generate {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let config = prepare(&self.common.flags(), QUIET)?;
        let dir = DataDir::open(config.data_dir()?, "generate")?;
        let open = House::open(&config, dir)?.start(&config)?;
        let stored = self.store(&open);
        open.close();
        println!("{}", stored?);
        Ok(ExitCode::SUCCESS)
    }

    fn store(&self, open: &OpenHouse) -> Result<String, Failure> {
        let integration = self.integration(&open.house)?;
        let history =
            History { seed: self.seed, events: self.events, days: self.days, start: self.start.start() };
        // Hidden by itself when standard error is no terminal.
        let bar = ProgressBar::new(self.events);
        let style =
            ProgressStyle::with_template("{bar:40} {human_pos}/{human_len} events, {per_sec}, {eta} left");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        generate::store(&history, integration, open.house.intake.ledger(), |n| bar.set_position(n))?;
        bar.finish_and_clear();
        Ok(format!("{} events of {integration} from {} on, over {} days", self.events, self.start, self.days))
    }

    fn integration(&self, house: &House) -> Result<IntegrationId, Failure> {
        let snapshot = house.catalog.snapshot();
        if let Some(id) = self.integration {
            return snapshot.integration(id).map(|_| id).ok_or_else(|| {
                Failure::misuse(format!("--integration: there is no integration {id} in this directory"))
            });
        }
        let mut all = snapshot.integrations().map(|entry| entry.integration.id);
        match (all.next(), all.next()) {
            (Some(only), None) => Ok(only),
            (None, _) => Err(Failure::new("there is no integration in this directory")),
            _ => Err(Failure::misuse("--integration: say which one, there are several in this directory")),
        }
    }
}
