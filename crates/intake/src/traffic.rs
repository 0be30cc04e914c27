//! What traffic tells about apps: that one is in use, and places in it that nobody configured. The configuration learns it
//! a little later and a little at a time, so that no event waits for a write and no caller can flood the catalog.

use crate::intake::Intake;
use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, PoisonError};
use tollgate_catalog::{Actor, CatalogError, Draft, WriteError, new_ad_location};
use tollgate_domain::{
    AdLocation, AdLocationName, AdLocationType, AdType, App, AppId, OrganizationId, PriceTable,
};

/// News that wait at most; what comes beyond is told again by later events.
const MOST: usize = 1024;
/// News that are learned at once.
const AT_ONCE: usize = 64;

/// What an impression told.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct News {
    pub(crate) organization: OrganizationId,
    /// It is in use.
    pub(crate) app: AppId,
    /// It has this location.
    pub(crate) location: Option<(AdLocationName, AdType)>,
}

/// News that the configuration has still to learn, each once.
#[derive(Default)]
pub(crate) struct Pending(Mutex<HashSet<News>>);

impl Pending {
    /// Keeps news, if there is room.
    pub(crate) fn tell(&self, news: News) {
        let mut pending = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if pending.len() < MOST {
            pending.insert(news);
        }
    }

    /// Takes some news out, by organization.
    fn take(&self) -> BTreeMap<OrganizationId, Vec<News>> {
        let mut pending = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let some: Vec<News> = pending.iter().take(AT_ONCE).cloned().collect();
        let mut taken: BTreeMap<_, Vec<News>> = BTreeMap::new();
        for news in some {
            pending.remove(&news);
            taken.entry(news.organization).or_default().push(news);
        }
        taken
    }
}

impl Intake {
    /// Writes some of what traffic told into the configuration: at most 64 apps and locations. To be called a few times a
    /// second.
    pub async fn learn(&self) -> Result<(), CatalogError> {
        for (organization, news) in self.news().take() {
            let actor = Actor::system("traffic");
            let write = self.catalog().write(organization, &actor, |draft| {
                news.iter().for_each(|news| adopt(draft, news));
                Ok(())
            });
            match write.await {
                Ok(()) | Err(WriteError::Refused(_)) => {}
                Err(WriteError::Catalog(error)) => return Err(error),
            }
        }
        Ok(())
    }
}

/// What the rules refuse by now is not news any more: the app is gone, the name is taken, the app has enough of them.
fn adopt(draft: &mut Draft<'_>, news: &News) {
    let Some(app) = draft.get::<App>(news.app.as_str()).cloned() else { return };
    if !app.is_sdk_active {
        let _ = draft.update(App { is_sdk_active: true, ..app.value.clone() }, None);
    }
    if let Some((name, ad_type)) = &news.location {
        let _ = new_ad_location(draft, news.app, |id| AdLocation {
            id,
            name: name.clone(),
            ad_type: *ad_type,
            location_type: AdLocationType::AutoCpm,
            prices: PriceTable::default(),
        });
    }
}
