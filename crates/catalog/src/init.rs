//! What `tollgate init` does: the first organization, its administrator, its credentials and a first integration, all
//! in one write.

use crate::catalog::{Catalog, FILE_NAME};
use crate::credentials::{
    Credential, new_api_key, random_object_id, refresh_legacy_credential, refresh_oauth_client,
};
use crate::draft::{Actor, Draft, Refused};
use crate::error::{CatalogError, WriteError};
use crate::kinds::{
    ClientVersion, KeyOwner, Organization, Role, Scope, User, integration_defaults, new_integration,
};
use crate::secret::{PasswordError, Secret, StoredSecret, hash_password};
use crate::users::check_email;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tollgate_domain::{Clock, Entropy, FilterAction, FilterSpec, IntegrationId, Invalid, OrganizationId};

/// What the operator chooses.
#[derive(Debug, Clone)]
pub struct InitOptions {
    /// The organization's name.
    pub organization: String,
    /// The administrator's address.
    pub email: String,
}

impl Default for InitOptions {
    fn default() -> Self {
        Self { organization: "My organization".to_owned(), email: "admin@example.com".to_owned() }
    }
}

/// What was made. The secrets are shown once, by [`Initialised::to_json`].
#[derive(Debug, Clone)]
pub struct Initialised {
    /// The organization.
    pub organization_id: OrganizationId,
    /// The administrator's address and password.
    pub admin: Credential,
    /// The v4 client.
    pub v4: Credential,
    /// The v5 client.
    pub v5: Credential,
    /// The v3 credential.
    pub legacy: Credential,
    /// An API key of the organization with all scopes.
    pub api_key: Credential,
    /// The first integration.
    pub integration_id: IntegrationId,
}

impl Initialised {
    /// The object that `tollgate init --json` prints. It holds secrets in the clear.
    pub fn to_json(&self) -> Value {
        let client = |one: &Credential| json!({"client_id": one.id, "client_secret": one.secret.expose()});
        json!({
            "organization_id": self.organization_id,
            "admin": {"email": self.admin.id, "password": self.admin.secret.expose()},
            "oauth": {"v4": client(&self.v4), "v5": client(&self.v5)},
            "legacy": {"user_id": self.legacy.id, "user_signature": self.legacy.secret.expose()},
            "api_key": self.api_key.secret.expose(),
            "integration_id": self.integration_id,
        })
    }
}

/// Why nothing was made.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// There is a catalog with an organization in it.
    #[error("{path} is already initialised; nothing was changed", path = .0.display())]
    AlreadyInitialised(PathBuf),
    /// An option is not legal.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The password could not be hashed.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The directory could not be made.
    #[error("{path}: {source}", path = path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The catalog could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl From<CatalogError> for InitError {
    fn from(error: CatalogError) -> Self {
        Self::Write(error.into())
    }
}

/// Makes the data directory's catalog. A directory that has one with an organization in it is refused and left as it
/// is; one whose initialisation was interrupted is completed.
pub async fn initialise(
    data_dir: &Path,
    options: &InitOptions,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
) -> Result<Initialised, InitError> {
    check(options)?;
    std::fs::create_dir_all(data_dir)
        .map_err(|source| InitError::Directory { path: data_dir.to_owned(), source })?;
    let catalog = Catalog::open_or_create(&data_dir.join(FILE_NAME), clock, entropy.clone()).await?;
    let made = populate(&catalog, data_dir, options, &*entropy).await;
    catalog.close().await;
    made
}

async fn populate(
    catalog: &Catalog,
    data_dir: &Path,
    options: &InitOptions,
    entropy: &dyn Entropy,
) -> Result<Initialised, InitError> {
    let already = || InitError::AlreadyInitialised(data_dir.to_owned());
    if catalog.snapshot().organizations().next().is_some() {
        return Err(already());
    }
    let id = OrganizationId::random(entropy);
    let password = Secret::random_password(entropy);
    let hash = hash_password(password.expose(), entropy)?;
    let written = catalog
        .write(id, &Actor::command_line(), |draft| first_objects(draft, options, &password, &hash))
        .await;
    match written {
        Err(WriteError::Refused(Refused::Exists { .. })) => Err(already()),
        other => Ok(other?),
    }
}

fn check(options: &InitOptions) -> Result<(), Invalid> {
    let length = options.organization.trim().chars().count();
    if !(1..=255).contains(&length) {
        return Err(Invalid::new("organization", "must have 1 to 255 characters"));
    }
    check_email(&options.email)
}

fn first_objects(
    draft: &mut Draft<'_>,
    options: &InitOptions,
    password: &Secret,
    hash: &StoredSecret,
) -> Result<Initialised, Refused> {
    // Looked at once more under the write lock: two inits at once must not both succeed.
    if let Some(other) = draft.snapshot().organizations().next() {
        return Err(Refused::Exists { kind: "organization", id: other.id().to_string() });
    }
    let organization_id = draft.organization_id();
    draft.create(Organization {
        disclosures_accepted: true,
        ..Organization::new(organization_id, options.organization.trim())
    })?;
    let user = User {
        id: random_object_id(draft.entropy()),
        email: options.email.clone(),
        role: Role::Owner,
        linked_at: None,
    };
    let user_id = user.id.clone();
    draft.create(user)?;
    draft.set_secret::<User>(&user_id, Some(hash.clone()))?;
    let v4 = refresh_oauth_client(draft, ClientVersion::V4)?;
    let v5 = refresh_oauth_client(draft, ClientVersion::V5)?;
    let legacy = refresh_legacy_credential(draft)?;
    let api_key = new_api_key(draft, "init", &[Scope::Read, Scope::Write], KeyOwner::Organization)?;
    let integration = integration_defaults(draft, "First integration");
    let integration_id = integration.id;
    new_integration(draft, integration, default_filters())?;
    let admin = Credential { id: options.email.clone(), secret: password.clone() };
    Ok(Initialised { organization_id, admin, v4, v5, legacy, api_key, integration_id })
}

/// The filters of the Default group that `init` makes: those that need no settings to be of use.
pub fn default_filters() -> Vec<FilterSpec> {
    let filter = |filter_type: &str, params: Value| FilterSpec {
        filter_type: filter_type.to_owned(),
        enabled: true,
        applies_to: None,
        action: FilterAction::Reject,
        params: params.as_object().cloned().unwrap_or_default(),
    };
    vec![
        filter("bot", json!({})),
        filter("proxy", json!({})),
        filter("duplicate_user", json!({"data_points": ["ip"]})),
        filter("click_flooding", json!({})),
    ]
}
