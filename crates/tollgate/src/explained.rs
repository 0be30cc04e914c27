//! An explanation as lines for people: first the verdict, then the groups, then what every filter saw.

use serde_json::Value;
use std::fmt::Write;

/// The explanation that `GET /tollgate/v1/events/ID/explanation` answers, as text. Writing into memory does not fail.
pub(crate) fn text(explanation: &Value) -> String {
    let mut out = String::new();
    verdict(&mut out, explanation);
    groups(&mut out, explanation);
    filters(&mut out, explanation);
    for note in strings(&explanation["notes"]) {
        let _ = write!(out, "\nNote: {note}\n");
    }
    out
}

fn text_of<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn strings(value: &Value) -> impl Iterator<Item = &str> {
    list(value).filter_map(Value::as_str)
}

/// A value as people write it.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) if text.is_empty() => "nothing".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The longest of these, in characters.
fn width<'a>(texts: impl Iterator<Item = &'a str>) -> usize {
    texts.map(|text| text.chars().count()).max().unwrap_or(0)
}

fn verdict(out: &mut String, explanation: &Value) {
    let said = |name| text_of(explanation, name);
    let _ = writeln!(out, "{} {}", said("kind"), said("real_tx_id"));
    let _ = writeln!(out, "  integration    {}", said("integration_id"));
    let _ = writeln!(out, "  time           {}", said("request_time"));
    let reasons = strings(&explanation["rejections"]).collect::<Vec<_>>().join(", ");
    let enforced = match explanation["monitoring_mode"].as_bool() {
        Some(true) => " (monitoring mode: recorded, not enforced)",
        _ => "",
    };
    let because = if reasons.is_empty() { String::new() } else { format!(": {reasons}") };
    let _ = writeln!(out, "  verdict        {}{because}{enforced}", said("status"));
    for amendment in list(&explanation["amended"]) {
        let set = ["status", "rejections", "third_party_status", "third_party_rejected_reason"];
        let set = set.iter().filter(|name| !amendment[**name].is_null());
        let set: Vec<_> = set.map(|name| format!("{name} {}", plain(&amendment[*name]))).collect();
        let _ = writeln!(out, "  amended        {}  {}", text_of(amendment, "at"), set.join(", "));
    }
    let _ = writeln!(out, "  configuration  revision {}", explanation["config_version"]);
    let counted = &explanation["counted"];
    if !counted.is_null() {
        let _ = writeln!(
            out,
            "  counted        {} events since {}",
            counted["events"],
            text_of(counted, "since")
        );
    }
    if let Some(unified) = explanation["unified_sub_id"].as_str() {
        let _ = writeln!(out, "  sub id         judged as {unified}: its publisher has too many");
    }
}

fn groups(out: &mut String, explanation: &Value) {
    out.push_str("\nGroups\n");
    let (names, outcomes) = (
        width(list(&explanation["groups"]).map(|group| text_of(group, "name"))),
        width(list(&explanation["groups"]).map(|group| text_of(group, "outcome"))),
    );
    for group in list(&explanation["groups"]) {
        let _ = writeln!(
            out,
            "  {:outcomes$}  {:names$}  {}  {}",
            text_of(group, "outcome"),
            text_of(group, "name"),
            text_of(group, "id"),
            text_of(group, "why")
        );
    }
    match explanation["groups_left_out"].as_u64() {
        None | Some(0) => {}
        Some(more) => drop(writeln!(out, "  and {more} more")),
    }
}

fn filters(out: &mut String, explanation: &Value) {
    out.push_str("\nFilters\n");
    let types = width(list(&explanation["filters"]).map(|filter| text_of(filter, "type")));
    if list(&explanation["filters"]).next().is_none() {
        out.push_str("  none\n");
    }
    for filter in list(&explanation["filters"]) {
        let _ = writeln!(
            out,
            "  #{:<2} {:types$}  {:6}  {}",
            filter["index"].as_u64().unwrap_or_default(),
            text_of(filter, "type"),
            text_of(filter, "action"),
            text_of(filter, "outcome")
        );
        list(&filter["looks"]).for_each(|one| look(out, one));
        for missing in strings(&filter["missing"]) {
            let _ = writeln!(out, "       has no opinion: the event lacks {missing}");
        }
        for skipped in strings(&filter["skipped"]) {
            let _ = writeln!(out, "       {skipped}");
        }
    }
}

fn look(out: &mut String, look: &Value) {
    let mark = if look["objects"] == true { text_of(look, "reason") } else { "ok" };
    let mut line = format!("       {mark}");
    if let Some(field) = look["field"].as_str() {
        let _ = write!(line, "  {field}");
    }
    let compared: Vec<_> = [("observed", "observed"), ("threshold", "threshold")]
        .iter()
        .filter(|(name, _)| !look[name].is_null())
        .map(|(name, word)| format!("{word} {}", plain(&look[name])))
        .collect();
    if !compared.is_empty() {
        let _ = write!(line, "  {}", compared.join(", "));
    }
    let counter = &look["counter"];
    if !counter.is_null() {
        let hits = counter["hits"].as_u64().map(|hits| format!("{hits} of ")).unwrap_or_default();
        let key = counter["key"].as_object().into_iter().flatten();
        let key: Vec<_> =
            key.map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default())).collect();
        let key = if key.is_empty() { "all events".to_owned() } else { key.join(", ") };
        let _ = write!(line, "  ({hits}{} counted in {}; {key})", counter["count"], window(counter));
    }
    let data = &look["data"];
    if !data.is_null() {
        let _ = write!(line, "  [{} {}]", text_of(data, "file"), text_of(data, "version"));
    }
    let _ = writeln!(out, "{line}");
    let _ = writeln!(out, "         {}", text_of(&look["flip"], "sentence"));
}

/// The window's length, or which period of the calendar.
fn window(counter: &Value) -> String {
    match counter["window_minutes"].is_null() {
        true => format!("the {}", text_of(counter, "window")),
        false => text_of(counter, "window").to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_people_ask_for_stands_on_few_lines() {
        let explanation = json!({
            "real_tx_id": "01K", "kind": "click", "integration_id": "abcdefghij", "request_time": "T",
            "status": "rejected", "monitoring_mode": true, "rejections": ["DUPLICATE_IP", "BOT"],
            "amended": [{"at": "A", "status": "rejected", "rejections": ["LATE"], "third_party_status": null}],
            "config_version": 7, "counted": {"events": 2, "since": "S"}, "unified_sub_id": null,
            "groups": [{"id": "aaaaaaaaaa", "name": "Default", "outcome": "won", "why": "No other."},
                       {"id": "bbbbbbbbbb", "name": "Mine", "outcome": "no_match", "why": "Not it."}],
            "groups_left_out": 3,
            "filters": [
                {"index": 0, "type": "duplicate_user", "action": "reject", "outcome": "rejected", "missing": ["uuid"],
                 "skipped": [], "looks": [
                    {"objects": true, "reason": "DUPLICATE_IP", "field": "ip", "observed": 2, "threshold": 1,
                     "counter": {"window": "1 day", "window_minutes": 1440, "key": {"ip": "192.0.2.1"}, "count": 2,
                                 "hits": null},
                     "data": null, "flip": {"sentence": "It would have passed."}}]},
                {"index": 11, "type": "bot", "action": "flag", "outcome": "passed", "missing": [],
                 "skipped": ["no automaton"], "looks": []},
            ],
            "notes": ["Careful."],
        });
        let expected = "\
click 01K
  integration    abcdefghij
  time           T
  verdict        rejected: DUPLICATE_IP, BOT (monitoring mode: recorded, not enforced)
  amended        A  status rejected, rejections [\"LATE\"]
  configuration  revision 7
  counted        2 events since S

Groups
  won       Default  aaaaaaaaaa  No other.
  no_match  Mine     bbbbbbbbbb  Not it.
  and 3 more

Filters
  #0  duplicate_user  reject  rejected
       DUPLICATE_IP  ip  observed 2, threshold 1  (2 counted in 1 day; ip=192.0.2.1)
         It would have passed.
       has no opinion: the event lacks uuid
  #11 bot             flag    passed
       no automaton

Note: Careful.
";
        assert_eq!(text(&explanation), expected);
    }
}
