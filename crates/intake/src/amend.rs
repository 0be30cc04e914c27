//! What is said of a conversion after it was judged becomes an amendment, under its shard's lock and in the order of `seq`,
//! like a judgement.

use crate::draft::Draft;
use crate::intake::Intake;
use crate::live::LiveIntegration;
use crate::prior::Prior;
use crate::shard::Shard;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::fmt::Write;
use tollgate_domain::{Amendment, Event, Number, Status, Text, Timestamp};
use tollgate_ledger::Promise;
use tollgate_screening::was_rejected;

/// Who gave a reason to reject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GivenBy {
    /// Anyone: the integration is open.
    #[default]
    Anyone,
    /// A caller from a listed address.
    ListedSource,
    /// Whoever was given a signed link.
    SignedLink,
    /// The holder of an API key.
    ApiKey,
}

impl GivenBy {
    const fn name(self) -> &'static str {
        match self {
            Self::Anyone => "anyone",
            Self::ListedSource => "listed_source",
            Self::SignedLink => "signed_link",
            Self::ApiKey => "api_key",
        }
    }
}

/// What is said.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Said<'a> {
    /// Reject for this reason, and who wants that.
    pub(crate) reject: Option<(&'a str, GivenBy)>,
    pub(crate) third_party: [(Text, Option<&'a str>); 2],
    pub(crate) key: u128,
    pub(crate) body_hash: i64,
}

/// What became of it.
pub(crate) enum Amended {
    /// It has this `seq`.
    Done(u64),
    /// The conversion says so already.
    NothingNew,
    /// The conversion was amended since history was asked, or may have been deleted.
    LookAgain,
}

/// Amends the conversion that `prior` found, which shows what was said afterwards. `promise` covers [`room`].
pub(crate) fn amend(
    intake: &Intake,
    shard: &mut Shard,
    (live, promise): (&LiveIntegration, &Promise),
    prior: &mut Prior,
    said: &Said<'_>,
) -> Amended {
    let Some(event) = &mut prior.same else { return Amended::NothingNew };
    if shard.recent.outdates(prior.covered) || shard.recent.amended(event.id, prior.covered) {
        return Amended::LookAgain;
    }
    let mut amendment = amendment(event, said, intake.now());
    if amendment.is_empty() {
        return Amended::NothingNew;
    }
    amendment.record.key = said.key;
    if said.key != 0 {
        amendment.record.set_number(Number::BodyHash, said.body_hash);
    }
    amendment.record.set_number(Number::ConfigVersion, live.config_version as i64);
    let Some(seq) = intake.ledger().amend_since(promise, &mut amendment, prior.deletions) else {
        return Amended::LookAgain;
    };
    if amendment.record.flag(Number::LateRejection) {
        live.plan.count_late_rejection(&amendment.record, &mut shard.counters);
    }
    shard.recent.note_amendment(event.id, seq, intake.ledger().committed());
    amendment.apply_to(event);
    Amended::Done(seq)
}

/// Bytes of text that an amendment of `event` may have beside what is said.
pub(crate) fn room(event: &Event) -> usize {
    event.text_bytes() + 1024
}

impl Draft {
    /// Bytes of text to be promised room for: those of the event, or of the amendment that it may become.
    pub fn text_bytes(&self) -> usize {
        self.event.text_bytes() + self.prior.same.as_deref().map_or(0, room)
    }
}

/// The amendment that makes `event` say what is said; empty when it does already.
fn amendment(event: &Event, said: &Said<'_>, now: Timestamp) -> Amendment {
    let mut amendment = Amendment::of(event, now);
    let record = &mut amendment.record;
    for (column, text) in said.third_party {
        if let Some(text) = text.filter(|text| event.text(column) != Some(text)) {
            record.set_text(column, text);
        }
    }
    let Some((reason, given_by)) = said.reject else { return amendment };
    let mut rejections = String::from("[");
    crate::extra::push_json_string(&mut rejections, reason);
    rejections.push(']');
    if event.is_enforced_rejection() && event.text(Text::Rejections) == Some(&*rejections) {
        return amendment;
    }
    let evidence = evidence(event, reason, given_by, now);
    // What it earned and cost is taken back, once.
    if event.counts() {
        record.set_number(Number::Restated, 1);
    }
    record.set_status(Status::Rejected);
    // Whoever rejects a conversion late does not do so on trial.
    record.set_number(Number::MonitoringMode, 0);
    record.set_text(Text::Rejections, &rejections);
    record.set_text(Text::Evidence, &evidence);
    let mut after = event.clone();
    amendment.apply_to(&mut after);
    let turns = (was_rejected(event), was_rejected(&after)) == (Some(false), Some(true));
    // Once counted, however often its reason changes.
    if turns && !event.flag(Number::LateRejection) {
        amendment.record.set_number(Number::LateRejection, 1);
    }
    amendment
}

/// How the evidence of a late rejection begins.
const LATE: &str = r#"{"type":"late_rejection""#;

/// When a late rejection came, and when the first one did where there were several.
#[derive(Deserialize)]
struct Late<'a> {
    at: &'a str,
    #[serde(default)]
    first_at: Option<&'a str>,
}

/// What was found when the event was judged, and that it was rejected late. Of several late rejections the last is told,
/// with the time of the first.
fn evidence(event: &Event, reason: &str, given_by: GivenBy, now: Timestamp) -> String {
    let judged: Vec<&RawValue> =
        serde_json::from_str(event.text_or_empty(Text::Evidence)).unwrap_or_default();
    let (mut out, mut former) = (String::from("["), None);
    for finding in judged.iter().map(|finding| finding.get()) {
        if finding.starts_with(LATE) {
            former = serde_json::from_str::<Late<'_>>(finding).ok();
            continue;
        }
        out.push_str(finding);
        out.push(',');
    }
    out.push_str(LATE);
    out.push_str(r#","action":"reject","reason":"#);
    crate::extra::push_json_string(&mut out, reason);
    let was = event.status().map_or("unknown", Status::name);
    // Writing to a String does not fail.
    let _ = write!(out, r#","was":"{was}","given_by":"{}","at":"{now}""#, given_by.name());
    if let Some(Late { at, first_at }) = former {
        let _ = write!(out, r#","first_at":"{}""#, first_at.unwrap_or(at));
    }
    out.push_str("}]");
    out
}
