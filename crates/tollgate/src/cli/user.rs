//! `tollgate user`. It writes the catalog's own file, which a running server follows: who is locked out gets in again
//! without a stop.

use super::{Common, QUIET, chosen, prepare};
use crate::clock::{SystemClock, SystemEntropy};
use crate::compose;
use crate::config::Config;
use crate::data_dir;
use crate::demo::reachable;
use crate::failure::Failure;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use std::process::ExitCode;
use std::sync::Arc;
use tollgate_catalog::{
    Actor, Catalog, INVITATION_LIFETIME_SECONDS, OrganizationSnapshot, Role, User, new_user,
};
use tollgate_domain::OrganizationId;

const EXAMPLES: &str = "\
Examples:
  tollgate user list --data-dir ./data
  tollgate user add --email ann@example.com --role manager --data-dir ./data
  tollgate user link --email ann@example.com --data-dir ./data

The server may run or not; a running one follows within a second.";

/// See and add the console's users, and let somebody in who is locked out
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct UserCommand {
    #[command(subcommand)]
    command: Which,
}

#[derive(Debug, Subcommand)]
enum Which {
    /// Show the users and their roles
    ///
    /// As in `tollgate user list --data-dir ./data`.
    List {
        #[command(flatten)]
        place: Place,
    },
    /// Add a user, and make a link at which the user chooses a password
    ///
    /// As in `tollgate user add --email ann@example.com --role manager --data-dir ./data`. The link works once, within a day.
    Add {
        #[command(flatten)]
        who: Who,
        /// What the user may do
        #[arg(long)]
        role: Rights,
        #[command(flatten)]
        place: Place,
    },
    /// Make a link at which a user chooses a password and is signed in
    ///
    /// As in `tollgate user link --email ann@example.com --data-dir ./data`. It works once, within a day; links that were made
    /// before end. The present password stays until another one is chosen.
    Link {
        #[command(flatten)]
        who: Who,
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Debug, Args)]
struct Who {
    /// The user's address
    #[arg(long, value_name = "ADDRESS")]
    email: String,
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

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Rights {
    Owner,
    Manager,
    Analyst,
}

impl Rights {
    fn role(self) -> Role {
        match self {
            Self::Owner => Role::Owner,
            Self::Manager => Role::Manager,
            Self::Analyst => Role::Analyst,
        }
    }
}

impl UserCommand {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let place = match &self.command {
            Which::List { place } | Which::Add { place, .. } | Which::Link { place, .. } => place,
        };
        let config = prepare(&place.common.flags(), QUIET)?;
        let file = data_dir::catalog(config.data_dir()?);
        let runtime = compose::runtime()?;
        let answer = runtime.block_on(async {
            let catalog = Catalog::open(&file, Arc::new(SystemClock), Arc::new(SystemEntropy)).await;
            let catalog = catalog.map_err(Failure::new)?;
            let answer = self.answer(&catalog, place, &config).await;
            catalog.close().await;
            answer
        })?;
        println!("{}", if place.json { answer.to_string() } else { self.in_words(&answer) });
        Ok(ExitCode::SUCCESS)
    }

    async fn answer(&self, catalog: &Catalog, place: &Place, config: &Config) -> Result<Value, Failure> {
        let organization = chosen(catalog, place.organization)?;
        match &self.command {
            Which::List { .. } => Ok(list(&organization)),
            Which::Add { who, role, .. } => {
                let id = add(catalog, organization.id(), &who.email, role.role()).await?;
                link(catalog, organization.id(), &id, config).await
            }
            Which::Link { who, .. } => {
                let mut users = organization.table::<User>().iter();
                let user = users.find(|user| user.email.eq_ignore_ascii_case(&who.email));
                let missing = || Failure::new(format!("{} is no user of this organization", who.email));
                link(catalog, organization.id(), &user.ok_or_else(missing)?.id, config).await
            }
        }
    }

    /// The JSON answer, for people.
    fn in_words(&self, answer: &Value) -> String {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        match self.command {
            Which::List { .. } => {
                let rows = answer["users"].as_array().map_or(&[][..], Vec::as_slice);
                let line = |row: &Value| {
                    format!(
                        "{:<10}{:<26}{}",
                        text(&row["role"]),
                        text(&row["created_at"]),
                        text(&row["email"])
                    )
                };
                let head = format!("{:<10}{:<26}{}", "ROLE", "SINCE", "ADDRESS");
                let lines: Vec<String> = std::iter::once(head).chain(rows.iter().map(line)).collect();
                lines.join("\n")
            }
            Which::Add { .. } | Which::Link { .. } => {
                format!(
                    "{}\n\nThe link works once, until {}.",
                    text(&answer["url"]),
                    text(&answer["expires_at"])
                )
            }
        }
    }
}

fn list(organization: &OrganizationSnapshot) -> Value {
    let mut rows: Vec<Value> = organization
        .table::<User>()
        .iter()
        .map(|user| {
            json!({"id": user.id, "email": user.email, "role": user.role.name(),
                   "created_at": user.meta.created_at.to_string()})
        })
        .collect();
    rows.sort_by_key(|row| row["email"].to_string());
    json!({"organization_id": organization.id(), "users": rows})
}

/// Adds a user with a password that nobody knows. Answers the id.
async fn add(
    catalog: &Catalog,
    organization: OrganizationId,
    email: &str,
    role: Role,
) -> Result<String, Failure> {
    let (_, hash) = catalog.fresh_password().map_err(Failure::new)?;
    let actor = Actor::command_line();
    let write = catalog.write(organization, &actor, |draft| new_user(draft, email, role, hash.clone()));
    write.await.map_err(Failure::new)
}

async fn link(
    catalog: &Catalog,
    organization: OrganizationId,
    user: &str,
    config: &Config,
) -> Result<Value, Failure> {
    let expires_at = catalog.now().plus_millis(INVITATION_LIFETIME_SECONDS * 1000);
    let invitation =
        catalog.link_to_password(organization, &Actor::command_line(), user).await.map_err(Failure::new)?;
    let server = match &config.public_url {
        Some(url) => url.trim_end_matches('/').to_owned(),
        None => format!("http://{}", reachable(config.listen)),
    };
    let url = format!("{server}/console/#choose-password={}", invitation.expose());
    Ok(
        json!({"organization_id": organization, "user_id": user, "invitation": invitation.expose(), "url": url,
              "expires_at": expires_at.to_string()}),
    )
}
