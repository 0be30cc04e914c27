//! What an export is asked for with, whether it came in a query or in a body.

use crate::clickshield::query::{Condition, Op, Query};
use crate::clickshield::reports;
use crate::error::ApiError;
use tollgate_catalog::IntegrationEntry;
use tollgate_domain::row::Field;
use tollgate_domain::{Day, EventKind, Invalid, Timestamp};
use tollgate_jobs::exports::{AskedFilter, ExportRequest};

/// Days that one export may span.
pub(super) const MAX_DAYS: i32 = 366;
/// Days without a first one.
const DEFAULT_DAYS: i32 = 30;
/// Extra parameters that may become columns.
pub(super) const MAX_EXTRA: usize = 100;
/// Characters of the name of one.
const MAX_EXTRA_NAME: usize = 255;
/// The delimiter that has a name.
const TAB: &str = "tab";

/// Reads a request for events of `kind`.
pub(crate) fn read(
    pairs: Vec<(String, String)>,
    kind: EventKind,
    entry: &IntegrationEntry,
    now: Timestamp,
) -> Result<ExportRequest, ApiError> {
    let mut query = Query::of(pairs);
    let days = days(&mut query, entry, now);
    let delimiter = query.text("delimiter").map_or(Some(b','), |text| query.check(delimiter(&text)));
    let safe_cells = flag(&mut query, "safe_cells");
    let gzip = flag(&mut query, "gzip");
    let fields = fields(&mut query, kind);
    let extra_parameters = extra_parameters(&mut query, &fields);
    let known: Vec<&str> = reports::filterable(kind).map(Field::name).collect();
    let conditions = query.filters(|field| known.contains(&field), &known);
    // Read once more when the file is written; here for its errors.
    reports::predicates(kind, &mut query, &conditions);
    query.finish()?;
    let (Some((first, last)), Some(delimiter)) = (days, delimiter) else {
        return Err(ApiError::internal("reading an export's parameters", &"a wrong one went unnoticed"));
    };
    let (from, to) = reports::days_in_zone(entry, first, last)?;
    Ok(ExportRequest {
        organization: entry.organization,
        integration: entry.integration.id,
        kind,
        start_date: first.to_string(),
        end_date: last.to_string(),
        from,
        to,
        filters: conditions.into_iter().map(filter).collect(),
        fields,
        extra_parameters,
        delimiter,
        safe_cells,
        gzip,
    })
}

/// The first and the last day: the last thirty, today included, unless said otherwise.
fn days(query: &mut Query, entry: &IntegrationEntry, now: Timestamp) -> Option<(Day, Day)> {
    let mut day = |name: &'static str| match query.text(name) {
        None => Some(None),
        Some(text) => query.check(Day::parse(name, &text)).map(Some),
    };
    let (first, last) = (day("start_date"), day("end_date"));
    let (first, last) = (first?, last?.unwrap_or_else(|| reports::today(entry, now)));
    let first = first.unwrap_or_else(|| Day::from_number(last.number() - (DEFAULT_DAYS - 1)));
    if last < first {
        query.refuse(Invalid::new("end_date", "must not be before start_date"));
        return None;
    }
    if last.number() - first.number() >= MAX_DAYS {
        let message = format!("must be at most {MAX_DAYS} days after start_date: ask for several exports");
        query.refuse(Invalid::new("end_date", message));
        return None;
    }
    Some((first, last))
}

/// What stands between cells: one character that no cell is quoted by, or `tab`.
fn delimiter(text: &str) -> Result<u8, Invalid> {
    match text.as_bytes() {
        _ if text == TAB => Ok(b'\t'),
        [byte @ (b'\t' | b' '..=b'~')] if *byte != b'"' => Ok(*byte),
        _ => Err(Invalid::new("delimiter", "must be one ASCII character, other than a quote, or tab")),
    }
}

/// How a delimiter is written.
pub(super) fn delimiter_name(delimiter: u8) -> String {
    if delimiter == b'\t' { TAB.to_owned() } else { char::from(delimiter).to_string() }
}

fn flag(query: &mut Query, name: &'static str) -> bool {
    match query.text(name).as_deref() {
        None | Some("false" | "0") => false,
        Some("true" | "1") => true,
        Some(_) => {
            query.refuse(Invalid::new(name, "must be true or false"));
            false
        }
    }
}

/// The columns: each of them known, and each once.
fn fields(query: &mut Query, kind: EventKind) -> Vec<String> {
    let known: Vec<&str> = Field::of_kind(kind).map(Field::name).collect();
    let names = query.list("fields");
    if names.iter().all(String::is_empty) {
        query.refuse(Invalid::new("fields", "must be given: the columns, comma-separated"));
        return Vec::new();
    }
    let mut taken: Vec<String> = Vec::new();
    for name in names {
        if !known.contains(&name.as_str()) {
            query.refuse_unknown("fields", &name, &known);
        } else if taken.contains(&name) {
            query.refuse(Invalid::new("fields", format!("{name:?} is named twice")));
        } else {
            taken.push(name);
        }
    }
    taken
}

/// The extra parameters that become columns: there may be none, but that must be said.
fn extra_parameters(query: &mut Query, fields: &[String]) -> Vec<String> {
    let names = query.list("extra_parameters");
    let mut refuse = |message: String| query.refuse(Invalid::new("extra_parameters", message));
    if names.is_empty() {
        refuse("must be given: names that become columns, comma-separated; none when it is empty".to_owned());
    }
    let mut taken: Vec<String> = Vec::new();
    for name in names.into_iter().filter(|name| !name.is_empty()) {
        if taken.contains(&name) || fields.contains(&name) {
            refuse(format!("{name:?} is a column already"));
        } else if name.chars().count() > MAX_EXTRA_NAME || name.chars().any(char::is_control) {
            refuse(format!("a name has at most {MAX_EXTRA_NAME} characters and no control characters"));
        } else {
            taken.push(name);
        }
    }
    if taken.len() > MAX_EXTRA {
        refuse(format!("must be at most {MAX_EXTRA} names"));
    }
    taken
}

/// Values of `in` were split already: each is an alternative, like those of `eq`.
fn filter(condition: Condition) -> AskedFilter {
    let operator = if condition.op == Op::In { Op::Eq } else { condition.op };
    AskedFilter { field: condition.field, operator: operator.name().to_owned(), values: condition.values }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delimiter_is_one_character_or_tab() {
        for (text, expected) in [(",", b','), (";", b';'), ("|", b'|'), ("tab", b'\t'), ("\t", b'\t')] {
            assert_eq!(delimiter(text).unwrap(), expected);
        }
        for text in ["", ",,", "\"", "\n", "\r", "ä", "TAB", "\u{0}"] {
            assert!(delimiter(text).is_err(), "{text:?}");
        }
        assert_eq!(delimiter_name(b'\t'), "tab");
    }
}
