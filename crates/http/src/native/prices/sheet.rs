//! Reading a file of prices. The first line names the columns, in any order; `ad_location`, `country` and `price` must be
//! there, and `app_id` unless the path names the app. `name` and `ad_type`, where they stand, must be the location's own:
//! whoever sorted half of a sheet is told so.

use super::COLUMNS;
use crate::error::{ApiError, Code};
use csv::{ByteRecord, ReaderBuilder};
use tollgate_domain::{AdLocationId, AppId, Invalid, Market, Money, PriceTable, Uuid};

/// Problems that are told at most; the rest is counted.
const MOST_PROBLEMS: usize = 1000;

/// A line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// Its number in the file, the header's is 1. A cell may hold line breaks, so these are not consecutive.
    pub(super) line: u64,
    pub(super) location: AdLocationId,
    /// The location's name as the line has it.
    pub(super) name: Option<String>,
    /// The name of its ad type as the line has it.
    pub(super) ad_type: Option<String>,
    pub(super) market: Market,
    pub(super) price: Money,
}

/// What is wrong with a file, by line and column.
#[derive(Debug, Clone, Default)]
pub(super) struct Problems(Vec<(u64, &'static str, String)>);

impl Problems {
    /// Notes a problem in a cell; an empty column is the whole line.
    pub(super) fn add(&mut self, line: u64, column: &'static str, message: impl Into<String>) {
        self.0.push((line, column, message.into()));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every problem in the order of the file.
    pub(super) fn into_errors(mut self) -> Vec<Invalid> {
        self.0.sort_by_key(|(line, column, _)| (*line, COLUMNS.iter().position(|known| known == column)));
        let more = self.0.len().saturating_sub(MOST_PROBLEMS);
        let told = self.0.into_iter().take(MOST_PROBLEMS).map(|(line, column, message)| {
            let field =
                if column.is_empty() { format!("lines[{line}]") } else { format!("lines[{line}].{column}") };
            Invalid::new(field, message)
        });
        let rest = (more > 0).then(|| Invalid::new("lines", format!("have {more} more problems")));
        told.chain(rest).collect()
    }
}

/// A file that was read: the lines that can be read, and what is wrong with the others.
#[derive(Debug, Clone, Default)]
pub(super) struct Sheet {
    pub(super) rows: Vec<Row>,
    pub(super) problems: Problems,
}

impl Sheet {
    /// Reads a file whose locations are all of `app`, if there is one. The error is a file without a legal header.
    pub(super) fn read(bytes: &[u8], app: Option<AppId>) -> Result<Self, ApiError> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut reader = ReaderBuilder::new().flexible(true).from_reader(bytes);
        let header = reader.byte_headers().map_err(|error| malformed(error.to_string()))?;
        let columns = Columns::read(header, app).map_err(ApiError::invalid)?;
        let mut sheet = Self::default();
        let mut record = ByteRecord::new();
        let mut lines = Lines { bytes, seen: 0, line: 1 };
        loop {
            match reader.read_byte_record(&mut record) {
                Ok(true) => {}
                Ok(false) => return Ok(sheet),
                Err(error) => return Err(malformed(error.to_string())),
            }
            let line = lines.of_record(&record);
            if record.len() != columns.count {
                let message = format!("has {} cells, the first line {}", record.len(), columns.count);
                sheet.problems.add(line, "", message);
            } else if let Some(row) = columns.row(line, &record, &mut sheet.problems) {
                sheet.rows.push(row);
            }
        }
    }
}

/// Counts lines as editors do. The reader's own count stands before a `CRLF` that it has only half read.
struct Lines<'a> {
    bytes: &'a [u8],
    seen: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line that a record begins in. Records come in their order.
    fn of_record(&mut self, record: &ByteRecord) -> u64 {
        let at = record.position().map_or(0, |position| position.byte());
        let at = usize::try_from(at).unwrap_or(usize::MAX).min(self.bytes.len());
        let is_break = |byte: &&u8| matches!(byte, b'\r' | b'\n');
        let start = at + self.bytes[at..].iter().take_while(is_break).count();
        let passed = &self.bytes[self.seen..start];
        let breaks = passed.iter().enumerate().filter(|(place, byte)| match byte {
            b'\n' => true,
            b'\r' => self.bytes.get(self.seen + place + 1) != Some(&b'\n'),
            _ => false,
        });
        self.line += breaks.count() as u64;
        self.seen = start;
        self.line
    }
}

fn malformed(why: impl std::fmt::Display) -> ApiError {
    ApiError::because(Code::MalformedBody, format!("The body is not legal CSV: {why}."))
}

/// Where each known column stands.
struct Columns {
    count: usize,
    places: [Option<usize>; COLUMNS.len()],
    /// The app of the path.
    app: Option<AppId>,
}

impl Columns {
    fn read(header: &ByteRecord, app: Option<AppId>) -> Result<Self, Vec<Invalid>> {
        let mut places = [None; COLUMNS.len()];
        let mut errors = Vec::new();
        for (place, name) in header.iter().enumerate() {
            let name = String::from_utf8_lossy(name);
            match COLUMNS.iter().position(|known| *known == name) {
                Some(column) if places[column].is_none() => places[column] = Some(place),
                Some(_) => errors.push(Invalid::new("lines[1]", format!("names the column {name} twice"))),
                None => {
                    let message = format!("names a column {name:?}; known are {}", COLUMNS.join(", "));
                    errors.push(Invalid::new("lines[1]", message));
                }
            }
        }
        let required = ["app_id", "ad_location", "country", "price"];
        for (name, place) in COLUMNS.into_iter().zip(places) {
            if place.is_none() && required.contains(&name) && (name != "app_id" || app.is_none()) {
                let message = format!("must name the column {name}");
                errors.push(Invalid::coded("lines[1]", message, "missing"));
            }
        }
        if errors.is_empty() { Ok(Self { count: header.len(), places, app }) } else { Err(errors) }
    }

    /// The row of a line, unless something is wrong with it, which is noted.
    fn row(&self, line: u64, record: &ByteRecord, problems: &mut Problems) -> Option<Row> {
        let mut cells = [None; COLUMNS.len()];
        for ((cell, place), column) in cells.iter_mut().zip(self.places).zip(COLUMNS) {
            let Some(bytes) = place.and_then(|place| record.get(place)) else { continue };
            match std::str::from_utf8(bytes) {
                Ok(text) => *cell = Some(text),
                Err(_) => {
                    problems.add(line, column, "must be UTF-8");
                    return None;
                }
            }
        }
        let [app, uuid, name, ad_type, market, price] = cells;
        let mut note = |column, message: String| problems.add(line, column, message);
        let app = self.app_of(app).map_err(|message| note("app_id", message)).ok();
        let uuid: Option<Uuid> = uuid
            .unwrap_or_default()
            .parse()
            .map_err(|error: Invalid| note("ad_location", error.message))
            .ok();
        let market: Option<Market> =
            market.unwrap_or_default().parse().map_err(|error: Invalid| note("country", error.message)).ok();
        let price = price_of(price.unwrap_or_default()).map_err(|message| note("price", message)).ok();
        Some(Row {
            line,
            location: AdLocationId::new(app?, uuid?),
            name: name.filter(|name| !name.is_empty()).map(str::to_owned),
            ad_type: ad_type.filter(|name| !name.is_empty()).map(str::to_owned),
            market: market?,
            price: price?,
        })
    }

    fn app_of(&self, cell: Option<&str>) -> Result<AppId, String> {
        let given = cell.map(|cell| cell.parse::<AppId>().map_err(|error| error.message)).transpose()?;
        match (given, self.app) {
            (Some(given), Some(app)) if given != app => Err("is not the app of the path".to_owned()),
            (given, app) => given.or(app).ok_or_else(|| "must be given".to_owned()),
        }
    }
}

fn price_of(cell: &str) -> Result<Money, String> {
    let price = Money::parse("price", cell).map_err(|error| error.message)?;
    if (PriceTable::LOWEST..=PriceTable::HIGHEST).contains(&price) {
        Ok(price)
    } else {
        Err(format!("must be from {} to {}", PriceTable::LOWEST, PriceTable::HIGHEST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const APP: &str = "aaaaaaaaaaaaaaaaaaaaaaaa";
    const UUID: &str = "00000000-0000-4000-8000-000000000001";

    fn errors(text: &str) -> Vec<String> {
        match Sheet::read(text.as_bytes(), None) {
            Ok(sheet) => sheet.problems.into_errors().into_iter().map(|one| one.field).collect(),
            Err(error) => error.errors.into_iter().map(|one| one.message).collect(),
        }
    }

    #[test]
    fn columns_come_in_any_order_with_a_mark_and_either_line_end() {
        let text = format!(
            "\u{feff}price,country,ad_location,app_id\n1.50,US,{UUID},{APP}\r\n2,default,{UUID},{APP}\n"
        );
        let sheet = Sheet::read(text.as_bytes(), None).unwrap();
        assert!(sheet.problems.is_empty());
        let told: Vec<_> =
            sheet.rows.iter().map(|row| (row.line, row.market.as_str(), row.price.micros())).collect();
        assert_eq!(told, [(2, "US", 1_500_000), (3, "default", 2_000_000)]);
        let text = format!("ad_location,country,price\n{UUID},US,1\n");
        let app: AppId = APP.parse().unwrap();
        assert_eq!(Sheet::read(text.as_bytes(), Some(app)).unwrap().rows[0].location.app(), app);
    }

    #[test]
    fn every_bad_cell_is_named_by_line_and_column() {
        let text = format!(
            "app_id,ad_location,name,ad_type,country,price\nx,y,,,z,w\n{APP},{UUID},,,US,500.000001\n\
             {APP},{UUID},,,us,1e2\n{APP}\n\"{APP}\",{UUID},\"a\nb\",,US,1\n{APP},{UUID},,,US,-1\n"
        );
        assert_eq!(
            errors(&text),
            [
                "lines[2].app_id",
                "lines[2].ad_location",
                "lines[2].country",
                "lines[2].price",
                "lines[3].price",
                "lines[4].country",
                "lines[4].price",
                "lines[5]",
                "lines[8].price",
            ]
        );
    }

    #[test]
    fn a_header_must_name_what_is_needed_once() {
        assert_eq!(errors("").len(), 4);
        let twice = "app_id,ad_location,country,price,price,colour\n";
        assert_eq!(errors(twice).len(), 2);
        let many = format!("app_id,ad_location,country,price\n{}", "x\n".repeat(1500));
        let errors = errors(&many);
        assert_eq!((errors.len(), errors.last().map(String::as_str)), (1001, Some("lines")));
    }
}
