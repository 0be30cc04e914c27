//! Late rejections: what is said of a conversion after it was judged. One is answered once it is durable; an unknown
//! conversion is nobody's mistake, so it is answered, too, and nothing happens.

use super::events::Patience;
use super::request::{body_hash, idempotency_key, set_from_body, set_from_query};
use super::{Core, GatewayBody, answer, refused};
use crate::error::{ApiError, Code};
use http::{HeaderMap, Response};
use hyper::body::Incoming;
use std::net::IpAddr;
use tollgate_domain::{EventKind, IntegrationId, Trust};
use tollgate_intake::signature::Purpose;
use tollgate_intake::{GivenBy, History, Judged, LiveIntegration, Lookup, Outcome, Parameters, Rejection};

/// What is answered about an unknown conversion.
const UNKNOWN: &[u8] = br#"{"transaction_id":null,"status":"unknown"}"#;

/// What became of a rejection.
enum Rejected {
    /// The answer, which is true once this `seq` is durable.
    Done(u64, Vec<u8>),
    /// The answer is that of an earlier rejection.
    Earlier(Judged),
    /// History has to be asked again.
    LookAgain,
}

impl Core {
    pub(super) async fn rejection(
        &self,
        integration: Option<IntegrationId>,
        request: http::Request<Incoming>,
        peer: IpAddr,
    ) -> Result<Response<GatewayBody>, ApiError> {
        let live = self.live(integration)?;
        let (parts, body) = request.into_parts();
        self.check_trust(&live, &parts, Purpose::Rejection, peer)?;
        let body = super::single::body_of(&parts, body).await?;
        let given_by = self.given_by(&live, &parts.headers);
        let mut rejection = Rejection::new(live.entry.integration.id, given_by);
        let query = parts.uri.query().unwrap_or_default();
        set_from_query(&mut rejection, query);
        set_from_body(&mut rejection, &parts.headers, &body)?;
        match idempotency_key(&parts.headers) {
            Ok(Some(key)) => rejection.set("event_key", key),
            Ok(None) => {}
            Err(refused) => rejection.refuse(refused),
        }
        rejection.finish(self.intake.now()).map_err(ApiError::invalid)?;
        if rejection.event_key.is_some() {
            rejection.body_hash = body_hash(&[query.as_bytes(), &body]);
        }
        let lookup = self.worker.borrow().ask_of_rejection(&mut rejection);
        let history = self.look_up(lookup).await?;
        let mut seq = 0;
        let body = self.settle(&live, &mut rejection, history, &mut Patience::none(), &mut seq).await?;
        self.commits.wait(seq).await;
        Ok(answer::json(body))
    }

    /// Who gives a reason to reject, as the evidence says it.
    fn given_by(&self, live: &LiveIntegration, headers: &HeaderMap) -> GivenBy {
        match live.entry.integration.trust {
            _ if self.holds_key(live, headers) => GivenBy::ApiKey,
            Trust::Listed => GivenBy::ListedSource,
            Trust::Strict => GivenBy::SignedLink,
            Trust::Open => GivenBy::Anyone,
        }
    }

    /// Stores a rejection about which history was asked.
    async fn reject(
        &self,
        live: &LiveIntegration,
        rejection: &mut Rejection,
        patience: &mut Patience,
    ) -> Result<Rejected, ApiError> {
        let bytes = rejection.text_bytes() as u64;
        let promise = self.promise(1, bytes, patience).await.map_err(refused)?;
        match self.worker.borrow_mut().reject(live, &promise, rejection) {
            Outcome::Judged(judged) | Outcome::Amended(judged) => {
                let mut body = Vec::with_capacity(128);
                if let Some(conversion) = rejection.conversion() {
                    answer::verdict(conversion, &mut body);
                }
                Ok(Rejected::Done(judged.seq, body))
            }
            Outcome::Repeated(judged) => Ok(Rejected::Earlier(judged)),
            Outcome::Conflict => Err(ApiError::new(Code::KeyReused)),
            Outcome::LookAgain => Ok(Rejected::LookAgain),
            Outcome::Unknown | Outcome::NoConversion => Ok(Rejected::Done(0, UNKNOWN.to_vec())),
        }
    }

    /// What was answered to the rejection that has this place.
    async fn earlier_rejection(&self, live: &LiveIntegration, judged: Judged) -> Result<Vec<u8>, ApiError> {
        self.commits.wait(judged.seq).await;
        let (intake, id) = (self.intake.clone(), live.entry.integration.id);
        match self.read(move || intake.stored(id, EventKind::Conversion, judged)).await? {
            Ok(Some(event)) => {
                let mut body = Vec::with_capacity(128);
                answer::verdict(&event, &mut body);
                Ok(body)
            }
            Ok(None) => Err(ApiError::internal("repeating an answer", &"its conversion is gone")),
            Err(cause) => Err(ApiError::internal("repeating an answer", &cause)),
        }
    }

    /// Stores rejections in their order, history being asked about all of them at once. The answers are true once the
    /// `seq` that is returned is durable.
    pub(super) async fn reject_all(
        &self,
        live: &LiveIntegration,
        mut rejections: Vec<Rejection>,
        patience: &mut Patience,
    ) -> Result<(u64, Vec<Result<Vec<u8>, ApiError>>), ApiError> {
        let lookups: Vec<Lookup> = {
            let worker = self.worker.borrow();
            rejections.iter_mut().map(|rejection| worker.ask_of_rejection(rejection)).collect()
        };
        let read = self.read(move || lookups.into_iter().map(Lookup::run).collect::<Vec<_>>()).await?;
        let (mut last_seq, mut answers) = (0, Vec::with_capacity(rejections.len()));
        for (mut rejection, history) in rejections.into_iter().zip(read) {
            let history = history.map_err(|error| ApiError::internal("reading history", &error));
            answers.push(match history {
                Ok(history) => self.settle(live, &mut rejection, history, patience, &mut last_seq).await,
                Err(cause) => Err(cause),
            });
        }
        Ok((last_seq, answers))
    }

    /// Stores a rejection, asking history as often as that is needed, and gives its answer.
    async fn settle(
        &self,
        live: &LiveIntegration,
        rejection: &mut Rejection,
        mut history: History,
        patience: &mut Patience,
        last_seq: &mut u64,
    ) -> Result<Vec<u8>, ApiError> {
        loop {
            history.tell_rejection(rejection);
            match self.reject(live, rejection, patience).await? {
                Rejected::Done(seq, body) => {
                    *last_seq = seq.max(*last_seq);
                    return Ok(body);
                }
                Rejected::Earlier(judged) => return self.earlier_rejection(live, judged).await,
                Rejected::LookAgain => self.before_looking_again().await,
            }
            let lookup = self.worker.borrow().ask_of_rejection(rejection);
            history = self.look_up(lookup).await?;
        }
    }
}
