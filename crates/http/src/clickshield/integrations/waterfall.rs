//! What offer groups need, so that a click can go down them: every offer once, and a link that leads to it.

use std::collections::HashSet;
use tollgate_domain::{Integration, Invalid};

/// Most problems that are told at once.
const MAX_ERRORS: usize = 32;

/// Checks the offer groups of an integration against each other and against its links. Where the groups were not part of
/// the body, it is the links that no longer lead to all offers.
pub(super) fn check(integration: &Integration, groups_are_given: bool) -> Result<(), Vec<Invalid>> {
    let leading = integration.links.iter().filter(|link| link.redirect_url.is_some());
    let reached: HashSet<&str> = leading.filter_map(|link| link.offer.as_deref()).collect();
    let (mut seen, mut errors) = (HashSet::new(), Vec::new());
    for (at, group) in integration.offer_groups.iter().enumerate() {
        for (position, offer) in group.offers.iter().enumerate() {
            let wrong = if !seen.insert(offer.as_str()) {
                "stands in the offer groups twice: a click could go round in circles".to_owned()
            } else if reached.contains(offer.as_str()) {
                continue;
            } else if groups_are_given {
                "has no link: give one of links this offer and a redirect_url".to_owned()
            } else {
                format!("lead nowhere for offer {offer} of the offer group {}", group.name)
            };
            let field = if groups_are_given {
                format!("offer_groups[{at}].offers[{position}]")
            } else {
                "links".to_owned()
            };
            errors.push(Invalid::new(field, wrong));
            if errors.len() == MAX_ERRORS {
                return Err(errors);
            }
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}
