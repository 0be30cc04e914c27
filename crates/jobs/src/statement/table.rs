//! A statement as a table: a line for each figure.

use super::{AppStatement, Part, Statement};
use crate::analytics::Millionths;
use tollgate_domain::InvalidTraffic;

/// The statement as CSV with a row of titles. `gross` is `net` and all `invalid` lines; `due` is `net` with what counted
/// until the month was over, less what was taken back of earlier months. `taken back` lines tell of each late rejection.
pub fn csv(statement: &Statement) -> Vec<u8> {
    let mut out = csv::Writer::from_writer(Vec::new());
    let month = &statement.request.first.to_string()[..7];
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
        figure("taken back of earlier months", "", app.earlier);
        figure("due", "", app.due());
    }
    for late in &statement.late {
        let (app, name) = app_of(&statement.apps, &late.app);
        let of = &late.day.to_string()[..7];
        let figure = if of == month { "taken back".to_owned() } else { format!("taken back of {of}") };
        let rejected_on = late.rejected_on.map(|day| day.to_string()).unwrap_or_default();
        let (events, usd) = (late.events.to_string(), amount(late.part()));
        line([month, app, name, &figure, &late.reason, &rejected_on, &events, &usd]);
    }
    out.into_inner().unwrap_or_default()
}

pub(super) fn amount(part: Part) -> String {
    Millionths(part.micros).to_string()
}

/// The id and the name of an app that has its lines; nothing for one that nobody registered.
pub(super) fn app_of<'a>(apps: &'a [AppStatement], id: &str) -> (&'a str, &'a str) {
    apps.iter().find(|app| app.app == id).map_or(("", ""), |app| (app.app.as_str(), app.name.as_str()))
}
