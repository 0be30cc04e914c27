//! `tollgate credentials`. It writes the catalog's own file, which a running server follows: what is refreshed or
//! revoked here holds there within a second.

use super::{Common, QUIET, prepare};
use crate::clock::{SystemClock, SystemEntropy};
use crate::compose;
use crate::data_dir;
use crate::failure::Failure;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;
use tollgate_catalog::{
    Actor, ApiKey, Catalog, ClientVersion, Credential, Draft, LegacyCredential, Meta, OauthClient,
    OrganizationSnapshot, Refused, refresh_legacy_credential, refresh_oauth_client,
};
use tollgate_domain::OrganizationId;

const EXAMPLES: &str = "\
Examples:
  tollgate credentials list --data-dir ./data
  tollgate credentials refresh v5 --data-dir ./data
  tollgate credentials refresh v4 --tokens --data-dir ./data --json
  tollgate credentials revoke 5b1f… --tokens --data-dir ./data

The server may run or not; a running one follows within a second.";

/// See, renew and end the credentials of an organization
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Credentials {
    #[command(subcommand)]
    command: Which,
}

#[derive(Debug, Subcommand)]
enum Which {
    /// Show the ids of all credentials, and how many access tokens they have in force
    ///
    /// As in `tollgate credentials list --data-dir ./data`. Secrets are not kept, so they cannot be shown.
    List {
        #[command(flatten)]
        place: Place,
    },
    /// Make a new id and secret, shown this once, and end the old ones
    ///
    /// As in `tollgate credentials refresh v5 --data-dir ./data`. The old id gets no more tokens; those it has live
    /// until they expire, unless --tokens is given.
    Refresh {
        /// Which credentials: user id and signature of v3, or the OAuth client of v4 or v5
        #[arg(value_name = "VERSION")]
        of: Version,
        /// Revoke the old client's access tokens too
        #[arg(long)]
        tokens: bool,
        #[command(flatten)]
        place: Place,
    },
    /// End a credential: an OAuth client, a v3 user id or an API key
    ///
    /// As in `tollgate credentials revoke ID --data-dir ./data`. Tokens live until they expire, unless --tokens is
    /// given; with it, the tokens of a client that was ended before can be revoked too.
    Revoke {
        /// The id, as `tollgate credentials list` shows it
        id: String,
        /// Revoke the client's access tokens too
        #[arg(long)]
        tokens: bool,
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Debug, Args)]
struct Place {
    #[command(flatten)]
    common: Common,
    /// The organization's id; needed where there are several
    #[arg(long, value_name = "ID")]
    organization: Option<OrganizationId>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Version {
    V3,
    V4,
    V5,
}

impl Version {
    fn kind(self) -> &'static str {
        match self {
            Self::V3 => "v3",
            Self::V4 => "v4",
            Self::V5 => "v5",
        }
    }
}

impl Credentials {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let place = match &self.command {
            Which::List { place } | Which::Refresh { place, .. } | Which::Revoke { place, .. } => place,
        };
        let config = prepare(&place.common.flags(), QUIET)?;
        let file = data_dir::catalog(config.data_dir()?);
        let runtime = compose::runtime()?;
        let answer = runtime.block_on(async {
            let catalog = Catalog::open(&file, Arc::new(SystemClock), Arc::new(SystemEntropy)).await;
            let catalog = catalog.map_err(Failure::new)?;
            let answer = self.answer(&catalog, place).await;
            catalog.close().await;
            answer
        })?;
        println!("{}", if place.json { answer.to_string() } else { self.in_words(&answer) });
        Ok(ExitCode::SUCCESS)
    }

    async fn answer(&self, catalog: &Catalog, place: &Place) -> Result<Value, Failure> {
        let organization = super::chosen(catalog, place.organization)?;
        match &self.command {
            Which::List { .. } => Ok(list(catalog, &organization)),
            Which::Refresh { of, tokens, .. } => refresh(catalog, organization.id(), *of, *tokens).await,
            Which::Revoke { id, tokens, .. } => revoke(catalog, organization.id(), id, *tokens).await,
        }
    }

    /// The JSON answer, for people.
    fn in_words(&self, answer: &Value) -> String {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        match self.command {
            Which::List { .. } => {
                let rows = answer["credentials"].as_array().map_or(&[][..], Vec::as_slice);
                let line = |row: &Value| {
                    let (kind, id) = (text(&row["kind"]), text(&row["id"]));
                    let (since, tokens) = (text(&row["created_at"]), &row["tokens_in_force"]);
                    format!("{kind:<8}{id:<34}{since:<26}{tokens}")
                };
                let head = format!("{:<8}{:<34}{:<26}{}", "KIND", "ID", "SINCE", "TOKENS IN FORCE");
                let lines: Vec<String> = std::iter::once(head).chain(rows.iter().map(line)).collect();
                lines.join("\n")
            }
            Which::Refresh { .. } => {
                format!("{answer:#}\n\nThe secret is shown this once; keep it.")
            }
            Which::Revoke { .. } => format!("{answer:#}"),
        }
    }
}

fn list(catalog: &Catalog, organization: &OrganizationSnapshot) -> Value {
    let mut tokens: BTreeMap<Arc<str>, usize> = BTreeMap::new();
    for token in catalog.tokens_of(organization.id()) {
        *tokens.entry(token.client_id.clone()).or_default() += 1;
    }
    let row = |kind: &str, meta: &Meta, in_force: Option<usize>| {
        json!({"kind": kind, "id": meta.id.as_ref(), "created_at": meta.created_at.to_string(),
               "tokens_in_force": in_force})
    };
    let mut rows = Vec::new();
    for client in organization.table::<OauthClient>().iter() {
        let kind = match client.version {
            ClientVersion::V4 => "v4",
            ClientVersion::V5 => "v5",
        };
        rows.push(row(kind, &client.meta, Some(tokens.remove(&client.meta.id).unwrap_or(0))));
    }
    rows.extend(organization.table::<LegacyCredential>().iter().map(|one| row("v3", &one.meta, None)));
    rows.extend(organization.table::<ApiKey>().iter().map(|one| row("api_key", &one.meta, None)));
    // What is left belongs to clients that were ended.
    rows.extend(tokens.iter().map(|(id, in_force)| {
        json!({"kind": "ended", "id": id.as_ref(), "created_at": null, "tokens_in_force": in_force})
    }));
    rows.sort_by_key(|row| (row["kind"].to_string(), row["id"].to_string()));
    json!({"organization_id": organization.id(), "credentials": rows})
}

async fn refresh(
    catalog: &Catalog,
    organization: OrganizationId,
    version: Version,
    tokens: bool,
) -> Result<Value, Failure> {
    let actor = Actor::command_line();
    let write = catalog.write(organization, &actor, |draft| {
        let ended = ids(draft, version);
        let made = match version {
            Version::V3 => refresh_legacy_credential(draft)?,
            Version::V4 => refresh_oauth_client(draft, ClientVersion::V4)?,
            Version::V5 => refresh_oauth_client(draft, ClientVersion::V5)?,
        };
        Ok((made, ended))
    });
    let (made, ended): (Credential, Vec<String>) = write.await.map_err(Failure::new)?;
    let mut revoked = 0;
    if tokens {
        for id in &ended {
            revoked += catalog.revoke_tokens_of(organization, id).await.map_err(Failure::new)?;
        }
    }
    let (id_name, secret_name) = match version {
        Version::V3 => ("user_id", "user_signature"),
        Version::V4 | Version::V5 => ("client_id", "client_secret"),
    };
    Ok(json!({"organization_id": organization, "version": version.kind(), id_name: made.id,
              secret_name: made.secret.expose(), "ended": ended, "tokens_revoked": revoked}))
}

/// The ids of what is to be refreshed.
fn ids(draft: &Draft<'_>, version: Version) -> Vec<String> {
    let clients = |version: ClientVersion| {
        let ours = draft.table::<OauthClient>().iter().filter(move |client| client.version == version);
        ours.map(|client| client.id.clone()).collect()
    };
    match version {
        Version::V3 => draft.table::<LegacyCredential>().iter().map(|one| one.id.clone()).collect(),
        Version::V4 => clients(ClientVersion::V4),
        Version::V5 => clients(ClientVersion::V5),
    }
}

async fn revoke(
    catalog: &Catalog,
    organization: OrganizationId,
    id: &str,
    tokens: bool,
) -> Result<Value, Failure> {
    let actor = Actor::command_line();
    let write = catalog.write(organization, &actor, |draft| end(draft, id));
    let ended = write.await.map_err(Failure::new)?;
    let revoked = match tokens {
        true => catalog.revoke_tokens_of(organization, id).await.map_err(Failure::new)?,
        false => 0,
    };
    if ended.is_none() && revoked == 0 {
        return Err(Failure::new(format!(
            "{id} is no credential of this organization{}",
            if tokens { " and has no tokens in force" } else { "" }
        )));
    }
    Ok(json!({"organization_id": organization, "id": id, "kind": ended, "tokens_revoked": revoked}))
}

/// Ends the credential of an id, whatever its kind; answers which it was.
fn end(draft: &mut Draft<'_>, id: &str) -> Result<Option<&'static str>, Refused> {
    if draft.get::<OauthClient>(id).is_some() {
        draft.delete::<OauthClient>(id, None)?;
        return Ok(Some("oauth_client"));
    }
    if draft.get::<LegacyCredential>(id).is_some() {
        draft.delete::<LegacyCredential>(id, None)?;
        return Ok(Some("v3"));
    }
    if draft.get::<ApiKey>(id).is_some() {
        draft.delete::<ApiKey>(id, None)?;
        return Ok(Some("api_key"));
    }
    Ok(None)
}
