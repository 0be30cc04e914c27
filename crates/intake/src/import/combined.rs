//! A line of the combined log of Apache and nginx, read strictly: a line that was cut is refused, never guessed.

use std::borrow::Cow;
use tollgate_domain::{Day, Invalid, Timestamp};

/// What a line says. What the log writes as `-` is `None`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    pub(super) address: &'a str,
    pub(super) time: Timestamp,
    pub(super) method: Option<&'a str>,
    pub(super) path: Option<Cow<'a, str>>,
    pub(super) status: &'a str,
    pub(super) bytes: Option<&'a str>,
    pub(super) referrer: Option<Cow<'a, str>>,
    pub(super) agent: Option<Cow<'a, str>>,
}

/// Reads `address identity user [time] "request" status bytes "referrer" "agent"`.
pub(super) fn parse(raw: &[u8]) -> Result<Line<'_>, Invalid> {
    let text = std::str::from_utf8(raw).map_err(|_| Invalid::new("line", "is not UTF-8"))?;
    let (address, rest) = word(text, "address")?;
    let (_identity, rest) = word(rest, "identity")?;
    // A user's name may hold spaces; no time stands before the first ` [`.
    let (_user, rest) = rest.split_once(" [").ok_or_else(|| missing("time"))?;
    let (time, rest) = rest.split_once("] ").ok_or_else(|| missing("time"))?;
    let time =
        parse_time(time).ok_or_else(|| Invalid::new("time", "must be as in [17/May/2015:10:05:03 +0000]"))?;
    let (request, rest) = quoted(rest, "request")?;
    let (status, rest) = word(space(rest, "status")?, "status")?;
    if status.len() != 3 || !digits(status) {
        return Err(Invalid::new("status", "must be three digits"));
    }
    let (bytes, rest) = word(rest, "bytes")?;
    if bytes != "-" && !digits(bytes) {
        return Err(Invalid::new("bytes", "must be a number or -"));
    }
    let (referrer, rest) = quoted(rest, "referrer")?;
    let (agent, rest) = quoted(space(rest, "user agent")?, "user agent")?;
    if !rest.is_empty() {
        return Err(Invalid::new("line", "goes on after the user agent"));
    }
    let (method, path) = request_of(request);
    let said = |text| Some(text).filter(|text| !matches!(*text, "" | "-")).map(unescape);
    Ok(Line {
        address,
        time,
        method,
        path,
        status,
        bytes: (bytes != "-").then_some(bytes),
        referrer: said(referrer),
        agent: said(agent),
    })
}

fn missing(field: &str) -> Invalid {
    Invalid::new(field, "is missing: the line is not of the combined format, or it is cut")
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The text up to the next space, and what follows the space.
fn word<'a>(text: &'a str, field: &str) -> Result<(&'a str, &'a str), Invalid> {
    let (word, rest) = text.split_once(' ').ok_or_else(|| missing(field))?;
    if word.is_empty() { Err(missing(field)) } else { Ok((word, rest)) }
}

fn space<'a>(text: &'a str, next: &str) -> Result<&'a str, Invalid> {
    text.strip_prefix(' ').ok_or_else(|| missing(next))
}

/// The inside of the quotes that `text` begins with, still escaped, and what follows them.
fn quoted<'a>(text: &'a str, field: &str) -> Result<(&'a str, &'a str), Invalid> {
    let inside = text.strip_prefix('"').ok_or_else(|| missing(field))?;
    let mut escaped = false;
    for (at, byte) in inside.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Ok((&inside[..at], &inside[at + 1..])),
            _ => {}
        }
    }
    Err(Invalid::new(field, "has no closing quote: the line is cut"))
}

/// Method and path of a request line. What is no request line at all (a TLS greeting, noise) is kept as the path.
fn request_of(request: &str) -> (Option<&str>, Option<Cow<'_, str>>) {
    if request.is_empty() || request == "-" {
        return (None, None);
    }
    let parts = request.split_once(' ');
    let is_method =
        |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_uppercase() || b == b'-');
    match parts.filter(|(method, _)| is_method(method)) {
        Some((method, rest)) => {
            let path = rest.rsplit_once(' ').filter(|(_, version)| version.starts_with("HTTP/"));
            (Some(method), Some(unescape(path.map_or(rest, |(path, _)| path))))
        }
        None => (None, Some(unescape(request))),
    }
}

/// Undoes the escapes of quotes and backslashes; others (`\x16`) are kept as they are written.
fn unescape(text: &str) -> Cow<'_, str> {
    if text.contains("\\\"") || text.contains("\\\\") {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find('\\') {
            out.push_str(&rest[..at]);
            let next = rest[at + 1..].chars().next();
            let plain = next.filter(|c| matches!(c, '"' | '\\'));
            out.push(plain.unwrap_or('\\'));
            rest = &rest[at + 1 + usize::from(plain.is_some())..];
        }
        out.push_str(rest);
        Cow::Owned(out)
    } else {
        Cow::Borrowed(text)
    }
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// `17/May/2015:10:05:03 +0000`.
fn parse_time(text: &str) -> Option<Timestamp> {
    let bytes: &[u8; 26] = text.as_bytes().try_into().ok()?;
    if [bytes[2], bytes[6], bytes[11], bytes[14], bytes[17], bytes[20]] != *b"//::: " {
        return None;
    }
    let number = |range: std::ops::Range<usize>| {
        bytes[range]
            .iter()
            .try_fold(0i64, |sum, b| b.is_ascii_digit().then(|| sum * 10 + i64::from(b - b'0')))
    };
    let month = MONTHS.iter().position(|month| month.as_bytes() == &bytes[3..6])? as i64 + 1;
    let day = Day::from_civil(number(7..11)?, month, number(0..2)?)?;
    let (hour, minute, second) = (number(12..14)?, number(15..17)?, number(18..20)?);
    let (zone_hours, zone_minutes) = (number(22..24)?, number(24..26)?);
    // 60 is a leap second.
    if hour > 23 || minute > 59 || second > 60 || zone_hours > 14 || zone_minutes > 59 {
        return None;
    }
    let zone = (zone_hours * 3600 + zone_minutes * 60) * if bytes[21] == b'-' { -1 } else { 1 };
    let signed = matches!(bytes[21], b'+' | b'-');
    let seconds = hour * 3600 + minute * 60 + second - zone;
    signed.then(|| day.start().plus_millis(seconds * 1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"83.149.9.216 - a b [17/May/2015:10:05:03 +0200] "GET /a?b=\"c\" HTTP/1.1" 200 - "-" "M (X; \\ \x16)""#;

    #[test]
    fn a_line_is_read_with_its_escapes() {
        let line = parse(WHOLE.as_bytes()).unwrap();
        assert_eq!(line.address, "83.149.9.216");
        assert_eq!(line.time.to_string(), "2015-05-17T08:05:03.000Z");
        assert_eq!((line.method, line.path.as_deref()), (Some("GET"), Some("/a?b=\"c\"")));
        assert_eq!((line.status, line.bytes, line.referrer), ("200", None, None));
        assert_eq!(line.agent.as_deref(), Some(r"M (X; \ \x16)"));
    }

    #[test]
    fn every_cut_of_a_line_is_refused() {
        for end in 0..WHOLE.len() {
            assert!(parse(&WHOLE.as_bytes()[..end]).is_err(), "{}", &WHOLE[..end]);
        }
        let cut = parse(&WHOLE.as_bytes()[..WHOLE.len() - 1]).unwrap_err();
        assert_eq!(cut.to_string(), "user agent: has no closing quote: the line is cut");
        assert!(parse(format!("{WHOLE} more").as_bytes()).is_err());
    }

    #[test]
    fn odd_requests_are_kept() {
        let with = |request: &str| {
            let line = format!(r#"1.2.3.4 - - [01/Jan/2020:00:00:00 -0130] "{request}" 400 0 "" """#);
            let line = parse(line.as_bytes()).unwrap();
            (line.method.map(str::to_owned), line.path.map(Cow::into_owned))
        };
        assert_eq!(with("-"), (None, None));
        assert_eq!(with(r"\x16\x03"), (None, Some(r"\x16\x03".into())));
        assert_eq!(with("GET /a b"), (Some("GET".into()), Some("/a b".into())));
    }

    #[test]
    fn times_that_do_not_exist_are_refused() {
        assert!(parse_time("17/May/2015:10:05:03 +0000").is_some());
        for text in [
            "31/Feb/2015:10:05:03 +0000",
            "17/Mai/2015:10:05:03 +0000",
            "17/May/2015:24:05:03 +0000",
            "17/May/2015:10:05:03 00000",
        ] {
            assert_eq!(parse_time(text), None, "{text}");
        }
    }
}
