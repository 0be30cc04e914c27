//! Where the user of a judged click goes.

use crate::draft::Wishes;
use tollgate_domain::{Event, Integration, Link, Macros, Template, Text};

/// Longest address a user is sent to, in bytes.
pub const MAX_LOCATION: usize = 8 << 10;

/// Where the user goes when the click counts: where the caller says, to its link's offer, or to the integration's.
pub(crate) fn of_approved(event: &Event, wishes: &Wishes, integration: &Integration) -> Option<String> {
    let own = link(event, integration).and_then(|link| link.redirect_url.as_deref());
    filled(wishes.redirect_url.as_deref().or(own).or(integration.redirect_url.as_deref())?, event)
}

/// Where the user of a rejected click goes when nobody else wants him.
pub(crate) fn of_rejected(event: &Event, integration: &Integration) -> Option<String> {
    let own = link(event, integration).and_then(|link| link.fallback_url.as_deref());
    filled(own.or(integration.fallback_url.as_deref()).or(integration.preview_url.as_deref())?, event)
}

fn link<'a>(event: &Event, integration: &'a Integration) -> Option<&'a Link> {
    let id = event.text(Text::UrlId)?;
    integration.links.iter().find(|link| link.url_id == id)
}

/// The address with its macros filled in. One that they make longer than [`MAX_LOCATION`] is none.
fn filled(template: &str, event: &Event) -> Option<String> {
    Template::url(template).ok()?.expand_with_extra(&Macros::of(event), MAX_LOCATION)
}
