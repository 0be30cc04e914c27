//! The configuration: a revision log in SQLite, folded into an immutable snapshot in memory.
//!
//! Every change of every object is a row of the log that is never changed again (who, when, what). Reads go to the
//! [`Snapshot`] alone; writes go through [`Catalog::write`], which checks them against the newest state and stores all
//! of a write or nothing. Secrets stand beside the documents, hashed; no document holds one. SQL stays in this crate.

mod audit;
mod candidates;
mod catalog;
mod check;
mod credentials;
mod draft;
mod error;
pub mod init;
mod kinds;
mod object;
mod once;
mod pool;
mod restore;
mod revision;
mod secret;
mod session;
mod sign_in;
mod snapshot;
mod store;
mod token;
mod users;

pub use audit::{Action, AuditEntry, AuditFilter, FieldChange};
pub use candidates::{Candidates, Verified};
pub use catalog::{Catalog, FILE_NAME};
pub use credentials::{
    Credential, new_api_key, random_object_id, refresh_legacy_credential, refresh_oauth_client,
};
pub use draft::{Actor, Draft, Refused};
pub use error::{CatalogError, Damaged, WriteError};
pub use kinds::{
    ApiKey, AppReview, AutoCpm, ClientVersion, KINDS, KeyOwner, LegacyCredential, MAX_AD_LOCATION_NAMES,
    MAX_CAMPAIGNS, OauthClient, Organization, Role, Scope, Tables, User, account_total, check_priority,
    integration_defaults, new_account_entry, new_ad_location, new_app, new_campaign, new_integration,
    unused_integration_id, update_ad_location, update_app, update_campaign,
};
pub use kinds::{
    AppSettings, MAX_POSTBACKS, category_list, category_list_in_force, change_monetization_settings,
    default_category_list, delete_category_list, delete_postbacks, monetization_settings,
    monetization_settings_version, new_category_list, new_postback, order_filter_groups, require_custom_list,
    set_mandatory_categories,
};
pub use object::{Kind, MAX_EVER, Meta, Object, Stored, Table};
pub use once::{ANSWER_LIFETIME_SECONDS, KeptAnswer, Once, Written};
pub use pool::Pool;
pub use restore::Restoration;
pub use revision::Revision;
pub use secret::{Digest, PasswordError, Secret, StoredSecret, hash_password};
pub use session::Session;
pub use snapshot::{IntegrationEntry, OrganizationSnapshot, Proven, Snapshot};
pub use token::{
    INVITATION_LIFETIME_SECONDS, SESSION_LIFETIME_SECONDS, TOKEN_LIFETIME_SECONDS, Token, TokenSort,
};
pub use users::{
    LONGEST_PASSWORD, MAX_USERS, SHORTEST_PASSWORD, change_role, check_password, delete_user, new_user,
};
