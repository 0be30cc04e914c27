//! One event by GET or POST: click, postback, impression.

use super::request::{body_hash, idempotency_key, set_from_body, set_from_headers, set_from_query};
use super::target::MAX_LOCATION;
use super::{Core, GatewayBody, answer, refused, signature, target};
use crate::body::{BODY_TIME, read};
use crate::error::{ApiError, Code};
use bytes::Bytes;
use http::{Method, Response, request::Parts};
use hyper::body::Incoming;
use std::net::IpAddr;
use tollgate_domain::{EventKind, IntegrationId, Text};
use tollgate_intake::{Draft, Judged, LiveIntegration, Outcome, Wishes};

/// Most bytes of one event's body.
const BODY_LIMIT: usize = 64 << 10;

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
        kind: EventKind,
        integration: Option<IntegrationId>,
        request: http::Request<Incoming>,
        peer: IpAddr,
    ) -> Result<Response<GatewayBody>, ApiError> {
        let live = self.live(integration)?;
        let (parts, body) = request.into_parts();
        self.check_trust(&live, &parts.headers, peer)?;
        let body = match parts.method {
            Method::POST => read(body, BODY_LIMIT, BODY_TIME).await?,
            _ => Bytes::new(),
        };
        let mut draft = self.draft(kind, live.entry.integration.id);
        let waiting = self.take_in(&live, &mut draft, &parts, &body, peer).await;
        self.give_back([draft]);
        match waiting? {
            Waiting::Ready(seq, response) => {
                self.commits.wait(seq).await;
                Ok(response)
            }
            Waiting::Earlier(judged, wishes) => self.earlier(&live, kind, judged, &wishes, &parts).await,
        }
    }

    /// Reads, judges and prepares the answer. It waits for nothing but what history says, and that for few.
    async fn take_in(
        &self,
        live: &LiveIntegration,
        draft: &mut Draft,
        parts: &Parts,
        body: &[u8],
        peer: IpAddr,
    ) -> Result<Waiting, ApiError> {
        self.fill(live, draft, parts, body, peer)?;
        let lookup = self.worker.borrow().ask(draft);
        if let Some(lookup) = lookup {
            self.look_up(lookup).await?.tell(draft);
        }
        self.worker.borrow_mut().complete(live, draft);
        loop {
            match self.judge(live, draft)? {
                Outcome::Judged(judged) => {
                    let disclosure = self.disclosure(live, &parts.headers, &draft.wishes);
                    let organization = live.entry.organization;
                    let response = answer::single(&draft.event, &draft.wishes, organization, disclosure);
                    return Ok(Waiting::Ready(judged.seq, response));
                }
                Outcome::Repeated(judged) => return Ok(Waiting::Earlier(judged, draft.wishes.clone())),
                Outcome::Conflict => return Err(ApiError::new(Code::KeyReused)),
                Outcome::LookAgain => {
                    let lookup = self.worker.borrow().ask_again(draft);
                    self.look_up(lookup).await?.tell(draft);
                }
            }
        }
    }

    /// Everything the request says, or every problem it has.
    fn fill(
        &self,
        live: &LiveIntegration,
        draft: &mut Draft,
        parts: &Parts,
        body: &[u8],
        peer: IpAddr,
    ) -> Result<(), ApiError> {
        let query = parts.uri.query().unwrap_or_default();
        set_from_query(draft, query);
        set_from_body(draft, &parts.headers, body)?;
        match idempotency_key(&parts.headers) {
            Ok(Some(key)) => draft.set("event_key", key),
            Ok(None) => {}
            Err(refused) => draft.refuse(refused),
        }
        if draft.event.kind != EventKind::Conversion {
            if draft.event.text(Text::Ip).is_none() {
                draft.set_ip(self.client_ip(&parts.headers, peer));
            }
            set_from_headers(draft, &parts.headers);
        }
        if let Err(refused) = target::check(&live.entry.integration, &draft.wishes) {
            draft.refuse(refused);
        }
        if let Err(refused) = answer::picked(&draft.wishes).map(|_| ()) {
            draft.refuse(refused);
        }
        self.intake.check_app(live, draft);
        self.intake.check_active(live, draft);
        draft.finish(self.intake.now()).map_err(ApiError::invalid)?;
        signature::check(live, draft, query, body);
        if draft.wishes.event_key.is_some() {
            draft.body_hash = body_hash(&[query.as_bytes(), body]);
        }
        Ok(())
    }

    fn judge(&self, live: &LiveIntegration, draft: &mut Draft) -> Result<Outcome, ApiError> {
        let redirects = draft.event.kind == EventKind::Click && !draft.wishes.no_redirect;
        let location = if redirects { MAX_LOCATION } else { 0 };
        let bytes = draft.event.text_bytes() + location;
        let promise = self.intake.ledger().promise(1, bytes as u64).map_err(refused)?;
        let outcome = self.worker.borrow_mut().judge(live, &promise, draft, |event, wishes| {
            if redirects {
                target::set(event, wishes, &live.entry.integration);
            }
        });
        Ok(outcome)
    }

    async fn earlier(
        &self,
        live: &LiveIntegration,
        kind: EventKind,
        judged: Judged,
        wishes: &Wishes,
        parts: &Parts,
    ) -> Result<Response<GatewayBody>, ApiError> {
        self.commits.wait(judged.seq).await;
        let (intake, id) = (self.intake.clone(), live.entry.integration.id);
        let disclosure = self.disclosure(live, &parts.headers, wishes);
        match self.read(move || intake.stored(id, kind, judged.id)).await? {
            Ok(Some(event)) => Ok(answer::single(&event, wishes, live.entry.organization, disclosure)),
            Ok(None) => Err(ApiError::internal("repeating an answer", &"its event is gone")),
            Err(cause) => Err(ApiError::internal("repeating an answer", &cause)),
        }
    }
}
