//! What an account adds up to: the ledger's figures and the account's entries.

use crate::ApiState;
use crate::error::{ApiError, Code};
use crate::limits::Limits;
use crate::places::Waiting;
use tollgate_catalog::{
    Catalog, Draft, OrganizationSnapshot, Refused, account_total, new_account_entry, random_object_id,
};
use tollgate_domain::{AccountEntry, EntryKind, Money, OrganizationId};
use tollgate_jobs::account::{self, Totals};
use tollgate_jobs::analytics::Millionths;
use tollgate_ledger::Ledger;
use tollgate_ledger::group::{Bounds, GroupError};

/// Threads that sums are added up on at most.
const THREADS: usize = 4;

/// What accounts are made of.
#[derive(Clone, Copy)]
pub(crate) struct Books<'a> {
    pub(crate) catalog: &'a Catalog,
    pub(crate) ledger: &'a Ledger,
    pub(crate) limits: &'a Limits,
}

impl<'a> From<&'a ApiState> for Books<'a> {
    fn from(state: &'a ApiState) -> Self {
        Self { catalog: &state.catalog, ledger: &state.ledger, limits: &state.limits }
    }
}

/// What an account adds up to, in micro-dollars.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sums {
    totals: Totals,
    paid_out: i128,
    deposited: i128,
    transferred: i128,
}

impl Sums {
    /// What events add up to, with an organization's entries.
    pub(crate) fn of(totals: Totals, organization: &OrganizationSnapshot) -> Self {
        let total = |kind| account_total(organization, kind);
        Self {
            totals,
            paid_out: total(EntryKind::Payout),
            deposited: total(EntryKind::Deposit),
            transferred: total(EntryKind::Transfer),
        }
    }

    /// What was earned and is neither paid out nor transferred.
    pub(crate) fn earnings(&self) -> Millionths {
        Millionths(self.totals.earned.0 - self.paid_out - self.transferred)
    }

    /// What campaigns can still spend.
    pub(crate) fn balance(&self) -> Millionths {
        Millionths(self.deposited + self.transferred - self.totals.spent.0)
    }

    /// All of it as JSON: whole millionths, never floats.
    pub(crate) fn json(&self) -> String {
        let members = [
            ("earned", self.totals.earned),
            ("spent", self.totals.spent),
            ("paid_out", Millionths(self.paid_out)),
            ("deposited", Millionths(self.deposited)),
            ("transferred", Millionths(self.transferred)),
            ("earnings", self.earnings()),
            ("balance", self.balance()),
        ];
        let members = members.iter().map(|(name, amount)| format!("\"{name}\":{amount}"));
        format!("{{{}}}", members.collect::<Vec<_>>().join(","))
    }
}

/// Adds everything up.
pub(crate) async fn sums(books: Books<'_>, organization: OrganizationId) -> Result<Sums, ApiError> {
    let totals = totals(books, organization).await?;
    let snapshot = books.catalog.snapshot();
    let own = snapshot.organization(organization).ok_or_else(|| ApiError::new(Code::NotFound))?;
    Ok(Sums::of(totals, own))
}

/// Adds up events, when there is a place for it.
pub(crate) async fn totals(books: Books<'_>, organization: OrganizationId) -> Result<Totals, ApiError> {
    let place = books.limits.groups.take(organization).await.ok_or_else(super::busy)?;
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(THREADS);
    let bounds = Bounds { rows: books.limits.group_rows, ..Bounds::threads(threads) };
    let _waiting = Waiting(bounds.stop.clone());
    let (view, snapshot) = (books.ledger.view(), books.catalog.snapshot());
    let own = snapshot.organization(organization).cloned();
    let own = own.ok_or_else(|| ApiError::new(Code::NotFound))?;
    let adding = tokio::task::spawn_blocking(move || {
        let _place = place;
        account::totals(&view, &own, &bounds)
    });
    match adding.await {
        Ok(Ok(totals)) => Ok(totals),
        Ok(Err(error @ GroupError::TooWide { .. })) => {
            Err(ApiError::because(Code::RequestFailed, error.to_string()))
        }
        Ok(Err(error)) => Err(ApiError::internal("adding up an account", &error)),
        Err(error) => Err(ApiError::internal("adding up an account", &error)),
    }
}

/// Adds an entry to a draft, under an id of its own; answers the id.
pub(crate) fn add(
    draft: &mut Draft<'_>,
    (kind, amount, note): (EntryKind, Money, Option<&str>),
    totals: Totals,
) -> Result<String, Refused> {
    let id = random_object_id(draft.entropy());
    let entry = AccountEntry { id: id.clone(), kind, amount, note: note.map(str::to_owned) };
    new_account_entry(draft, entry, totals.earned.0)?;
    Ok(id)
}
