//! Whom an address means where several organizations know it, and that the work to find out tells nobody how many do.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use support::{Home, TestEntropy};
use tollgate_catalog::{Actor, Catalog, Organization, Role, StoredSecret, new_user};
use tollgate_domain::{Entropy, OrganizationId};

/// Counts how often somebody asks: a hash that is made for nobody asks for its salt once.
struct Counted(Arc<TestEntropy>, AtomicUsize);

impl Entropy for Counted {
    fn fill(&self, bytes: &mut [u8]) {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.fill(bytes);
    }
}

impl Counted {
    fn new() -> Arc<Self> {
        Arc::new(Self(TestEntropy::new(7), AtomicUsize::new(0)))
    }
}

fn id(n: u32) -> OrganizationId {
    format!("{n:024x}").parse().unwrap()
}

/// An organization with an owner of this address.
async fn organization(catalog: &Catalog, id: OrganizationId, email: &str, hash: &StoredSecret) {
    let actor = Actor::command_line();
    let write = catalog.write(id, &actor, |draft| {
        draft.create(Organization::new(id, "Another"))?;
        new_user(draft, email, Role::Owner, hash.clone())
    });
    write.await.unwrap();
}

#[tokio::test]
async fn everybody_with_the_password_is_told_and_an_organization_says_which_is_meant() {
    let home = Home::new().await;
    let catalog = home.open(2).await;
    let (own, admin) = (home.made.organization_id, &home.made.admin);
    let same = catalog.hash_password(admin.secret.expose()).unwrap();
    organization(&catalog, id(1), &admin.id.to_uppercase(), &same).await;
    organization(&catalog, id(2), &admin.id, &catalog.hash_password("another password").unwrap()).await;
    let known = |organization, password: &str| {
        let verified = catalog.verify_password(catalog.candidates(&admin.id, organization), password);
        let mut known: Vec<_> = verified.iter().map(|one| one.user.organization.id()).collect();
        known.sort();
        known
    };
    let mut both = vec![own, id(1)];
    both.sort();
    let password = admin.secret.expose();
    assert_eq!(known(None, password), both);
    assert_eq!(known(None, "another password"), [id(2)]);
    assert_eq!(known(Some(own), password), [own]);
    assert_eq!(known(Some(id(1)), password), [id(1)]);
    assert!(known(Some(id(2)), password).is_empty());
    assert!(known(Some(id(3)), password).is_empty(), "there is no such organization");
    let mut some = catalog.candidates(&admin.id, None);
    some.retain(|organization, _| organization == id(1));
    let verified = catalog.verify_password(some, password);
    assert_eq!(verified.iter().map(|one| one.user.organization.id()).collect::<Vec<_>>(), [id(1)]);
}

#[tokio::test]
async fn as_many_hashes_are_made_for_an_address_that_nobody_has_as_for_any_other() {
    let home = Home::new().await;
    let asked = Counted::new();
    let catalog = Catalog::open(&home.file(), home.clock.clone(), asked.clone()).await.unwrap();
    let admin = &home.made.admin;
    let hash = catalog.hash_password("a password").unwrap();
    for n in 1..=3 {
        organization(&catalog, id(n), if n == 1 { &admin.id } else { "other@example.com" }, &hash).await;
    }
    // Hashes of users, and those that are made for nobody.
    let hashes = |email: &str, organization, left_out: bool| {
        let before = asked.1.load(Ordering::SeqCst);
        let mut candidates = catalog.candidates(email, organization);
        candidates.retain(|_, _| !left_out);
        let of_users = candidates.users().count();
        assert!(catalog.verify_password(candidates, "not it").is_empty());
        (of_users, asked.1.load(Ordering::SeqCst) - before)
    };
    assert_eq!(hashes("nobody@example.com", None, false), (0, 4));
    assert_eq!(hashes(&admin.id, None, false), (2, 2));
    assert_eq!(hashes(&admin.id, None, true), (0, 4), "those that are left out count, too");
    assert_eq!(hashes("other@example.com", None, false), (2, 2));
    for (email, organization, expected) in
        [(&*admin.id, id(1), (1, 0)), (&*admin.id, id(2), (0, 1)), ("nobody@example.com", id(9), (0, 1))]
    {
        assert_eq!(hashes(email, Some(organization), false), expected, "{email} {organization}");
    }
    for n in 4..=12 {
        organization(&catalog, id(n), &admin.id, &hash).await;
    }
    assert_eq!(hashes(&admin.id, None, false), (8, 0), "more than eight are not tried");
    assert_eq!(hashes(&admin.id, Some(id(12)), false), (1, 0), "but when they are named");
}
