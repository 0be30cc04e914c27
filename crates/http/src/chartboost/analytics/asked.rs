//! Who asks, and with which parameters: those of the query, and those of a body, which this vendor's clients send with GET.

use super::{Failure, Proof};
use crate::ApiState;
use crate::body::{BODY_LIMIT, BODY_TIME, Encoding, content_type, json_pairs, pairs, read};
use crate::chartboost::Client;
use crate::chartboost::query::Query;
use crate::error::{ApiError, Code};
use axum::extract::{FromRequest, Request};
use axum::http::Method;
use std::sync::Arc;
use tollgate_catalog::{Catalog, LegacyCredential, OrganizationSnapshot};

/// A request of somebody who proved who he is.
pub(crate) struct Asked {
    /// The caller's organization.
    pub(crate) organization: Arc<OrganizationSnapshot>,
    /// The parameters that are still to be taken.
    pub(crate) query: Query,
    /// How the caller proved himself.
    pub(crate) proof: Proof,
    /// Whether only the head of the answer is wanted.
    pub(crate) is_head: bool,
    /// The id of what proved him.
    pub(crate) credential: Arc<str>,
}

impl Asked {
    /// Answers everything that was wrong about the parameters.
    pub(crate) fn finish(&mut self) -> Result<(), Failure> {
        let query = std::mem::replace(&mut self.query, Query::of(Vec::new()));
        query.finish().map_err(|error| self.refuse(error))
    }

    /// What was wrong, in the body that this caller understands.
    pub(crate) fn refuse(&self, error: impl Into<ApiError>) -> Failure {
        Failure { error: error.into(), proof: self.proof }
    }
}

impl FromRequest<ApiState> for Asked {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &ApiState) -> Result<Self, Failure> {
        // It is laid on every route.
        let proof = request.extensions().get::<Proof>().copied().unwrap_or(Proof::Token);
        let fail = |error| Failure { error, proof };
        let (parts, body) = request.into_parts();
        let is_head = parts.method == Method::HEAD;
        let by_token = (proof == Proof::Token).then(|| Client::of(&parts, state));
        let by_token = by_token.transpose().map_err(fail)?;
        let mut query = parameters(Request::from_parts(parts, body)).await.map_err(fail)?;
        let (organization, credential) = match by_token {
            Some(client) => (client.organization().clone(), client.credential().clone()),
            None => by_signature(&mut query, state).map_err(fail)?,
        };
        Ok(Self { organization, query, proof, is_head, credential })
    }
}

/// The parameters of the query and of the body, which may be JSON or a form.
async fn parameters(request: Request) -> Result<Query, ApiError> {
    let malformed = |why| ApiError::because(Code::MalformedQuery, why);
    let raw = request.uri().query().unwrap_or_default();
    let mut all = pairs(raw.as_bytes()).map_err(malformed)?;
    let encoding = content_type(request.headers());
    let body = read(request.into_body(), BODY_LIMIT, BODY_TIME).await?;
    if !body.is_empty() {
        all.extend(match encoding? {
            Some(Encoding::Form) => pairs(&body).map_err(malformed)?,
            Some(Encoding::Json) | None => json_pairs(&body)?,
        });
    }
    Ok(Query::of(all))
}

/// The organization that a user id and its signature prove, and the credential's id; the request counts towards its limit.
fn by_signature(
    query: &mut Query,
    state: &ApiState,
) -> Result<(Arc<OrganizationSnapshot>, Arc<str>), ApiError> {
    let mut either = |one: &str, other: &str| {
        let (mut texts, others) = (query.texts(one), query.texts(other));
        texts.extend(others);
        if texts.len() > 1 { None } else { texts.pop() }
    };
    let wrong = || ApiError::because(Code::Unauthorized, "Invalid authentication");
    let (id, signature) = (either("userId", "user_id"), either("userSignature", "user_signature"));
    let (id, signature) = id.zip(signature).ok_or_else(wrong)?;
    let (proven, attempts) = (of_signature(&state.catalog, &id, &signature), &state.limits.attempts);
    let is_known = proven.is_some() || is_known(&state.catalog, &id);
    attempts.check(&id, is_known)?;
    let proven = proven.ok_or_else(|| {
        attempts.failed(&id, is_known);
        wrong()
    })?;
    let credential = Arc::from(id);
    state.limits.count(&credential)?;
    Ok((proven, credential))
}

/// Whether there is such a user id, asked of every organization so that it takes as long for any.
fn is_known(catalog: &Catalog, id: &str) -> bool {
    let snapshot = catalog.snapshot();
    snapshot.organizations().filter(|one| one.get::<LegacyCredential>(id).is_some()).count() > 0
}

fn of_signature(catalog: &Catalog, id: &str, signature: &str) -> Option<Arc<OrganizationSnapshot>> {
    Some(catalog.snapshot().legacy_credential(id, signature)?.organization)
}
