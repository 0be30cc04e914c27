//! `tollgate account`: what an organization's account adds up to, and entries that whoever runs Tollgate makes.

use super::query::flag;
use super::{Common, QUIET, prepare};
use crate::clock::SystemEntropy;
use crate::control::Access;
use crate::failure::Failure;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use std::io::Read;
use std::process::ExitCode;
use tollgate_domain::{Entropy, OrganizationId, hex};

const EXAMPLES: &str = "\
Examples:
  tollgate account show --data-dir ./data
  tollgate account enter payout 60.50 --note 'Bank 7' --data-dir ./data
  tollgate account enter deposit 500 --data-dir ./data

Amounts are in USD. The server may run or not. docs/ANALYTICS.md says what earnings and balance are.";

/// Show an account, and enter payouts, deposits and transfers
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct AccountCommand {
    #[command(subcommand)]
    command: Which,
}

#[derive(Debug, Subcommand)]
enum Which {
    /// Print what was earned, spent and paid, and what is left, as JSON
    ///
    /// As in `tollgate account show --data-dir ./data`.
    Show {
        #[command(flatten)]
        place: Place,
    },
    /// Enter what was paid: entries are never changed, so look twice
    ///
    /// As in `tollgate account enter payout 60.50 --note 'Bank 7' --data-dir ./data`. A payout or transfer is at most what was
    /// earned and is left. The key of each entry is told on standard error: where no answer came, the same command with
    /// `--key KEY` within a day enters nothing twice, and answers with the entry.
    Enter {
        /// What it says
        kind: Kind,
        /// How much, in USD
        #[arg(value_name = "USD")]
        amount: String,
        /// What people say about it, such as a bank's reference
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
        /// The entry's key, of 1 to 255 visible ASCII characters: entered again with it within a day, it is entered once. A
        /// random one unless given
        #[arg(long, value_name = "KEY", value_parser = key)]
        key: Option<String>,
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    /// Earnings were paid out
    Payout,
    /// An advertiser paid in
    Deposit,
    /// Earnings become funds for campaigns
    Transfer,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Payout => "payout",
            Self::Deposit => "deposit",
            Self::Transfer => "transfer",
        }
    }
}

#[derive(Debug, Args)]
struct Place {
    #[command(flatten)]
    common: Common,
    /// The organization's id; needed where there are several
    #[arg(long, value_name = "ID")]
    organization: Option<OrganizationId>,
}

impl AccountCommand {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let (place, method, path, body, key) = match self.command {
            Which::Show { place } => (place, "GET", "account", String::new(), None),
            Which::Enter { kind, amount, note, key, place } => {
                let body = entry(kind, &amount, note)?.to_string();
                (place, "POST", "account/entries", body, Some(key.unwrap_or_else(new_key)))
            }
        };
        let config = prepare(&place.common.flags(), QUIET)?;
        let access = Access::open(&config, "account")?;
        let of = place.organization.map_or(String::new(), |id| format!("/organizations/{id}"));
        let mut told = String::new();
        let line = format!("{method} {of}/{path}");
        if let Some(key) = &key {
            // Before it is entered: whoever is interrupted knows what to do.
            eprintln!(
                "Where no answer comes, repeat the command with --key {key} within a day: it is entered once."
            );
        }
        let answer = access.ask_once(&line, key.as_deref(), &body, named);
        let read = answer.map(|mut answer| answer.read_to_string(&mut told));
        access.close();
        read?.map_err(Failure::because("the server's answer broke off"))?;
        println!("{told}");
        Ok(ExitCode::SUCCESS)
    }
}

/// What a part of the body is called here.
fn named(field: &str) -> String {
    if field == "amount" { "USD".to_owned() } else { flag(field) }
}

fn key(text: &str) -> Result<String, String> {
    let legal = (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    legal.then(|| text.to_owned()).ok_or_else(|| "must be 1 to 255 visible ASCII characters".to_owned())
}

fn new_key() -> String {
    let mut bytes = [0; 16];
    SystemEntropy.fill(&mut bytes);
    hex(&bytes)
}

fn entry(kind: Kind, amount: &str, note: Option<String>) -> Result<Value, Failure> {
    let amount: serde_json::Number = serde_json::from_str(amount)
        .map_err(|_| Failure::misuse("USD must be a number, as in 60.50".to_owned()))?;
    let mut entry = json!({"kind": kind.name(), "amount": amount});
    if let Some(note) = note {
        entry["note"] = note.into();
    }
    Ok(entry)
}
