//! Small steps over user agent texts.

/// The text behind the first `token`.
pub(super) fn after<'a>(agent: &'a str, token: &str) -> Option<&'a str> {
    agent.find(token).map(|at| &agent[at + token.len()..])
}

/// The version at the beginning of a text: digits in up to three parts, divided by `.` or `_`.
pub(super) fn version(text: &str) -> String {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '_').unwrap_or(text.len());
    let parts = text[..end].split(['.', '_']).filter(|part| !part.is_empty() && part.len() <= 10);
    parts.take(3).collect::<Vec<_>>().join(".")
}

/// The leading number of the version behind `token`.
pub(super) fn major(agent: &str, token: &str) -> Option<u32> {
    let text = after(agent, token)?;
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok()
}

pub(super) fn has_any(agent: &str, tokens: &[&str]) -> bool {
    tokens.iter().any(|token| agent.contains(token))
}

/// The longest beginning of `text` that has at most `limit` bytes and no cut character.
pub(super) fn start_of(text: &str, limit: usize) -> &str {
    let fits = |at: &usize| text.is_char_boundary(*at);
    &text[..(0..=limit.min(text.len())).rev().find(fits).unwrap_or(0)]
}

/// The word around `start..end`: letters, digits and what joins them in a product's name, at most 40 bytes or so.
pub(super) fn word_around(agent: &str, start: usize, end: usize) -> &str {
    let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '!');
    let left = agent[..start]
        .rfind(|c| !part(c))
        .map_or(0, |at| at + agent[at..].chars().next().map_or(1, char::len_utf8));
    let right = agent[end..].find(|c| !part(c)).map_or(agent.len(), |at| end + at);
    let word = agent[left..right].trim_matches(['-', '_', '.']);
    start_of(word, 40)
}
