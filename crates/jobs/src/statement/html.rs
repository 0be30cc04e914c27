//! A statement as a page to print: it loads nothing from elsewhere.

use super::table::{amount, by_id, month_of};
use super::{AppStatement, Part, Statement};
use std::fmt::Write;
use tollgate_domain::InvalidTraffic;

const STYLE: &str = "\
body{font:14px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem;color:#111}\
h1{font-size:1.5rem}h2{font-size:1.1rem;margin:2rem 0 .5rem}\
table{border-collapse:collapse;width:100%}td,th{padding:.25rem .5rem;border-bottom:1px solid #ccc;text-align:left}\
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}tr.sum td{font-weight:600}tr.of td:first-child{padding-left:2rem}\
@media print{body{margin:0;max-width:none}section{break-inside:avoid}}";

/// The page.
pub fn html(statement: &Statement) -> String {
    let request = &statement.request;
    let title = format!("Statement {}", month_of(request.first));
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><style>{STYLE}</style></head><body>\n\
         <h1>{title}</h1>\n<p>{}<br>{} to {}, days in {}. Amounts in USD.</p>\n",
        escaped(&statement.organization),
        request.first,
        request.last,
        escaped(&request.zone),
    );
    for app in &statement.apps {
        section(app, &mut out);
    }
    if statement.apps.is_empty() {
        out.push_str("<p>There were no events.</p>\n");
    }
    late(statement, &mut out);
    forgotten(statement, &mut out);
    out.push_str("</body></html>\n");
    out
}

fn section(app: &AppStatement, out: &mut String) {
    let (name, id) = (escaped(&app.name), escaped(&app.app));
    let heading = if app.app.is_empty() { "Events without an app".to_owned() } else { name };
    // Writing to a String does not fail.
    let _ = writeln!(
        out,
        "<section><h2>{heading}</h2><p>{id}</p><table><tr><th>Figure</th><th class=\"n\">Events</th>\
         <th class=\"n\">USD</th></tr>"
    );
    row("sum", "Gross", app.gross(), out);
    for sort in InvalidTraffic::ALL {
        row("", sort.about(), app.invalid_of(sort), out);
        for ((_, reason), part) in app.invalid.iter().filter(|((one, _), _)| *one == sort) {
            row("of", &escaped(reason), *part, out);
        }
    }
    row("sum", "Net", app.net, out);
    if app.later != Part::default() {
        row("", "Rejected after the month: taken off a later statement", app.later, out);
    }
    if app.came_later != Part::default() {
        row("", "Came after the month: due with the month it came in", app.came_later, out);
    }
    if app.earlier != Part::default() {
        row("", "Of earlier months, rejected in this one: taken off", app.earlier, out);
    }
    for (of, part) in &app.came {
        row("", &format!("Of {}, came in this month", month_of(*of)), *part, out);
    }
    row("sum", "Due", app.due, out);
    out.push_str("</table></section>\n");
}

fn row(class: &str, name: &str, part: Part, out: &mut String) {
    let Part { events, .. } = part;
    let _ = writeln!(
        out,
        "<tr class=\"{class}\"><td>{name}</td><td class=\"n\">{events}</td><td class=\"n\">{}</td></tr>",
        amount(part)
    );
}

fn late(statement: &Statement, out: &mut String) {
    if statement.late.is_empty() {
        return;
    }
    out.push_str(
        "<section><h2>Taken back</h2><p>Conversions that had counted and were rejected later. Those of this month are \
         among the invalid above.</p><table><tr><th>Day</th><th>Rejected on</th><th>App</th><th>Reason</th>\
         <th class=\"n\">Events</th><th class=\"n\">USD</th></tr>\n",
    );
    let apps = by_id(&statement.apps);
    for one in &statement.late {
        let rejected_on = one.rejected_on.map(|day| day.to_string()).unwrap_or_default();
        let name = escaped(apps.get(one.app.as_str()).map_or("", |app| &app.name));
        let _ = writeln!(
            out,
            "<tr><td>{}</td><td>{rejected_on}</td><td>{name}</td><td>{}</td><td class=\"n\">{}</td>\
             <td class=\"n\">{}</td></tr>",
            one.day,
            escaped(&one.reason),
            one.events,
            amount(one.part())
        );
    }
    out.push_str("</table></section>\n");
}

fn forgotten(statement: &Statement, out: &mut String) {
    if statement.forgotten.is_empty() {
        return;
    }
    out.push_str(
        "<section><h2>Deleted at a person's request</h2><p>No figure above has these events.</p><ul>",
    );
    for gone in &statement.forgotten {
        let _ = write!(out, "<li>{} {}</li>", gone.events, escaped(&gone.to_string()));
    }
    out.push_str("</ul></section>\n");
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
