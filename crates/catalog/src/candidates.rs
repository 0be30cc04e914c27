//! Whom an address means: the users of all organizations who have it, and which of them have a password. How long that takes
//! says nothing of who there is: as many hashes are made for an address that nobody has.

use crate::catalog::Catalog;
use crate::kinds::User;
use crate::secret::{StoredSecret, hash_password};
use crate::snapshot::{Proven, Snapshot};
use std::iter;
use std::sync::Arc;
use tollgate_domain::OrganizationId;

/// Users of an address that are tried at most, where no organization is named: each takes tens of milliseconds.
const MOST: usize = 8;

/// A user who knew the password, and the hash that proved it.
#[derive(Debug, Clone)]
pub struct Verified {
    /// The user.
    pub user: Proven<User>,
    secret: Arc<StoredSecret>,
}

impl Verified {
    /// Whether the password is still the one that was proved.
    pub(crate) fn is_current(&self, snapshot: &Snapshot) -> bool {
        let organization = snapshot.organization(self.user.organization.id());
        let secret = organization.and_then(|now| now.secret::<User>(&self.user.object.meta.id));
        secret.is_some_and(|secret| **secret == *self.secret)
    }
}

/// The users that an address may mean.
#[derive(Debug)]
pub struct Candidates {
    users: Vec<Verified>,
    /// Hashes that are made, however many users there are.
    hashes: usize,
}

impl Candidates {
    /// The users, each by organization and id.
    pub fn users(&self) -> impl Iterator<Item = (OrganizationId, &str)> {
        self.users.iter().map(|one| (one.user.organization.id(), &*one.user.object.meta.id))
    }

    /// Leaves out the users that `keep` does not take; it takes as long as before to find out whose password is right.
    pub fn retain(&mut self, keep: impl Fn(OrganizationId, &str) -> bool) {
        self.users.retain(|one| keep(one.user.organization.id(), &one.user.object.meta.id));
    }
}

impl Catalog {
    /// The users of an address, without case: one of each organization, or that of the one that is named. Where none is, the
    /// first eight by the organizations' ids.
    pub fn candidates(&self, email: &str, organization: Option<OrganizationId>) -> Candidates {
        let snapshot = self.snapshot();
        let organizations =
            snapshot.organizations().filter(|one| organization.is_none_or(|id| one.id() == id));
        let users = organizations.filter_map(|organization| {
            let users = organization.table::<User>();
            let object = users.iter().find(|user| user.email.eq_ignore_ascii_case(email))?.clone();
            let secret = organization.secret::<User>(&object.id)?.clone();
            Some(Verified { user: Proven { organization: organization.clone(), object }, secret })
        });
        let users = users.take(MOST).collect();
        let hashes = if organization.is_some() { 1 } else { snapshot.organizations().count().clamp(1, MOST) };
        Candidates { users, hashes }
    }

    /// Those whose password this is. It takes tens of milliseconds for each organization that there is, eight at most, and
    /// once that where one was named: call it on a blocking thread.
    pub fn verify_password(&self, candidates: Candidates, password: &str) -> Vec<Verified> {
        let Candidates { users, hashes } = candidates;
        let mut verified = Vec::new();
        for user in users.into_iter().map(Some).chain(iter::repeat_with(|| None)).take(hashes) {
            match user {
                Some(user) => verified.extend(user.secret.verify_password(password).then_some(user)),
                // The hash itself is of no use.
                None => drop(hash_password(password, &*self.entropy)),
            }
        }
        verified
    }

    /// The user of this id, if the password is right. It takes tens of milliseconds.
    pub fn verify_password_of(
        &self,
        organization: OrganizationId,
        user: &str,
        password: &str,
    ) -> Option<Verified> {
        let snapshot = self.snapshot();
        let organization = snapshot.organization(organization)?;
        let object = organization.get::<User>(user)?.clone();
        let secret = organization.secret::<User>(user)?.clone();
        let user = Proven { organization: organization.clone(), object };
        secret.verify_password(password).then_some(Verified { user, secret })
    }
}
