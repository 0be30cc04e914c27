//! The kinds of objects: one file each, and one line in the table below.

mod account_entry;
mod ad_location;
mod api_key;
mod app;
mod campaign;
mod category_list;
mod filter_group;
mod integration;
mod legacy_credential;
mod monetization_settings;
mod oauth_client;
mod organization;
mod postback;
mod user;

pub use account_entry::{account_total, new_account_entry};
pub use ad_location::{MAX_AD_LOCATION_NAMES, new_ad_location, update_ad_location};
pub use api_key::{ApiKey, KeyOwner, Scope};
pub use app::{new_app, update_app};
pub use campaign::{MAX_CAMPAIGNS, new_campaign, update_campaign};
pub use category_list::{
    category_list, default_category_list, delete_category_list, new_category_list, require_custom_list,
    set_mandatory_categories,
};
pub use filter_group::{check_priority, order_filter_groups};
pub use integration::{integration_defaults, new_integration, unused_integration_id};
pub use legacy_credential::LegacyCredential;
pub use monetization_settings::{
    AppSettings, category_list_in_force, change_monetization_settings, monetization_settings,
    monetization_settings_version,
};
pub use oauth_client::{ClientVersion, OauthClient};
pub use organization::{AppReview, AutoCpm, Organization};
pub use postback::{MAX_POSTBACKS, delete_postbacks, new_postback};
pub use user::{Role, User};

use crate::error::Damaged;
use crate::object::{Kind, Meta, Object, Table};
use crate::pool::Pool;
use crate::restore::{self, Restorer};
use crate::revision::RawRevision;
use serde_json::Value;
use tollgate_domain::{
    AccountEntry, AdLocation, App, Campaign, CategoryList, FilterGroup, Integration, Postback,
};

macro_rules! kinds {
    ($($field:ident: $type:ty),+ $(,)?) => {
        /// Every object of an organization, a table to a kind.
        #[derive(Debug, Clone, Default)]
        pub struct Tables { pool: Pool, $($field: Table<$type>),+ }

        /// The names of all kinds, as they stand in the log.
        pub const KINDS: &[&str] = &[$(<$type as Object>::KIND),+];

        /// The names of the kinds whose deleted objects are remembered.
        pub(crate) fn remembered() -> impl Iterator<Item = &'static str> {
            let all = [$((<$type as Object>::KIND, <$type as Object>::IS_REMEMBERED)),+];
            all.into_iter().filter(|(_, is_remembered)| *is_remembered).map(|(kind, _)| kind)
        }

        $(impl Kind for $type {
            fn table(tables: &Tables) -> &Table<Self> { &tables.$field }
            fn table_mut(tables: &mut Tables) -> &mut Table<Self> { &mut tables.$field }
        })+

        impl Tables {
            /// Applies one revision.
            pub(crate) fn fold(&mut self, revision: &RawRevision) -> Result<(), Damaged> {
                match revision.kind {
                    $(<$type as Object>::KIND => revision.fold_into::<$type>(&mut self.$field, &mut self.pool),)+
                    // `RawRevision::kind` is one of `KINDS`.
                    other => Err(Damaged::unknown_kind(other)),
                }
            }

            /// Keeps the last state of a deleted object, unless it came back since.
            pub(crate) fn remember(&mut self, revision: &RawRevision) -> Result<(), Damaged> {
                match revision.kind {
                    $(<$type as Object>::KIND => revision.remember_in::<$type>(&mut self.$field),)+
                    other => Err(Damaged::unknown_kind(other)),
                }
            }

            /// An object's metadata and document.
            pub(crate) fn object(&self, kind: &str, id: &str) -> Option<(Meta, Value)> {
                match kind {
                    $(<$type as Object>::KIND => {
                        let stored = self.$field.get(id)?;
                        // What is stored was written the same way before.
                        Some((stored.meta.clone(), serde_json::to_value(&stored.value).ok()?))
                    })+
                    _ => None,
                }
            }

            /// What the log knows about an object's newest revision.
            pub(crate) fn meta(&self, kind: &str, id: &str) -> Option<&Meta> {
                match kind {
                    $(<$type as Object>::KIND => self.$field.get(id).map(|stored| &stored.meta),)+
                    _ => None,
                }
            }
        }

        /// What puts `past` back, of an object whose newest revision is `newest`.
        pub(crate) fn restorer(past: &RawRevision, newest: &RawRevision) -> Result<Restorer, Damaged> {
            match past.kind {
                $(<$type as Object>::KIND => restore::restorer::<$type>(past, newest),)+
                other => Err(Damaged::unknown_kind(other)),
            }
        }
    };
}

kinds! {
    organizations: Organization,
    users: User,
    api_keys: ApiKey,
    oauth_clients: OauthClient,
    legacy_credentials: LegacyCredential,
    integrations: Integration,
    filter_groups: FilterGroup,
    apps: App,
    ad_locations: AdLocation,
    category_lists: CategoryList,
    monetization_settings: AppSettings,
    postbacks: Postback,
    campaigns: Campaign,
    account_entries: AccountEntry,
}

/// The static name of a kind.
pub(crate) fn kind_named(name: &str) -> Result<&'static str, Damaged> {
    KINDS.iter().copied().find(|kind| *kind == name).ok_or_else(|| Damaged::unknown_kind(name))
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_of_kinds_never_change() {
        assert_eq!(
            super::KINDS,
            [
                "organization",
                "user",
                "api_key",
                "oauth_client",
                "legacy_credential",
                "integration",
                "filter_group",
                "app",
                "ad_location",
                "category_list",
                "monetization_settings",
                "postback",
                "campaign",
                "account_entry",
            ]
        );
    }
}
