//! One event by GET or POST: click, postback, impression.

use super::request::{body_hash, read_single, set_from_body, set_from_query};
use super::{Core, GatewayBody, Route, answer, error, rejected, target};
use crate::error::ApiError;
use crate::gateway::Endpoint;
use bytes::Bytes;
use http::{HeaderMap, Response, header, request::Parts};
use hyper::body::Incoming;
use std::net::IpAddr;
use tollgate_domain::{EventKind, Invalid, OrganizationId, Text};
use tollgate_intake::{Draft, Judged, LiveIntegration, Outcome, Submission, Wishes};

/// An answer that waits for its row to be durable.
enum Waiting {
    /// The row was just judged; the answer is ready.
    Ready(u64, Response<GatewayBody>),
    /// The answer is that of an earlier event.
    Earlier(Judged, Wishes),
}

impl Core {
    pub(super) async fn single(
        &self,
        route: Route,
        request: http::Request<Incoming>,
        peer: IpAddr,
    ) -> Result<Response<GatewayBody>, Box<Response<GatewayBody>>> {
        let Endpoint::Single(kind) = route.endpoint else { return Err(super::not_allowed("POST")) };
        let live = self.live(route)?;
        let (parts, body) = request.into_parts();
        let body = if parts.method == http::Method::POST { read_single(body).await? } else { Bytes::new() };
        let mut draft = self.draft(kind, live.entry.integration.id);
        let waiting = self.take_in(&live, &mut draft, &parts, &body, peer);
        self.give_back([draft]);
        let organization = live.entry.organization;
        match waiting.map_err(|cause| error(&cause))? {
            Waiting::Ready(seq, response) => {
                self.commits.wait(seq).await;
                Ok(response)
            }
            Waiting::Earlier(judged, wishes) => {
                self.earlier(&live, kind, judged, &wishes, organization).await
            }
        }
    }

    /// Reads, judges and prepares the answer, without waiting for anything.
    fn take_in(
        &self,
        live: &LiveIntegration,
        draft: &mut Draft,
        parts: &Parts,
        body: &[u8],
        peer: IpAddr,
    ) -> Result<Waiting, ApiError> {
        self.check_trust(live, &parts.headers, peer)?;
        let integration = &live.entry.integration;
        let query = parts.uri.query().unwrap_or_default();
        set_from_query(draft, query);
        set_from_body(draft, &parts.headers, body)?;
        set_from_headers(draft, &parts.headers);
        if draft.event.kind != EventKind::Conversion {
            self.set_from_connection(draft, &parts.headers, peer);
        }
        if let Err(refused) = target::check(integration, &draft.wishes) {
            draft.refuse(refused);
        }
        if let Err(refused) = answer::picked(&draft.wishes).map(|_| ()) {
            draft.refuse(refused);
        }
        draft.finish(self.intake.now()).map_err(ApiError::invalid)?;
        let keyed = draft.wishes.event_key.is_some();
        let body_hash = if keyed { body_hash(&[query.as_bytes(), body]) } else { 0 };
        let redirects = draft.event.kind == EventKind::Click && !draft.wishes.no_redirect;
        let outcome = self
            .worker
            .borrow_mut()
            .submit(live, Submission { draft: &mut *draft, body_hash }, |event, wishes| {
                if redirects {
                    target::set(event, wishes, integration);
                }
            })
            .map_err(rejected)?;
        Ok(match outcome {
            Outcome::Judged(judged) => {
                let response = answer::single(&draft.event, &draft.wishes, live.entry.organization);
                Waiting::Ready(judged.seq, response)
            }
            Outcome::Repeated(judged) => Waiting::Earlier(judged, draft.wishes.clone()),
        })
    }

    async fn earlier(
        &self,
        live: &LiveIntegration,
        kind: EventKind,
        judged: Judged,
        wishes: &Wishes,
        organization: OrganizationId,
    ) -> Result<Response<GatewayBody>, Box<Response<GatewayBody>>> {
        self.commits.wait(judged.seq).await;
        match self.intake.stored(live.entry.integration.id, kind, judged.id) {
            Ok(Some(event)) => Ok(answer::single(&event, wishes, organization)),
            Ok(None) => Err(error(&ApiError::internal("repeating an answer", &"its event is gone"))),
            Err(cause) => Err(error(&ApiError::internal("repeating an answer", &cause))),
        }
    }

    /// What the user's own request says, where the parameters are silent.
    fn set_from_connection(&self, draft: &mut Draft, headers: &HeaderMap, peer: IpAddr) {
        if draft.event.text(Text::Ip).is_none() {
            draft.set_ip(self.client_ip(headers, peer));
        }
        let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
        draft.observe_user_agent(header(header::USER_AGENT));
        let sources = [(Text::Referer, header::REFERER), (Text::BrowserLanguages, header::ACCEPT_LANGUAGE)];
        for (column, name) in sources {
            if let (None, Some(value)) = (draft.event.text(column), header(name)) {
                draft.set(column.name(), value);
            }
        }
    }
}

fn set_from_headers(draft: &mut Draft, headers: &HeaderMap) {
    if let Some(key) = headers.get("idempotency-key") {
        match key.to_str() {
            Ok(key) => draft.set("event_key", key),
            Err(_) => draft.refuse(Invalid::new("Idempotency-Key", "must be printable ASCII")),
        }
    }
}
