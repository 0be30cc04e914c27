//! Entries of an organization's account: a ledger that is only added to.

use crate::draft::{Draft, Refused};
use crate::object::Object;
use crate::snapshot::OrganizationSnapshot;
use tollgate_domain::{AccountEntry, EntryKind};

impl Object for AccountEntry {
    const KIND: &'static str = "account_entry";

    fn id(&self) -> &str {
        &self.id
    }
}

/// All entries of a kind together, in micro-dollars.
pub fn account_total(organization: &OrganizationSnapshot, kind: EntryKind) -> i128 {
    let entries = organization.table::<AccountEntry>().iter().filter(|entry| entry.kind == kind);
    entries.map(|entry| i128::from(entry.amount.micros())).sum()
}

/// Adds an entry. One that takes from what was earned needs as much of `earned`, in micro-dollars, to be left.
pub fn new_account_entry(draft: &mut Draft<'_>, entry: AccountEntry, earned: i128) -> Result<(), Refused> {
    let wrong = entry.check();
    if !wrong.is_empty() {
        return Err(Refused::Invalid(wrong));
    }
    if entry.kind.takes_earnings() {
        let total = |kind| account_total(draft.organization(), kind);
        let left = earned - total(EntryKind::Payout) - total(EntryKind::Transfer);
        if i128::from(entry.amount.micros()) > left {
            return Err(Refused::Rule {
                code: "not_enough_earnings",
                message: "The amount is more than what was earned and is left".to_owned(),
            });
        }
    }
    draft.create(entry)
}
