//! What an account adds up to: the ledger's figures and the account's entries.

use crate::ApiState;
use crate::error::{ApiError, Code};
use crate::places::Waiting;
use std::sync::Arc;
use tollgate_catalog::{
    Actor, Draft, OrganizationSnapshot, Refused, account_total, new_account_entry, random_object_id,
};
use tollgate_domain::{AccountEntry, EntryKind, Money, OrganizationId};
use tollgate_jobs::account::{Totals, totals};
use tollgate_jobs::analytics::Millionths;
use tollgate_ledger::group::{Bounds, GroupError};

/// Threads that sums are added up on at most.
const THREADS: usize = 4;

/// What an account adds up to.
#[derive(Debug, Clone)]
pub(crate) struct Sums {
    totals: Totals,
    organization: Arc<OrganizationSnapshot>,
}

impl Sums {
    /// All entries of a kind.
    pub(super) fn entries(&self, kind: EntryKind) -> Millionths {
        Millionths(account_total(&self.organization, kind))
    }

    /// Everything that was earned.
    pub(super) fn earned(&self) -> Millionths {
        self.totals.earned
    }

    /// Everything that was spent.
    pub(super) fn spent(&self) -> Millionths {
        self.totals.spent
    }

    /// What was earned and is neither paid out nor transferred.
    pub(crate) fn earnings(&self) -> Millionths {
        let taken = self.entries(EntryKind::Payout).0 + self.entries(EntryKind::Transfer).0;
        Millionths(self.totals.earned.0 - taken)
    }

    /// What campaigns can still spend.
    pub(crate) fn balance(&self) -> Millionths {
        let given = self.entries(EntryKind::Deposit).0 + self.entries(EntryKind::Transfer).0;
        Millionths(given - self.totals.spent.0)
    }
}

/// Adds everything up, when there is a place for it.
pub(crate) async fn sums(state: &ApiState, organization: OrganizationId) -> Result<Sums, ApiError> {
    let place = state.limits.groups.take(organization).await.ok_or_else(super::busy)?;
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(THREADS);
    let bounds = Bounds { rows: state.limits.group_rows, ..Bounds::threads(threads) };
    let _waiting = Waiting(bounds.stop.clone());
    let view = state.ledger.view();
    let snapshot = state.catalog.snapshot();
    let missing = || ApiError::new(Code::NotFound);
    let own = snapshot.organization(organization).cloned().ok_or_else(missing)?;
    let added = own.clone();
    let adding = tokio::task::spawn_blocking(move || {
        let _place = place;
        totals(&view, &added, &bounds)
    });
    match adding.await {
        Ok(Ok(totals)) => Ok(Sums { totals, organization: own }),
        Ok(Err(error @ GroupError::TooWide { .. })) => {
            Err(ApiError::because(Code::RequestFailed, error.to_string()))
        }
        Ok(Err(error)) => Err(ApiError::internal("adding up an account", &error)),
        Err(error) => Err(ApiError::internal("adding up an account", &error)),
    }
}

/// Adds an entry to a draft, under an id of its own; answers the id.
pub(super) fn add(
    draft: &mut Draft<'_>,
    (kind, amount, note): (EntryKind, Money, Option<&str>),
    earned: Millionths,
) -> Result<String, Refused> {
    let id = random_object_id(draft.entropy());
    let entry = AccountEntry { id: id.clone(), kind, amount, note: note.map(str::to_owned) };
    new_account_entry(draft, entry, earned.0)?;
    Ok(id)
}

/// Adds an entry; answers what the account adds up to then.
pub(crate) async fn change(
    state: &ApiState,
    organization: OrganizationId,
    actor: &Actor,
    entry: (EntryKind, Money, Option<&str>),
) -> Result<Sums, ApiError> {
    let before = sums(state, organization).await?;
    let earned = before.earned();
    state.catalog.write(organization, actor, |draft| add(draft, entry, earned)).await?;
    let snapshot = state.catalog.snapshot();
    let missing = || ApiError::new(Code::NotFound);
    let own = snapshot.organization(organization).cloned().ok_or_else(missing)?;
    Ok(Sums { organization: own, ..before })
}
