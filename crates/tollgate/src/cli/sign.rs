//! `tollgate sign`. It reads the integration's key out of the catalog's own file, so the key need not be shown to anyone.

use super::{Common, QUIET, prepare};
use crate::clock::{SystemClock, SystemEntropy};
use crate::compose;
use crate::data_dir;
use crate::failure::Failure;
use clap::Args;
use std::process::ExitCode;
use std::sync::Arc;
use tollgate_catalog::{Catalog, StoredSecret};
use tollgate_domain::{Clock, IntegrationId};
use tollgate_http::gateway::sign_link;

const EXAMPLES: &str = "\
Examples:
  tollgate sign --data-dir ./data --integration ID 'https://gate.example/g/ID/click?offer=7&publisher=p'

The signature covers every parameter of the link, so sign it after macros are filled in. It counts for the endpoint that
the link's address names, here clicks, and for no other; an address that is not one of Tollgate's own is taken for that
of clicks. How it is made stands in docs/FORMATS.md, for those who sign by themselves. The `signature` filter says how
long a click's link is good.";

/// Sign a link with the integration's signing key
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Sign {
    #[command(flatten)]
    common: Common,
    /// The integration's id
    #[arg(long, value_name = "ID")]
    integration: IntegrationId,
    /// The link to its click, impression, postback or rejection endpoint
    #[arg(value_name = "LINK")]
    link: String,
}

impl Sign {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let config = prepare(&self.common.flags(), QUIET)?;
        let file = data_dir::catalog(config.data_dir()?);
        let key = compose::runtime()?.block_on(async {
            let catalog = Catalog::open(&file, Arc::new(SystemClock), Arc::new(SystemEntropy)).await;
            let catalog = catalog.map_err(Failure::new)?;
            let key = self.key(&catalog);
            catalog.close().await;
            key
        })?;
        let signed = sign_link(
            &key,
            self.integration,
            &self.link,
            config.gateway_domain.as_deref(),
            SystemClock.now(),
        );
        println!("{}", signed.map_err(|wrong| Failure::new(format!("the link {wrong}")))?);
        Ok(ExitCode::SUCCESS)
    }

    fn key(&self, catalog: &Catalog) -> Result<Vec<u8>, Failure> {
        let snapshot = catalog.snapshot();
        let id = self.integration;
        let entry = snapshot.integration(id);
        let entry = entry.ok_or_else(|| Failure::new(format!("there is no integration {id}")))?;
        match entry.signing_key.as_deref() {
            Some(StoredSecret::Key(key)) => Ok(key.clone()),
            _ => Err(Failure::new(format!(
                "integration {id} has no signing_key: set one with PATCH /integrations/{id}"
            ))),
        }
    }
}
