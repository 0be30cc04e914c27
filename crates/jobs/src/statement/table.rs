//! A statement as a table: a line for each figure.

use super::{AppStatement, Part, Statement};
use crate::analytics::Millionths;
use std::collections::HashMap;
use tollgate_domain::{Day, InvalidTraffic};

/// The statement as CSV with a row of titles. `gross` is `net` and all `invalid` lines; `due` is `net` with what was taken
/// back later and came of earlier months, less what came later and was taken back of earlier months. `taken back` lines
/// tell of each late rejection, the last lines of what was deleted at a person's request.
pub fn csv(statement: &Statement) -> Vec<u8> {
    let mut out = csv::Writer::from_writer(Vec::new());
    let month = &month_of(statement.request.first);
    // Writing into memory does not fail.
    let mut line = |cells: [&str; 8]| drop(out.write_record(cells));
    line(["month", "app_id", "app", "figure", "reason", "rejected_on", "events", "usd"]);
    for app in &statement.apps {
        let mut figure = |figure: &str, reason: &str, part: Part| {
            let (events, usd) = (part.events.to_string(), amount(part));
            line([month, &app.app, &app.name, figure, reason, "", &events, &usd]);
        };
        figure("gross", "", app.gross());
        for sort in InvalidTraffic::ALL {
            figure(sort.name(), "", app.invalid_of(sort));
        }
        for ((sort, reason), part) in &app.invalid {
            figure(&format!("{} by reason", sort.name()), reason, *part);
        }
        figure("net", "", app.net);
        figure("taken back later", "", app.later);
        figure("came later", "", app.came_later);
        figure("taken back of earlier months", "", app.earlier);
        figure("came of earlier months", "", app.came_of_earlier());
        for (of, part) in &app.came {
            figure(&format!("came of {}", month_of(*of)), "", *part);
        }
        figure("due", "", app.due);
    }
    let apps = by_id(&statement.apps);
    for late in &statement.late {
        let (app, name) = apps.get(late.app.as_str()).map_or(("", ""), |app| (&app.app, &app.name));
        let of = month_of(late.day);
        let figure = if of == *month { "taken back".to_owned() } else { format!("taken back of {of}") };
        let rejected_on = late.rejected_on.map(|day| day.to_string()).unwrap_or_default();
        let (events, usd) = (late.events.to_string(), amount(late.part()));
        line([month, app, name, &figure, &late.reason, &rejected_on, &events, &usd]);
    }
    for gone in &statement.forgotten {
        let (what, events) = (gone.to_string(), gone.events.to_string());
        line([month, "", "", "deleted at a person's request", &what, "", &events, ""]);
    }
    out.into_inner().unwrap_or_default()
}

pub(super) fn amount(part: Part) -> String {
    Millionths(part.micros).to_string()
}

/// The month of a day, as in 2026-10.
pub(super) fn month_of(day: Day) -> String {
    let (year, month, _) = day.civil();
    format!("{year:04}-{month:02}")
}

/// The apps that have lines by their id: one that nobody registered has none.
pub(super) fn by_id(apps: &[AppStatement]) -> HashMap<&str, &AppStatement> {
    apps.iter().map(|app| (app.app.as_str(), app)).collect()
}
