//! One event by GET or POST: click, postback, impression.

use super::request::{body_hash, idempotency_key, set_from_body, set_from_headers, set_from_query};
use super::{Core, GatewayBody, answer, refused, signature, target};
use crate::body::{BODY_TIME, read};
use crate::error::{ApiError, Code};
use bytes::Bytes;
use http::{Method, Response, request::Parts};
use hyper::body::Incoming;
use std::net::IpAddr;
use tollgate_domain::row::Field;
use tollgate_domain::{Auction, Column, EventKind, IntegrationId, Text};
use tollgate_intake::{Draft, Judged, LiveIntegration, Outcome, Redirect, Wishes};
use tollgate_rtb::Held;

/// Most bytes of one event's body.
const BODY_LIMIT: usize = 64 << 10;

/// An answer that waits for its row to be durable.
enum Waiting {
    /// The row was just judged; the answer is ready, and the winner of an auction is to be told.
    Ready(u64, Response<GatewayBody>, Option<Held>),
    /// The answer is that of an earlier event.
    Earlier(Judged, Wishes),
}

/// The body of a request, when it may have one.
pub(super) async fn body_of(parts: &Parts, body: Incoming) -> Result<Bytes, ApiError> {
    match parts.method {
        Method::POST => read(body, BODY_LIMIT, BODY_TIME).await,
        _ => Ok(Bytes::new()),
    }
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
        self.check_trust(&live, &parts, kind.into(), peer)?;
        let body = body_of(&parts, body).await?;
        let mut draft = self.draft(kind, live.entry.integration.id);
        let waiting = self.take_in(&live, &mut draft, &parts, &body, peer).await;
        self.give_back([draft]);
        match waiting? {
            Waiting::Ready(seq, response, won) => {
                self.commits.wait(seq).await;
                if let (Some(auctions), Some(won)) = (&self.options.auctions, won) {
                    auctions.tell(won);
                }
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
        let held = self.auction(live, draft).await;
        loop {
            let outcome = self.judge(live, draft, held.as_ref().map(|held| &held.auction))?;
            match outcome {
                Outcome::Judged(judged) | Outcome::Amended(judged) => {
                    let mut disclosure = self.disclosure(live, &parts.headers, &draft.wishes);
                    if outcome == Outcome::Amended(judged) {
                        disclosure = disclosure.of_stored();
                    }
                    let organization = live.entry.organization;
                    let response = answer::single(&draft.event, &draft.wishes, organization, disclosure);
                    let target = draft.event.text(Text::RedirectedTo);
                    let won =
                        held.filter(|held| target.is_some() && held.auction.location.as_deref() == target);
                    return Ok(Waiting::Ready(judged.seq, response, won));
                }
                Outcome::Repeated(judged) => return Ok(Waiting::Earlier(judged, draft.wishes.clone())),
                Outcome::Conflict => return Err(ApiError::new(Code::KeyReused)),
                Outcome::NoConversion | Outcome::Unknown => {
                    return Err(ApiError::invalid(vec![answer::no_conversion(&draft.event)]));
                }
                Outcome::LookAgain => {
                    self.before_looking_again().await;
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

    /// Offers a click to the integration's bidder when it is going to be rejected. What is decided then is judged after the
    /// auction.
    async fn auction(&self, live: &LiveIntegration, draft: &Draft) -> Option<Held> {
        let auctions = self.options.auctions.as_ref()?;
        if !is_redirected(draft) || !self.worker.borrow_mut().wants_auction(live, draft) {
            return None;
        }
        auctions.hold(&live.entry.integration, &draft.event).await
    }

    fn judge(
        &self,
        live: &LiveIntegration,
        draft: &mut Draft,
        auction: Option<&Auction>,
    ) -> Result<Outcome, ApiError> {
        let mut worker = self.worker.borrow_mut();
        let redirect = is_redirected(draft).then_some(Redirect { auction });
        let promise = match redirect {
            Some(_) => worker.promise_redirected(live, draft),
            None => self.intake.ledger().promise(1, draft.text_bytes() as u64),
        };
        Ok(worker.judge(live, &promise.map_err(refused)?, draft, redirect))
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
        match self.read(move || intake.stored(id, kind, judged)).await? {
            Ok(Some(event)) => Ok(answer::single(&event, wishes, live.entry.organization, disclosure)),
            Ok(None) => Err(ApiError::internal("repeating an answer", &"its event is gone")),
            Err(cause) => Err(ApiError::internal("repeating an answer", &cause)),
        }
    }
}

/// Whether the user is sent on, by this answer or by the caller, who asks where to.
fn is_redirected(draft: &Draft) -> bool {
    let wishes = &draft.wishes;
    let is_told = || wishes.json || answer::picked(wishes).is_ok_and(|picked| picked.iter().any(tells_where));
    draft.event.kind == EventKind::Click && (!wishes.no_redirect || is_told())
}

fn tells_where((_, field): &(&str, Field)) -> bool {
    *field == Field::Stored(Column::Text(Text::RedirectedTo))
}
