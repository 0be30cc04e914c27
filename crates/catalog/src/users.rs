//! The rules of users: an address is one user's in an organization, what others have is nobody's business, and an
//! organization always has an owner.

use crate::catalog::Catalog;
use crate::credentials::random_object_id;
use crate::draft::{Draft, Refused};
use crate::kinds::{Role, User};
use crate::secret::{PasswordError, Secret, StoredSecret, hash_password};
use tollgate_domain::Invalid;

/// Most users of an organization.
pub const MAX_USERS: usize = 1000;
/// Least and most characters of a password that somebody chooses.
pub const SHORTEST_PASSWORD: usize = 12;
/// See [`SHORTEST_PASSWORD`].
pub const LONGEST_PASSWORD: usize = 256;

/// Refuses a password that a user may not choose.
pub fn check_password(password: &str, email: &str) -> Result<(), &'static str> {
    match password.chars().count() {
        ..SHORTEST_PASSWORD => Err("must have at least 12 characters"),
        SHORTEST_PASSWORD..=LONGEST_PASSWORD if password.eq_ignore_ascii_case(email) => {
            Err("must not be the address")
        }
        SHORTEST_PASSWORD..=LONGEST_PASSWORD => Ok(()),
        _ => Err("must have at most 256 characters"),
    }
}

/// Refuses what is no address.
pub(crate) fn check_email(email: &str) -> Result<(), Invalid> {
    let legal = match email.split_once('@') {
        Some((name, host)) => {
            !name.is_empty()
                && !host.is_empty()
                && !host.contains('@')
                && email.len() <= 254
                && !email.chars().any(|c| c.is_whitespace() || c.is_control())
        }
        None => false,
    };
    if legal { Ok(()) } else { Err(Invalid::new("email", "must be an address such as admin@example.com")) }
}

/// Adds a user with the hash of a password. Answers the id.
pub fn new_user(
    draft: &mut Draft<'_>,
    email: &str,
    role: Role,
    password: StoredSecret,
) -> Result<String, Refused> {
    check_email(email).map_err(|error| Refused::Invalid(vec![error]))?;
    if draft.table::<User>().len() >= MAX_USERS {
        return Err(Refused::Rule {
            code: "too_many_users",
            message: format!("An organization has at most {MAX_USERS} users"),
        });
    }
    if draft.table::<User>().iter().any(|user| user.email.eq_ignore_ascii_case(email)) {
        return Err(Refused::Rule {
            code: "email_taken",
            message: "There is a user with this address already".to_owned(),
        });
    }
    let id = random_object_id(draft.entropy());
    draft.create(User { id: id.clone(), email: email.to_owned(), role, linked_at: None })?;
    draft.set_secret::<User>(&id, Some(password))?;
    Ok(id)
}

/// Gives a user another role. The last owner stays one.
pub fn change_role(
    draft: &mut Draft<'_>,
    id: &str,
    role: Role,
    expected: Option<u64>,
) -> Result<(), Refused> {
    let user = draft.require::<User>(id, expected)?;
    keep_an_owner(draft, id, role == Role::Owner)?;
    draft.update(User { role, ..user.value.clone() }, None)
}

/// Removes a user. The last owner stays.
pub fn delete_user(draft: &mut Draft<'_>, id: &str, expected: Option<u64>) -> Result<(), Refused> {
    draft.require::<User>(id, expected)?;
    keep_an_owner(draft, id, false)?;
    draft.delete::<User>(id, None)
}

fn keep_an_owner(draft: &Draft<'_>, changed: &str, is_owner: bool) -> Result<(), Refused> {
    let is_other_owner = |user: &User| user.id != changed && user.role == Role::Owner;
    if is_owner || draft.table::<User>().iter().any(|user| is_other_owner(user)) {
        return Ok(());
    }
    Err(Refused::Rule {
        code: "last_owner",
        message: "An organization has at least one owner: make somebody else one first".to_owned(),
    })
}

impl Catalog {
    /// The hash of a password that somebody chose. It takes tens of milliseconds: call it on a blocking thread.
    pub fn hash_password(&self, password: &str) -> Result<StoredSecret, PasswordError> {
        hash_password(password, &*self.entropy)
    }

    /// A new password, shown once, and its hash. It takes tens of milliseconds: call it on a blocking thread.
    pub fn fresh_password(&self) -> Result<(Secret, StoredSecret), PasswordError> {
        let password = Secret::random_password(&*self.entropy);
        let hash = hash_password(password.expose(), &*self.entropy)?;
        Ok((password, hash))
    }
}
