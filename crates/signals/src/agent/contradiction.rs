//! Devices, systems and browsers that never shipped together. Each rule has a name, which is what evidence says.

use super::text::{has_any, major};

type Rule = (&'static str, fn(&str) -> bool);

#[rustfmt::skip]
const RULES: &[Rule] = &[
    ("iphone_and_android", |a| apple(a) && a.contains("Android")),
    ("iphone_and_windows", |a| apple(a) && a.contains("Windows NT")),
    ("windows_and_android", |a| a.contains("Windows NT") && a.contains("Android")),
    ("windows_and_mac", |a| a.contains("Windows NT") && a.contains("Macintosh")),
    ("ie_on_android", |a| internet_explorer(a) && a.contains("Android")),
    ("ie_on_mac_os_x", |a| internet_explorer(a) && a.contains("Mac OS X")),
    ("ie_on_linux", |a| internet_explorer(a) && has_any(a, &["X11; Linux", "Linux x86_64"])),
    ("chrome_on_iphone_without_crios", |a| apple(a) && a.contains("like Mac OS X") && a.contains(" Chrome/")),
    // Apple's last Safari for Windows was 5.1; osmeta runs apps made for iOS there.
    ("safari_on_windows", |a| a.contains("Windows NT") && major(a, " Version/").is_some_and(|v| v > 5) && a.contains(" Safari/") && !has_any(a, &["Chrome/", "Chromium/", "osmeta"])),
    ("unknown_windows", |a| major(a, "Windows NT ").is_some_and(|v| v > 10 || (7..10).contains(&v))),
    ("firefox_and_chrome", |a| a.contains(" Firefox/") && a.contains(" Chrome/") && !a.contains("like Firefox")),
    // Chrome 82 and later need Android 5 or later.
    ("chrome_too_new_for_android", |a| major(a, "Android ").is_some_and(|v| (1..=4).contains(&v)) && major(a, " Chrome/").is_some_and(|v| v > 95)),
    ("edge_on_unknown_engine", |a| a.contains(" Edg/") && !a.contains(" Chrome/")),
    ("iphone_with_mac", |a| a.contains("(Macintosh") && a.contains("iPhone OS")),
];

/// The name of the first rule that a user agent breaks.
pub(super) fn find(agent: &str) -> Option<&'static str> {
    // Windows Phone's browsers claimed to be all the others, and did ship.
    if has_any(agent, &["Windows Phone", "IEMobile", "Xbox"]) {
        return None;
    }
    RULES.iter().find(|(_, broken)| broken(agent)).map(|(name, _)| *name)
}

fn apple(agent: &str) -> bool {
    has_any(agent, &["(iPhone;", "(iPad;", "(iPod;", "(iPod touch;"])
}

/// Opera called itself MSIE for years.
fn internet_explorer(agent: &str) -> bool {
    has_any(agent, &["MSIE ", "Trident/"]) && !agent.contains("Opera")
}
