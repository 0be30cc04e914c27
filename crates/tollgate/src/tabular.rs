//! Rows of a report as lines for people and as CSV. Values keep the characters that the API wrote.

use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fmt::Write;

/// The fields of a row by their names.
pub(crate) type Row = BTreeMap<String, Box<RawValue>>;

/// Rows as aligned lines under a header. Numbers stand at the right.
pub(crate) fn text(columns: &[String], rows: &[Row]) -> String {
    let cells: Vec<Vec<String>> =
        rows.iter().map(|row| columns.iter().map(|name| shown(&cell(row, name))).collect()).collect();
    let is_number = |at: usize| {
        let values = rows.iter().filter_map(|row| row.get(&columns[at])).map(|value| value.get());
        let mut values = values.filter(|value| *value != "null").peekable();
        values.peek().is_some()
            && values.all(|value| value.starts_with(|c: char| c == '-' || c.is_ascii_digit()))
    };
    let widths: Vec<(usize, bool)> = columns
        .iter()
        .enumerate()
        .map(|(at, name)| {
            let longest = cells.iter().map(|row| row[at].chars().count()).max().unwrap_or(0);
            (longest.max(name.chars().count()), is_number(at))
        })
        .collect();
    let mut out = String::new();
    for row in std::iter::once(columns).chain(cells.iter().map(Vec::as_slice)) {
        let mut line = String::new();
        for (text, (width, right)) in row.iter().zip(&widths) {
            // Writing into memory does not fail.
            let _ = if *right { write!(line, "{text:>width$}  ") } else { write!(line, "{text:<width$}  ") };
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// Rows as CSV (RFC 4180) under a header.
pub(crate) fn csv(columns: &[String], rows: &[Row]) -> String {
    let mut out = String::new();
    let mut line = |cells: &mut dyn Iterator<Item = String>| {
        let cells: Vec<String> = cells.map(quoted).collect();
        out.push_str(&cells.join(","));
        out.push_str("\r\n");
    };
    line(&mut columns.iter().cloned());
    for row in rows {
        line(&mut columns.iter().map(|name| cell(row, name)));
    }
    out
}

/// A value as it stands in a cell: a text without quotes, nothing for null.
fn cell(row: &Row, name: &str) -> String {
    let Some(value) = row.get(name) else { return String::new() };
    match serde_json::from_str::<String>(value.get()) {
        Ok(text) => text,
        Err(_) if value.get() == "null" => String::new(),
        Err(_) => value.get().to_owned(),
    }
}

/// The same for a terminal, which control characters could make do things.
fn shown(cell: &str) -> String {
    if cell.is_empty() {
        return "-".to_owned();
    }
    cell.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

fn quoted(cell: String) -> String {
    if cell.contains([',', '"', '\r', '\n']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_become_lines_and_csv() {
        let rows: Vec<Row> = [
            r#"{"name":"a, \"b\"","total":12,"revenue":0.250000,"list":["x"],"none":null}"#,
            r#"{"name":"é\u001b","total":-3,"revenue":null,"list":[],"none":null}"#,
        ]
        .map(|row| serde_json::from_str(row).unwrap())
        .to_vec();
        let columns = ["name", "total", "revenue", "list", "none"].map(str::to_owned);
        let lines = "\
name    total   revenue  list   none
a, \"b\"     12  0.250000  [\"x\"]  -
é\u{fffd}         -3         -  []     -
";
        assert_eq!(text(&columns, &rows), lines);
        let file = "name,total,revenue,list,none\r\n\"a, \"\"b\"\"\",12,0.250000,\"[\"\"x\"\"]\",\r\né\u{1b},-3,,[],\r\n";
        assert_eq!(csv(&columns, &rows), file);
    }
}
