//! `tollgate postbacks`. It reads the data directory's own files, whether a server runs or not.

use super::{Common, QUIET, prepare};
use crate::clock::{SystemClock, SystemEntropy};
use crate::compose;
use crate::data_dir;
use crate::failure::Failure;
use clap::{Args, Subcommand};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use tollgate_catalog::{Catalog, IntegrationEntry};
use tollgate_domain::{IntegrationId, Postback};
use tollgate_jobs::postbacks::{Delivery, DeliveryState, LogFilter, read_log};

const EXAMPLES: &str = "\
Examples:
  tollgate postbacks list --data-dir ./data --integration ID
  tollgate postbacks log --data-dir ./data --integration ID --status failed

The server may run or not. docs/POSTBACKS.md says what postbacks are and what errors mean.";

/// See an integration's outgoing postbacks and what became of them
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct PostbacksCommand {
    #[command(subcommand)]
    command: Which,
}

#[derive(Debug, Subcommand)]
enum Which {
    /// Show the postbacks
    ///
    /// As in `tollgate postbacks list --data-dir ./data --integration ID`.
    List {
        #[command(flatten)]
        place: Place,
    },
    /// Show deliveries, newest first, with their last attempt
    ///
    /// As in `tollgate postbacks log --data-dir ./data --integration ID --status failed`.
    Log {
        #[command(flatten)]
        place: Place,
        /// Only those in this state: pending, delivered, failed or canceled
        #[arg(long, value_name = "STATUS", value_parser = status)]
        status: Option<DeliveryState>,
        /// How many
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
    },
}

#[derive(Debug, Args)]
struct Place {
    #[command(flatten)]
    common: Common,
    /// The integration's id
    #[arg(long, value_name = "ID")]
    integration: IntegrationId,
}

fn status(text: &str) -> Result<DeliveryState, String> {
    let found = DeliveryState::ALL.into_iter().find(|state| state.name() == text);
    found.ok_or_else(|| "must be pending, delivered, failed or canceled".to_owned())
}

impl PostbacksCommand {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let place = match &self.command {
            Which::List { place } | Which::Log { place, .. } => place,
        };
        let config = prepare(&place.common.flags(), QUIET)?;
        let root = config.data_dir()?;
        for line in compose::runtime()?.block_on(self.lines(root, place.integration))? {
            println!("{line}");
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn lines(&self, root: &Path, integration: IntegrationId) -> Result<Vec<String>, Failure> {
        let file = data_dir::catalog(root);
        let catalog = Catalog::open(&file, Arc::new(SystemClock), Arc::new(SystemEntropy)).await;
        let catalog = catalog.map_err(Failure::new)?;
        let snapshot = catalog.snapshot();
        catalog.close().await;
        let entry = snapshot.integration(integration);
        let entry = entry.ok_or_else(|| Failure::new(format!("there is no integration {integration}")))?;
        match &self.command {
            Which::List { .. } => {
                let all = snapshot.organization(entry.organization).into_iter();
                let theirs = all.flat_map(|one| one.table::<Postback>().iter());
                let head = format!("{:<12}{:<10}{:<8}{}", "ID", "ON", "ACTIVE", "NAME");
                let line = |one: &Postback| {
                    let active = if one.active { "yes" } else { "no" };
                    format!("{:<12}{:<10}{active:<8}{}", one.id.as_str(), one.on.name(), one.name)
                };
                let lines = theirs.filter(|one| one.integration == integration).map(|one| line(one));
                Ok(std::iter::once(head).chain(lines).collect())
            }
            Which::Log { status, limit, .. } => log(root, entry, *status, *limit).await,
        }
    }
}

async fn log(
    root: &Path,
    entry: &IntegrationEntry,
    state: Option<DeliveryState>,
    limit: u32,
) -> Result<Vec<String>, Failure> {
    let filter = LogFilter { state, limit, ..LogFilter::default() };
    let file = data_dir::postbacks(root);
    let found = read_log(&file, entry.organization, entry.integration.id, &filter).await;
    let head =
        format!("{:<26}{:<12}{:<11}{:<4}{:<22}{}", "CREATED", "POSTBACK", "STATUS", "#", "LAST", "URL");
    let line = |one: &Delivery| {
        let last = one.attempts.last().map(|last| match (last.status, &last.error) {
            (Some(status), _) => status.to_string(),
            (None, error) => error.clone().unwrap_or_default(),
        });
        format!(
            "{:<26}{:<12}{:<11}{:<4}{:<22}{}",
            one.created_at.to_string(),
            one.postback,
            one.state.name(),
            one.attempts.len(),
            last.unwrap_or_default(),
            one.url
        )
    };
    Ok(std::iter::once(head).chain(found.map_err(Failure::new)?.iter().map(line)).collect())
}
