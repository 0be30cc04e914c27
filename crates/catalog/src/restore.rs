//! Putting a past state of an object back, be the object there or deleted. It is a write like any other: a new revision,
//! judged by the rules of the kind against everything that is there now ([`Object::restored`]).

use crate::catalog::Catalog;
use crate::draft::{Draft, Refused};
use crate::error::{CatalogError, Damaged};
use crate::kinds;
use crate::object::{Kind, Object};
use crate::revision::RawRevision;
use crate::store;
use std::fmt;
use std::sync::Arc;
use tollgate_domain::{FilterGroup, Integration, OrganizationId, Postback};

/// Puts one object's past state back in a draft.
pub(crate) type Restorer = Box<dyn Fn(&mut Draft<'_>) -> Result<(), Refused> + Send + Sync>;

/// A past state of an object, read and ready to be put back in a write.
pub struct Restoration {
    kind: &'static str,
    id: Arc<str>,
    /// The newest version the object had when this was read, deletion included.
    newest: u64,
    steps: Vec<Restorer>,
}

impl fmt::Debug for Restoration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Restoration")
            .field("kind", &self.kind)
            .field("id", &self.id)
            .field("newest", &self.newest)
            .finish_non_exhaustive()
    }
}

impl Restoration {
    /// The object's version as the draft sees it; that of its deletion when it is deleted.
    pub fn version(&self, draft: &Draft<'_>) -> u64 {
        draft.version(self.kind, &self.id).unwrap_or(self.newest)
    }

    /// Puts the state back. A state equal to the present one changes nothing.
    pub fn apply(&self, draft: &mut Draft<'_>) -> Result<(), Refused> {
        self.steps.iter().try_for_each(|step| step(draft)).map_err(|refused| match refused {
            // The object itself may be restored; what it belongs to is not there.
            Refused::NotFound { kind, id } => Refused::Rule {
                code: "parent_missing",
                message: format!("It belongs to {kind} {id}, which does not exist; restore that first"),
            },
            other => other,
        })
    }
}

impl Catalog {
    /// Reads what putting `version` of an object back takes; `None` when there never was such a version. A version that
    /// is a deletion stands for the state that was deleted. An integration that is deleted comes back with the filter
    /// groups and postbacks that were deleted with it.
    pub async fn restoration(
        &self,
        organization: OrganizationId,
        kind: &'static str,
        id: &str,
        version: u64,
    ) -> Result<Option<Restoration>, CatalogError> {
        let mut reader = self.reader().await?;
        let past = store::revision(&mut reader, organization, kind, id, Some(version)).await?;
        let newest = store::revision(&mut reader, organization, kind, id, None).await?;
        let (Some(past), Some(newest)) = (past, newest) else { return Ok(None) };
        let mut steps = vec![kinds::restorer(&past, &newest)?];
        if kind == Integration::KIND && newest.deleted {
            for group in store::deleted_with(&mut reader, &newest, FilterGroup::KIND).await? {
                if group.decode::<FilterGroup>()?.integration.as_str() == id {
                    steps.push(kinds::restorer(&group, &group)?);
                }
            }
            for postback in store::deleted_with(&mut reader, &newest, Postback::KIND).await? {
                if postback.decode::<Postback>()?.integration.as_str() == id {
                    steps.push(kinds::restorer(&postback, &postback)?);
                }
            }
        }
        Ok(Some(Restoration { kind, id: newest.id, newest: newest.version, steps }))
    }
}

/// Puts `past` back, of an object whose newest revision is `newest`.
pub(crate) fn restorer<T: Kind>(past: &RawRevision, newest: &RawRevision) -> Result<Restorer, Damaged> {
    let (past, newest): (T, T) = (past.decode()?, newest.decode()?);
    Ok(Box::new(move |draft| {
        let present = draft.get::<T>(past.id()).cloned();
        let last = present.as_deref().map_or(&newest, |present| &present.value);
        let value = past.clone().restored(last, draft)?;
        match present {
            Some(_) => draft.update(value, None),
            None => draft.create(value),
        }
    }))
}
