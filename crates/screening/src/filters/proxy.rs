//! `proxy`: the address is a VPN's, a data centre's, a Tor exit's or another proxy's. Either every such event is
//! rejected, or only those of a source whose share of them is over a threshold.

use super::source::Limit;
use super::{level, level_columns};
use crate::catalogue::FilterType;
use crate::facts::{filled, proxy_kind};
use crate::feature::{FeatureId, FeatureSpec, PerKind, Share, Window};
use crate::flip::{Flip, List};
use crate::filter::{CVI, Compiler, Filter, Judge, Observation, Report};
use crate::params::{Choices, Flag, Integer, Param, Params, Percent};
use crate::sources::Topic;
use crate::verdict::{Finding, Value};
use std::sync::Arc;
use tollgate_domain::{Event, ProxyKind, Reason, Text};

const KINDS: Choices = Choices {
    name: "kinds",
    default: &["VPN", "DATA_CENTER", "TOR", "PUBLIC_PROXY"],
    options: &["VPN", "DATA_CENTER", "TOR", "PUBLIC_PROXY", "RESIDENTIAL_PROXY"],
    min_items: 1,
    about: "The kinds of proxies that are rejected.",
};
const THRESHOLD: Percent = Percent {
    name: "threshold_percentage",
    default: 0,
    about: "0 rejects every proxy; else proxies are rejected once their share in the window is over this.",
};
const MIN_REQUESTS: Integer = Integer {
    name: "min_requests",
    default: 100,
    min: 1,
    max: 1_000_000,
    about: "With a threshold: events in the window before which nothing is rejected.",
};
const LOOKBACK: Integer = Integer {
    name: "lookback_hours",
    default: 12,
    min: 1,
    max: 720,
    about: "With a threshold: length of the window in hours.",
};
const LEVEL: Choices = level(&["offer", "publisher"]);
const BY_SUB_ID: Flag =
    Flag { name: "by_sub_id", default: false, about: "With a threshold: count sub ids apart too." };
const ALLOW_RELAYS: Flag = Flag {
    name: "allow_private_relays",
    default: true,
    about: "Whether consumers' private relays are ordinary addresses; if not, they count as VPN.",
};

pub(super) static TYPE: FilterType = FilterType {
    name: "proxy",
    about: "Rejects addresses of proxies, all of them or those of sources with too large a share of them.",
    kinds: CVI,
    reasons: &[Reason::Vpn, Reason::DataCenter, Reason::Tor, Reason::PublicProxy, Reason::ResidentialProxy],
    params: &[
        Param::Choices(&KINDS),
        Param::Percent(&THRESHOLD),
        Param::Integer(&MIN_REQUESTS),
        Param::Integer(&LOOKBACK),
        Param::Choices(&LEVEL),
        Param::Flag(&BY_SUB_ID),
        Param::Flag(&ALLOW_RELAYS),
    ],
    check: FilterType::NO_CHECK,
    compile,
};

struct Proxy {
    /// Bit n stands for `ProxyKind::ALL[n]`.
    kinds: u64,
    /// The threshold mode.
    limit: Option<(PerKind<FeatureId>, Limit)>,
}

fn compile(params: &Params<'_>, compiler: &mut Compiler<'_>) -> Box<dyn Filter> {
    let chosen = |kind: &ProxyKind| match kind {
        ProxyKind::PrivateRelay => !params.flag(&ALLOW_RELAYS),
        kind => params.chosen(&KINDS, kind.code()),
    };
    let kinds = ProxyKind::ALL.iter().filter(|kind| chosen(kind)).fold(0, |mask, kind| mask | bit(*kind));
    let limit = (params.hundredths(&THRESHOLD) > 0).then(|| {
        let mut levels = level_columns(params, &LEVEL);
        levels.extend(params.flag(&BY_SUB_ID).then_some(Text::SubId));
        let features = compiler.feature_per_kind(|kind| FeatureSpec {
            kinds: kind,
            points: Vec::new(),
            levels: levels.clone(),
            window: Window::Minutes(params.count(&LOOKBACK) * 60),
            share: Some(Share {
                name: format!("proxy {kinds}"),
                weigh: Arc::new(move |event| is_proxy(event, kinds)),
            }),
        });
        (features, Limit::new(params, &MIN_REQUESTS, &THRESHOLD, "proxies"))
    });
    Box::new(Proxy { kinds, limit })
}

fn bit(kind: ProxyKind) -> u64 {
    1 << kind as u64
}

/// Whether the address is a proxy of `kinds`; events without an address are not counted.
fn is_proxy(event: &Event, kinds: u64) -> Option<bool> {
    filled(event, Text::Ip)?;
    Some(proxy_kind(event).is_some_and(|kind| kinds & bit(kind) != 0))
}

fn reason(kind: ProxyKind) -> Reason {
    match kind {
        ProxyKind::Vpn | ProxyKind::PrivateRelay => Reason::Vpn,
        ProxyKind::DataCenter => Reason::DataCenter,
        ProxyKind::Tor => Reason::Tor,
        ProxyKind::PublicProxy => Reason::PublicProxy,
        ProxyKind::ResidentialProxy => Reason::ResidentialProxy,
    }
}

impl Judge for Proxy {
    fn judge(&self, seen: &Observation<'_>, report: &mut impl Report) {
        let event = seen.event;
        if filled(event, Text::Ip).is_none() {
            return report.abstain("ip");
        }
        let Some(kind) = proxy_kind(event) else {
            return report.skip("the address is not known to be a proxy's");
        };
        let is_meant = self.kinds & bit(kind) != 0;
        let finding = Finding::new(reason(kind)).data(Topic::Proxy(kind));
        match &self.limit {
            Some((features, limit)) if is_meant => {
                limit.judge(seen, features.get(event.kind), finding.field(kind.code()), report);
            }
            _ => report.check(
                is_meant,
                || finding.observed(Value::Text(kind.code())),
                || self.flip(kind, is_meant),
            ),
        }
    }
}

impl Proxy {
    fn flip(&self, kind: ProxyKind, is_meant: bool) -> Flip {
        let others = self.kinds & !bit(kind) & !bit(ProxyKind::PrivateRelay);
        match (kind, is_meant) {
            (_, false) if self.limit.is_some() => {
                Flip::none("only the chosen kinds count, and only where their share is too large")
            }
            (ProxyKind::PrivateRelay, is_meant) => ALLOW_RELAYS.set(is_meant),
            (kind, true) if others == 0 => {
                Flip::fact("proxy_type", format!("if the address were not known as {}", kind.code()))
            }
            (kind, true) => KINDS.without(kind.code()),
            (kind, false) => KINDS.with(kind.code()),
        }
    }
}
