//! Lists of addresses: `ranges/<kind>/*`.
//!
//! One range to a line (an address, a CIDR, `first-last`, or the first columns of a CSV), or JSON in which every text
//! that is a range counts, which covers the forms Google, Amazon, Microsoft and others publish. A line that is none of these
//! refuses the whole file: a list that is silently short lets through what it was meant to stop.

use super::Spans;
use crate::error::Malformed;
use serde_json::Value;

/// The ranges of a list and, where the list says so, its version.
pub(crate) fn parse_list(bytes: &[u8]) -> Result<(Spans, Option<String>), Malformed> {
    let text = std::str::from_utf8(bytes).map_err(|_| Malformed::new("it is not UTF-8 text"))?;
    let text = text.trim_start_matches('\u{feff}');
    if text.is_empty() {
        // What a writer leaves that truncates before it writes; a list emptied on purpose keeps a comment.
        return Err(Malformed::new("it is empty; write a `#` comment for a list without entries"));
    }
    if text.trim_start().starts_with(['{', '[']) {
        return parse_json(text);
    }
    let mut spans = Spans::default();
    for (number, line) in text.lines().enumerate() {
        let line = line.split(['#', ';']).next().unwrap_or_default().trim();
        if !line.is_empty() && push_line(&mut spans, line).is_none() && !(number == 0 && is_heading(line)) {
            return Err(Malformed::at_line(number + 1, "not an address, a CIDR or a range", line));
        }
    }
    Ok((spans, None))
}

fn push_line(spans: &mut Spans, line: &str) -> Option<()> {
    let mut columns = line.split([',', '\t']).map(|column| column.trim().trim_matches('"'));
    let first = columns.next()?;
    if let Some(last) = columns.next().and_then(|second| second.parse().ok())
        && let Ok(first) = first.parse()
    {
        return spans.push(first, last, 0);
    }
    // Some lists put a name or a date behind the address.
    spans.push_text(first, 0).or_else(|| spans.push_text(first.split_ascii_whitespace().next()?, 0))
}

/// A first line of column names.
fn is_heading(line: &str) -> bool {
    line.contains(',') && !line.contains(['.', ':', '/'])
}

fn parse_json(text: &str) -> Result<(Spans, Option<String>), Malformed> {
    let value: Value =
        serde_json::from_str(text).map_err(|error| Malformed::new(format!("JSON: {error}")))?;
    let version = ["creationTime", "createDate", "syncToken", "changeNumber"]
        .iter()
        .find_map(|name| value.get(name).and_then(Value::as_str))
        .map(str::to_owned);
    let mut spans = Spans::default();
    collect(&value, &mut spans);
    if spans.len() == 0 {
        return Err(Malformed::new("JSON without a single address or CIDR"));
    }
    Ok((spans, version))
}

fn collect(value: &Value, spans: &mut Spans) {
    match value {
        Value::String(text) if text.contains(['.', ':']) => {
            // Other texts of the document (names, times) are no ranges, and that is fine.
            let _ = spans.push_text(text, 0);
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, spans)),
        Value::Object(members) => members.values().for_each(|member| collect(member, spans)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(text: &str) -> (usize, usize) {
        let (spans, _) = parse_list(text.as_bytes()).unwrap();
        (spans.v4.len(), spans.v6.len())
    }

    #[test]
    fn every_form_is_read() {
        assert_eq!(
            count("# head\n\n1.2.3.4\n1.2.3.0/24 # why\n2001:db8::/32\n1.1.1.1 - 1.1.1.9\r\n"),
            (3, 1)
        );
        assert_eq!(count("3.0.0.0,3.1.255.255,Amazon AWS,http://www.amazon.com/aws/\n"), (1, 0));
        assert_eq!(
            count("cidr,country,region\n172.224.226.0/27,GB,GB-EN,London,\n2a02:26f7::/64,DE,,,\n"),
            (1, 1)
        );
        assert_eq!(count("1.10.16.0/20 ; SBL256894\n"), (1, 0));
        assert_eq!(count("::ffff:1.2.3.4\n"), (1, 0), "mapped addresses are IPv4");
        assert_eq!(count("# emptied on purpose\n"), (0, 0));
        let json = r#"{"creationTime":"2026-01-02T03:04:05","prefixes":[{"ipv6Prefix":"2001:4860:4801:10::/64"},{"ipv4Prefix":"66.249.64.0/27"}]}"#;
        assert_eq!(count(json), (1, 1));
        assert_eq!(parse_list(json.as_bytes()).unwrap().1.as_deref(), Some("2026-01-02T03:04:05"));
    }

    #[test]
    fn what_is_no_list_is_refused_and_the_line_named() {
        for (text, line) in
            [("1.2.3.4\nhello\n", "line 2"), ("1.2.3.0/33\n", "line 1"), ("1.2.3.9-1.2.3.4", "line 1")]
        {
            let error = parse_list(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(line), "{error}");
        }
        for bytes in [&b""[..], b"{\"a\":1}", b"{\"a\":", b"\xff\xfe\x00"] {
            assert!(parse_list(bytes).is_err());
        }
    }
}
