//! `tollgate forget`: on the directory when the server is stopped, through it when it runs.

use super::{Common, QUIET, prepare};
use crate::clock::SystemEntropy;
use crate::compose::House;
use crate::config::Config;
use crate::data_dir::{self, DataDir};
use crate::exporting;
use crate::failure::Failure;
use crate::upload;
use clap::Args;
use serde_json::{Value, json};
use std::process::ExitCode;
use std::sync::Arc;
use tollgate_catalog::Actor;
use tollgate_domain::{Integration, IntegrationId, OrganizationId};
use tollgate_jobs::privacy::{Certificate, Identifier, IdentifierKind, Privacy, Request};

const EXAMPLES: &str = "\
Examples:
  tollgate forget --data-dir ./data --device-id 6D92078A-8246-4BA4-AE5B-76104861E7DC
  tollgate forget --data-dir ./data --ip 198.51.100.4 --integration abcdefghij
  tollgate forget --server http://127.0.0.1:8080 --api-key KEY --user-id 4711

Prints the certificate of what was deleted, which stays readable under /tollgate/v1/privacy-requests/ID; on a directory
with several organizations, one for each that has such integrations. docs/PRIVACY.md says what is not reached.";

/// Log files are given up in as many steps.
const LOG_STEPS: usize = 4;

/// Delete one person's events, and print the certificate
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Forget {
    #[command(flatten)]
    common: Common,
    /// Address of a running server, instead of --data-dir
    #[arg(long, value_name = "URL", conflicts_with = "data_dir")]
    server: Option<String>,
    /// API key with write scope, for --server (better in TOLLGATE_API_KEY)
    #[arg(long, value_name = "KEY")]
    api_key: Option<String>,
    #[command(flatten)]
    person: Person,
    /// Only events of this integration; may be repeated [default: all]
    #[arg(long = "integration", value_name = "ID")]
    integrations: Vec<IntegrationId>,
}

/// What names the person.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Person {
    /// Advertising id of the person's device
    #[arg(long, value_name = "ID")]
    device_id: Option<String>,
    /// The person's IP address
    #[arg(long, value_name = "ADDR")]
    ip: Option<String>,
    /// The caller's id of the person: what events have as uuid
    #[arg(long, value_name = "ID")]
    user_id: Option<String>,
    /// The caller's id of an event of the person: only events that have it
    #[arg(long, value_name = "ID")]
    external_transaction_id: Option<String>,
}

impl Person {
    fn identifier(&self) -> Result<(IdentifierKind, &str), Failure> {
        let given = [
            (IdentifierKind::DeviceId, &self.device_id),
            (IdentifierKind::Ip, &self.ip),
            (IdentifierKind::UserId, &self.user_id),
            (IdentifierKind::ExternalTransactionId, &self.external_transaction_id),
        ];
        let given = given.into_iter().find_map(|(kind, text)| Some((kind, text.as_deref()?)));
        given.ok_or_else(|| {
            Failure::misuse("one of --device-id, --ip, --user-id and --external-transaction-id is needed")
        })
    }
}

impl Forget {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let flags =
            self.common.flags().with("server", self.server.clone()).with("api_key", self.api_key.clone());
        let config = prepare(&flags, QUIET)?;
        let (kind, text) = self.person.identifier()?;
        let identifier = Identifier::new(kind, text)
            .map_err(|error| Failure::misuse(format!("{}: {}", error.field, error.message)))?;
        // A directory given on the command line wins over a server named elsewhere.
        let certificates = match config.server.as_deref().filter(|_| self.common.data_dir.is_none()) {
            Some(server) => vec![self.remotely(server, config.api_key.as_deref(), kind, text)?],
            None => self.locally(&config, &identifier)?,
        };
        for certificate in certificates {
            println!("{certificate:#}");
        }
        Ok(ExitCode::SUCCESS)
    }

    fn remotely(
        &self,
        server: &str,
        api_key: Option<&str>,
        kind: IdentifierKind,
        text: &str,
    ) -> Result<Value, Failure> {
        let mut body = json!({ kind.name(): text });
        if !self.integrations.is_empty() {
            body["integration_ids"] = self.integrations.iter().map(ToString::to_string).collect();
        }
        upload::post(server, api_key, "/tollgate/v1/privacy-requests", &body)
    }

    /// Deletes in the directory, which no server may be using.
    fn locally(&self, config: &Config, identifier: &Identifier) -> Result<Vec<Value>, Failure> {
        let dir = DataDir::open(config.data_dir()?, "forget").map_err(|failure| {
            failure.in_use("ask the running server instead: --server http://HOST:PORT --api-key KEY")
        })?;
        let house = House::open(config, dir)?;
        let done = self.forget(config, &house, identifier);
        house.close();
        done
    }

    fn forget(&self, config: &Config, house: &House, identifier: &Identifier) -> Result<Vec<Value>, Failure> {
        let exports = exporting::open(config, house)?;
        let ledger = house.intake.ledger();
        let (folder, catalog) = (data_dir::privacy(house.root()), house.catalog.clone());
        let what = (ledger.clone(), exports.clone());
        let privacy = Privacy::open(&folder, catalog, what, Arc::new(SystemEntropy));
        let privacy =
            Arc::new(privacy.map_err(Failure::because(format!("{} cannot be made", folder.display())))?);
        ledger.keep().map_err(Failure::new)?;
        let mut certificates: Vec<(OrganizationId, Certificate)> = Vec::new();
        for (organization, integrations) in self.owners(house)? {
            let actor = Actor::command_line();
            let request = Request { organization, integrations, identifier: identifier.clone(), actor };
            let done = house.runtime.block_on(privacy.clone().forget(request));
            certificates.push((organization, done.map_err(Failure::new)?));
        }
        house.runtime.block_on(exports.close());
        rewrite(house)?;
        let as_of_now = |(organization, certificate): (OrganizationId, Certificate)| {
            let now = privacy.get(organization, &certificate.id).map_err(Failure::new)?;
            serde_json::to_value(now.unwrap_or(certificate)).map_err(Failure::new)
        };
        certificates.into_iter().map(as_of_now).collect()
    }

    /// The integrations that are meant, by their organizations.
    fn owners(&self, house: &House) -> Result<Vec<(OrganizationId, Vec<IntegrationId>)>, Failure> {
        let snapshot = house.catalog.snapshot();
        for id in &self.integrations {
            if snapshot.integration(*id).is_none() {
                return Err(Failure::misuse(format!("--integration {id}: there is no such integration")));
            }
        }
        let is_meant = |id: &IntegrationId| self.integrations.is_empty() || self.integrations.contains(id);
        let owned = snapshot.organizations().map(|organization| {
            let all = organization.table::<Integration>().iter().map(|integration| integration.id);
            (organization.id(), all.filter(is_meant).collect::<Vec<_>>())
        });
        Ok(owned.filter(|(_, integrations)| !integrations.is_empty()).collect())
    }
}

/// Does now what a running server does in the background: segments and the log give up what was deleted.
fn rewrite(house: &House) -> Result<(), Failure> {
    let ledger = house.intake.ledger();
    while ledger.stats().deleted_rows > 0 && ledger.merge(&mut || true).map_err(Failure::new)?.is_some() {}
    house.intake.checkpoint().map_err(Failure::new)?;
    for _ in 0..LOG_STEPS {
        ledger.keep().map_err(Failure::new)?;
    }
    Ok(())
}
