//! Automata by the words they use and by the shape of their user agent.

use super::device;
use super::link;
use super::system::is_feature_phone;
use super::text::{has_any, word_around};
use super::words::{Edge, FALSE_FRIENDS, WORDS};
use aho_corasick::AhoCorasick;
use std::sync::LazyLock;
use tollgate_domain::BotClass;

/// All words in one automaton, with the row of `WORDS` each stands in.
struct Matcher {
    words: AhoCorasick,
    rows: Vec<usize>,
}

static MATCHER: LazyLock<Matcher> = LazyLock::new(|| {
    let all =
        WORDS.iter().enumerate().flat_map(|(row, (_, _, words))| words.iter().map(move |word| (row, *word)));
    let (rows, words): (Vec<_>, Vec<_>) = all.unzip();
    // The words are constants of a few kilobytes, far below every limit of the builder; a test builds it.
    #[expect(clippy::expect_used)]
    let words = AhoCorasick::builder().ascii_case_insensitive(true).build(words).expect("constant words");
    Matcher { words, rows }
});

/// The class and name by the words in a user agent. The class that stands first in the table wins.
pub(super) fn by_word(agent: &str) -> Option<(BotClass, &str)> {
    let matcher = &*MATCHER;
    let mut best: Option<(usize, usize, usize)> = None;
    for found in matcher.words.find_overlapping_iter(agent) {
        let row = matcher.rows[found.pattern().as_usize()];
        let better = best.is_none_or(|(known, _, _)| row < known);
        let (class, edge, _) = WORDS[row];
        if better
            && fits(agent, edge, found.start(), found.end())
            && !is_of_model(agent, class, found.start(), found.end())
        {
            best = Some((row, found.start(), found.end()));
        }
    }
    let (row, start, end) = best?;
    Some((WORDS[row].0, name(agent, start, end)))
}

fn fits(agent: &str, edge: Edge, start: usize, end: usize) -> bool {
    let bytes = agent.as_bytes();
    let before = start.checked_sub(1).map(|at| bytes[at]);
    let behind = bytes.get(end).copied();
    match edge {
        Edge::Any => true,
        Edge::Head => start == 0,
        Edge::End => !behind.is_some_and(|b| b.is_ascii_alphabetic()) && !is_false_friend(agent, end),
        Edge::Word => {
            !before.is_some_and(|b| b.is_ascii_alphanumeric())
                && !behind.is_some_and(|b| b.is_ascii_alphanumeric())
        }
    }
}

/// Whether a crawler's or library's word is a word of a phone's name among others, as in `M bot 51`.
fn is_of_model(agent: &str, class: BotClass, start: usize, end: usize) -> bool {
    let model = match class {
        BotClass::Crawler | BotClass::Library => device::android_model(agent).unwrap_or_default(),
        _ => return false,
    };
    let Some(at) = agent.find(model).filter(|_| model.contains(' ')) else { return false };
    at <= start && end <= at + model.len()
}

/// Whether the letters up to `end` are a name that only looks like an automaton's.
fn is_false_friend(agent: &str, end: usize) -> bool {
    let letters = agent.as_bytes()[..end].iter().rev().take_while(|b| b.is_ascii_alphabetic()).count();
    FALSE_FRIENDS.iter().any(|friend| agent[end - letters..end].eq_ignore_ascii_case(friend))
}

/// What the automaton calls itself: the product around the word.
fn name(agent: &str, start: usize, end: usize) -> &str {
    let word = word_around(agent, start, end).split('/').next().unwrap_or_default();
    if word.is_empty() { agent[start..end].trim() } else { word }
}

/// The class and name by the shape: an address of its maker, `compatible` without a browser, no system at all.
pub(super) fn by_shape<'a>(agent: &'a str, system: &str) -> Option<(BotClass, &'a str)> {
    if let Some(host) = link::find(agent) {
        return Some((BotClass::Crawler, host));
    }
    let claims_browser = agent.starts_with("Mozilla/") || agent.starts_with("Opera/");
    if claims_browser && agent.contains("(compatible") && !has_any(agent, COMPATIBLE_BROWSERS) {
        return Some((BotClass::Crawler, "compatible"));
    }
    if !system.is_empty() || is_feature_phone(agent) || has_any(agent, SYSTEMLESS_BROWSERS) {
        return None;
    }
    if claims_browser {
        Some((BotClass::Crawler, "no_system"))
    } else {
        Some((BotClass::Library, first_word(agent)))
    }
}

fn first_word(agent: &str) -> &str {
    let word = word_around(agent, 0, 0);
    if word.is_empty() { "no_system" } else { word }
}

/// Browsers that did say `(compatible; …`.
const COMPATIBLE_BROWSERS: &[&str] = &[
    "MSIE",
    "Trident",
    "Konqueror",
    "NetFront",
    "iCab",
    "OmniWeb",
    "Opera",
    "Series60",
    "BlackBerry",
    "PalmOS",
    "Palm OS",
    "AvantGo",
    "Windows CE",
    "Googletv",
    "Maxthon",
    "Nintendo",
    "Polaris",
    "NetPositive",
    "Webpositive",
    "IBrowse",
];

/// Browsers that name no system, or not as others do: text browsers, televisions, Firefox OS, browsers that run elsewhere.
const SYSTEMLESS_BROWSERS: &[&str] = &[
    "Lynx/",
    "Links (",
    "ELinks",
    "w3m/",
    "Dillo/",
    "NetSurf",
    "Kindle",
    "WebTV/",
    "DTV",
    "AQUOS",
    "Espial/",
    "(Mobile; ",
    "(Tablet; ",
    "(Mobile;rv:",
    "(Cloud Phone;",
    "pr(UCBrowser/",
    "[FBAN/",
    // What some logs make of the systems' names.
    "(linux; android",
    "(linux; u; android",
    "(iphone;",
    "(windows nt",
    "Win95;",
    "Win16;",
];
