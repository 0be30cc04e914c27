//! New credentials of every sort. Each function answers the secret, which is shown once and stored as a digest.

use crate::draft::{Draft, Refused};
use crate::kinds::{ApiKey, ClientVersion, KeyOwner, LegacyCredential, OauthClient, Scope};
use crate::secret::{Secret, StoredSecret};
use tollgate_domain::{Entropy, FilterGroupId, OrganizationId};

/// A public id and the secret that goes with it.
#[derive(Debug, Clone)]
pub struct Credential {
    /// The `client_id`, `user_id` or the API key's id.
    pub id: String,
    /// What proves it.
    pub secret: Secret,
}

/// 24 lower-case hex characters, as users and v3 credentials have.
pub fn random_object_id(entropy: &dyn Entropy) -> String {
    OrganizationId::random(entropy).to_string()
}

/// Adds an API key.
pub fn new_api_key(
    draft: &mut Draft<'_>,
    name: &str,
    scopes: &[Scope],
    owner: KeyOwner,
) -> Result<Credential, Refused> {
    // The alphabet and length are those of filter group ids.
    let id = FilterGroupId::random(draft.entropy()).to_string();
    let mut scopes = scopes.to_vec();
    scopes.sort_unstable();
    scopes.dedup();
    draft.create(ApiKey { id: id.clone(), name: name.to_owned(), scopes, owner })?;
    let secret = Secret::random(draft.entropy());
    draft.set_secret::<ApiKey>(&id, Some(StoredSecret::Digest(secret.digest())))?;
    Ok(Credential { id, secret })
}

/// Ends every client of `version` and adds a new one. Tokens already issued live on.
pub fn refresh_oauth_client(draft: &mut Draft<'_>, version: ClientVersion) -> Result<Credential, Refused> {
    let clients = draft.table::<OauthClient>();
    let old: Vec<String> =
        clients.iter().filter(|client| client.version == version).map(|client| client.id.clone()).collect();
    for id in old {
        draft.delete::<OauthClient>(&id, None)?;
    }
    let secret = Secret::random(draft.entropy());
    let id = Secret::random(draft.entropy()).expose().chars().take(32).collect::<String>();
    draft.create(OauthClient { id: id.clone(), version })?;
    draft.set_secret::<OauthClient>(&id, Some(StoredSecret::Digest(secret.digest())))?;
    Ok(Credential { id, secret })
}

/// Ends the v3 credential, if there is one, and adds a new one.
pub fn refresh_legacy_credential(draft: &mut Draft<'_>) -> Result<Credential, Refused> {
    let old: Vec<String> = draft.table::<LegacyCredential>().iter().map(|one| one.id.clone()).collect();
    for id in old {
        draft.delete::<LegacyCredential>(&id, None)?;
    }
    let secret = Secret::random_signature(draft.entropy());
    let id = random_object_id(draft.entropy());
    draft.create(LegacyCredential { id: id.clone() })?;
    draft.set_secret::<LegacyCredential>(&id, Some(StoredSecret::Digest(secret.digest())))?;
    Ok(Credential { id, secret })
}
