//! Waterfalls: which offers a click is tried for after the one that rejected it.

use std::collections::HashMap;
use tollgate_domain::{Event, Integration, Number, Text, TxId};
use tollgate_screening::restore_sub_id;

/// Most offers that one click is tried for.
pub(crate) const MAX_STEPS: usize = 10;
/// Milliseconds after the rejected click: its successor is the newer of two clicks that share the caller's id.
const LATER_MS: i64 = 1;

/// An offer with the link that leads to it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) offer: String,
    pub(crate) url_id: String,
}

/// An integration's offer groups, by offer.
#[derive(Debug, Default)]
pub(crate) struct Waterfalls {
    groups: Vec<Vec<Step>>,
    /// The group of an offer, and the step behind it.
    places: HashMap<String, (usize, usize)>,
}

impl Waterfalls {
    /// An offer counts where it stands first, and without a link to lead to it is passed over.
    pub(crate) fn of(integration: &Integration) -> Self {
        let mut links = HashMap::new();
        for link in integration.links.iter().filter(|link| link.redirect_url.is_some()) {
            if let Some(offer) = &link.offer {
                links.entry(offer.as_str()).or_insert(link.url_id.as_str());
            }
        }
        let mut this = Self::default();
        for group in &integration.offer_groups {
            let mut steps = Vec::new();
            for offer in &group.offers {
                if this.places.contains_key(offer) {
                    continue;
                }
                if let Some(url_id) = links.get(offer.as_str()) {
                    steps.push(Step { offer: offer.clone(), url_id: (*url_id).to_owned() });
                }
                this.places.insert(offer.clone(), (this.groups.len(), steps.len()));
            }
            this.groups.push(steps);
        }
        this
    }

    /// What follows an offer in its group, in order.
    pub(crate) fn after(&self, offer: &str) -> &[Step] {
        let Some((group, behind)) = self.places.get(offer) else { return &[] };
        let rest = &self.groups[*group][*behind..];
        &rest[..rest.len().min(MAX_STEPS)]
    }
}

/// What a click says of its own offer alone, so that it does not go for the next one.
const OF_THE_OFFER: &[Text] = &[
    Text::OfferName,
    Text::Advertiser,
    Text::AdvSubId,
    Text::AdvSubId2,
    Text::AdvSubId3,
    Text::AdvSubId4,
    Text::AdvSubId5,
    Text::AdvSubId6,
    Text::Campaign,
    Text::Creative,
    Text::Currency,
];

/// The click of the same user that follows from a rejected one, without an offer yet.
pub(crate) fn successor(rejected: &Event) -> Event {
    let mut event = rejected.clone();
    restore_sub_id(&mut event);
    (event.id, event.seq, event.key) = (TxId::default(), 0, 0);
    for column in OF_THE_OFFER {
        event.clear_text(*column);
    }
    // An auction is the rejected click's own.
    let of_the_click = [Number::RtbOutcome, Number::RtbPrice, Number::RtbMs];
    for column in of_the_click.into_iter().chain([Number::Revenue, Number::Payout, Number::BodyHash]) {
        event.clear_number(column);
    }
    event.set_number(Number::RequestTime, rejected.at().plus_millis(LATER_MS).millis());
    event.set_text(Text::WaterfallFrom, &rejected.id.to_string());
    event
}

#[cfg(test)]
mod tests {
    use super::*;
    use tollgate_domain::{IpPrivacy, Link, OfferGroup, Trust};

    fn integration(offers: &[&[&str]], links: &[(&str, &str, bool)]) -> Integration {
        let link = |(url_id, offer, leads): &(&str, &str, bool)| Link {
            url_id: (*url_id).into(),
            name: String::new(),
            offer: Some((*offer).into()),
            redirect_url: leads.then(|| "https://a.example/".into()),
            fallback_url: None,
        };
        let group = |offers: &&[&str]| OfferGroup {
            name: "g".into(),
            offers: offers.iter().map(|offer| (*offer).into()).collect(),
        };
        Integration {
            id: "abcdefghij".parse().unwrap(),
            organization: "0123456789abcdef01234567".parse().unwrap(),
            name: "i".into(),
            active: true,
            monitoring_mode: false,
            rtb_enabled: false,
            rtb_endpoint: None,
            rtb_tmax_ms: None,
            time_zone: "UTC".into(),
            redirect_url: None,
            fallback_url: None,
            preview_url: None,
            allowed_hosts: Vec::new(),
            trust: Trust::default(),
            trusted_sources: Vec::new(),
            ip_privacy: IpPrivacy::default(),
            retention_days: None,
            click_retention_days: None,
            conversion_retention_days: None,
            impression_retention_days: None,
            links: links.iter().map(link).collect(),
            offer_groups: offers.iter().map(group).collect(),
        }
    }

    #[test]
    fn offers_follow_in_order_where_a_link_leads_to_them() {
        let links = [("l3", "c", true), ("l2", "b", true), ("l9", "b", true), ("l4", "d", false)];
        let waterfalls = Waterfalls::of(&integration(&[&["a", "b", "d", "c"], &["c", "a", "e"]], &links));
        let after = |offer: &str| -> Vec<(String, String)> {
            let steps = waterfalls.after(offer).iter();
            steps.map(|step| (step.offer.clone(), step.url_id.clone())).collect()
        };
        let b = || ("b".to_owned(), "l2".to_owned());
        let c = || ("c".to_owned(), "l3".to_owned());
        assert_eq!(after("a"), [b(), c()]);
        assert_eq!((after("b"), after("d")), (vec![c()], vec![c()]));
        for end in ["c", "e", "nowhere", ""] {
            assert_eq!(after(end), [], "{end}");
        }
    }

    #[test]
    fn no_more_than_ten_follow() {
        let offers: Vec<String> = (0..30).map(|n| format!("o{n}")).collect();
        let offers: Vec<&str> = offers.iter().map(String::as_str).collect();
        let links: Vec<_> = offers.iter().map(|offer| (*offer, *offer, true)).collect();
        let waterfalls = Waterfalls::of(&integration(&[&offers], &links));
        assert_eq!(waterfalls.after("o0").len(), MAX_STEPS);
        assert_eq!(waterfalls.after("o0")[9].offer, "o10");
        assert_eq!(waterfalls.after("o25").len(), 4);
    }
}
