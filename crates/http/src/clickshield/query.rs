//! Query strings of this dialect: `page[size]`, `filter[field.sub][operator]`, `sort`, `fields`, `query`. Each part is
//! taken by whoever needs it; what nobody takes is refused by [`Query::finish`], with what is known.

use crate::error::{ApiError, Code};
use tollgate_domain::Invalid;

/// Largest page.
pub const MAX_PAGE_SIZE: u32 = 100;
/// Page size when none is asked for.
pub const DEFAULT_PAGE_SIZE: u32 = 25;
/// Most problems that are told of one query: each may list every field there is, and a query has room for thousands.
const MAX_ERRORS: usize = 32;

/// How a filter compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Op {
    /// Equal to one of the values (the default).
    Eq,
    /// Equal to none of the values.
    Ne,
    /// Greater.
    Gt,
    /// Greater or equal.
    Gte,
    /// Less.
    Lt,
    /// Less or equal.
    Lte,
    /// Equal to one of a comma-separated list.
    In,
    /// Holds the text.
    Contains,
}

impl Op {
    const ALL: &'static [(&'static str, Self)] = &[
        ("eq", Self::Eq),
        ("ne", Self::Ne),
        ("gt", Self::Gt),
        ("gte", Self::Gte),
        ("lt", Self::Lt),
        ("lte", Self::Lte),
        ("in", Self::In),
        ("contains", Self::Contains),
    ];

    /// Its name in a query string.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, op)| *op == self).map_or("eq", |(name, _)| name)
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, op)| *op)
    }
}

/// One `filter[field][op]=value`. Repeats of the same field and operator are one condition with several values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// The field, dots for fields inside.
    pub field: String,
    /// How it compares.
    pub op: Op,
    /// What it is compared with; at least one.
    pub values: Vec<String>,
}

impl Condition {
    /// The parameter's name as the caller wrote it, for errors.
    pub fn parameter(&self) -> String {
        match self.op {
            Op::Eq => format!("filter[{}]", self.field),
            op => format!("filter[{}][{}]", self.field, op.name()),
        }
    }

    /// An error about this parameter.
    pub fn invalid(&self, message: impl Into<String>) -> Invalid {
        Invalid::new(self.parameter(), message)
    }
}

/// One key of `sort`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SortKey {
    /// The field.
    pub field: String,
    /// Whether a `-` stood before it.
    pub descending: bool,
}

/// `page[number]` and `page[size]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// From 1.
    pub number: u32,
    /// 1 to [`MAX_PAGE_SIZE`].
    pub size: u32,
}

/// The parameters of a query string that are still to be taken, and what was wrong so far.
#[derive(Debug, Clone)]
pub struct Query {
    pairs: Vec<(String, String)>,
    known: Vec<&'static str>,
    errors: Vec<Invalid>,
}

impl Query {
    /// Splits and decodes a query string.
    pub fn parse(raw: Option<&str>) -> Result<Self, ApiError> {
        let pairs = crate::body::pairs(raw.unwrap_or_default().as_bytes())
            .map_err(|why| ApiError::because(Code::MalformedQuery, why))?;
        Ok(Self::of(pairs))
    }

    /// The same of parameters that are decoded already.
    pub(crate) fn of(pairs: Vec<(String, String)>) -> Self {
        Self { pairs, known: Vec::new(), errors: Vec::new() }
    }

    /// Notes something wrong. Beyond [`MAX_ERRORS`] nobody reads on.
    pub fn refuse(&mut self, invalid: Invalid) {
        if self.errors.len() < MAX_ERRORS {
            self.errors.push(invalid);
        }
    }

    /// Takes the outcome of a check: its value, or a note of what is wrong.
    pub fn check<T>(&mut self, result: Result<T, Invalid>) -> Option<T> {
        result.map_err(|invalid| self.refuse(invalid)).ok()
    }

    /// Takes a parameter that may be given once.
    pub fn text(&mut self, name: &'static str) -> Option<String> {
        let mut values = self.texts(name);
        if values.len() > 1 {
            self.refuse(Invalid::new(name, "must be given only once"));
        }
        values.pop()
    }

    /// Takes a parameter that must be given once and not be empty.
    pub fn required(&mut self, name: &'static str) -> Option<String> {
        let value = self.text(name).filter(|value| !value.is_empty());
        if value.is_none() && !self.errors.iter().any(|error| error.field == name) {
            self.refuse(Invalid::new(name, "must be given"));
        }
        value
    }

    /// Takes every value of a parameter, as written. `name[]` counts as `name`.
    pub fn texts(&mut self, name: &'static str) -> Vec<String> {
        self.known.push(name);
        let theirs = |(given, _): &mut (String, String)| given.strip_suffix("[]").unwrap_or(given) == name;
        self.pairs.extract_if(.., theirs).map(|(_, value)| value).collect()
    }

    /// Takes a list: the parameter repeats or its value is comma-separated. Nothing between commas is an item, too.
    pub fn list(&mut self, name: &'static str) -> Vec<String> {
        let values = self.texts(name);
        values.iter().flat_map(|value| value.split(',')).map(str::to_owned).collect()
    }

    /// Takes a whole number.
    pub fn integer(&mut self, name: &'static str, range: std::ops::RangeInclusive<u32>) -> Option<u32> {
        let text = self.text(name)?;
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        match text.parse::<u32>().ok().filter(|number| digits && range.contains(number)) {
            Some(number) => Some(number),
            None => {
                let message = format!("must be a whole number from {} to {}", range.start(), range.end());
                self.refuse(Invalid::new(name, message));
                None
            }
        }
    }

    /// Takes `page[number]` and `page[size]`.
    pub fn page(&mut self) -> Page {
        Page {
            number: self.integer("page[number]", 1..=u32::MAX).unwrap_or(1),
            size: self.page_size().unwrap_or(DEFAULT_PAGE_SIZE),
        }
    }

    /// Takes `page[size]` alone.
    pub fn page_size(&mut self) -> Option<u32> {
        self.integer("page[size]", 1..=MAX_PAGE_SIZE)
    }

    /// Takes `page[size]` where it must be given.
    pub fn required_page_size(&mut self) -> Option<u32> {
        let before = self.errors.len();
        let size = self.page_size();
        if size.is_none() && self.errors.len() == before {
            self.refuse(Invalid::new("page[size]", "must be given"));
        }
        size
    }

    /// Takes `sort`: field names with `-` for descending, each of them known.
    pub fn sort(&mut self, known: &[&str]) -> Vec<SortKey> {
        let keys = self.list("sort");
        keys.into_iter()
            .filter_map(|key| {
                let (field, descending) =
                    key.strip_prefix('-').map_or((key.as_str(), false), |rest| (rest, true));
                self.known_field("sort", field, known)
                    .then(|| SortKey { field: field.to_owned(), descending })
            })
            .collect()
    }

    /// Takes `fields`: the names of the fields to answer, each of them known; `None` is all of them.
    pub fn fields(&mut self, known: &[&str]) -> Option<Vec<String>> {
        let names = self.list("fields");
        if names.is_empty() {
            return None;
        }
        Some(names.into_iter().filter(|name| self.known_field("fields", name, known)).collect())
    }

    fn known_field(&mut self, parameter: &str, field: &str, known: &[&str]) -> bool {
        let is_known = known.contains(&field);
        if !is_known {
            self.refuse_unknown(parameter, field, known);
        }
        is_known
    }

    /// Notes a field that is not known. The list of those that are is long: it is written only if it will be read.
    pub(super) fn refuse_unknown(&mut self, parameter: &str, field: &str, known: &[&str]) {
        if self.errors.len() < MAX_ERRORS {
            let message = format!("{field:?} is not a known field; known are {}", known.join(", "));
            self.refuse(Invalid::new(parameter, message));
        }
    }

    /// Takes every `filter[field][operator]` whose field `is_known`; `known` is what the error names.
    pub fn filters(&mut self, is_known: impl Fn(&str) -> bool, known: &[&str]) -> Vec<Condition> {
        let pairs: Vec<_> = self.pairs.extract_if(.., |(name, _)| name.starts_with("filter[")).collect();
        let mut conditions: Vec<Condition> = Vec::new();
        for (name, value) in pairs {
            let Some((field, op)) = self.filter_name(&name) else { continue };
            if !is_known(&field) {
                self.refuse_unknown(&name, &field, known);
                continue;
            }
            let values = if op == Op::In { items(&value) } else { vec![value] };
            match conditions.iter_mut().find(|one| one.field == field && one.op == op) {
                Some(condition) => condition.values.extend(values),
                None => conditions.push(Condition { field, op, values }),
            }
        }
        for condition in &conditions {
            if condition.values.len() > 1 && !matches!(condition.op, Op::Eq | Op::Ne | Op::In) {
                self.refuse(condition.invalid("must be given only once"));
            }
            if condition.values.is_empty() {
                self.refuse(condition.invalid("must have at least one value"));
            }
        }
        conditions
    }

    /// The field and operator of `filter[field][operator]`; `filter[field][]` is a repeat.
    fn filter_name(&mut self, name: &str) -> Option<(String, Op)> {
        let inner = name.strip_prefix("filter[").and_then(|rest| rest.strip_suffix(']'));
        let parts = inner.map(|inner| inner.split_once("][").unwrap_or((inner, "eq")));
        let Some((field, op)) = parts.filter(|(field, op)| !field.is_empty() && !op.contains(['[', ']']))
        else {
            self.refuse(Invalid::new(name, "must be written filter[field] or filter[field][operator]"));
            return None;
        };
        match if op.is_empty() { Some(Op::Eq) } else { Op::from_name(op) } {
            Some(op) => Some((field.to_owned(), op)),
            None => {
                let names: Vec<&str> = Op::ALL.iter().map(|(name, _)| *name).collect();
                let message = format!("{op:?} is not a known operator; known are {}", names.join(", "));
                self.refuse(Invalid::new(name, message));
                None
            }
        }
    }

    /// Answers everything that was wrong, parameters that nobody took included.
    pub fn finish(mut self) -> Result<(), ApiError> {
        for (name, _) in std::mem::take(&mut self.pairs).into_iter().take(MAX_ERRORS) {
            let message = format!("is not a parameter of this request; known are {}", self.known.join(", "));
            self.refuse(Invalid::new(name, message));
        }
        if self.errors.is_empty() { Ok(()) } else { Err(ApiError::invalid(self.errors)) }
    }
}

/// The items of a comma-separated value, but for empty ones.
fn items(value: &str) -> Vec<String> {
    value.split(',').filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(error: ApiError) -> Vec<String> {
        error.errors.into_iter().map(|error| error.field).collect()
    }

    #[test]
    fn everything_documented_is_read() {
        let raw = "page%5Bnumber%5D=2&page[size]=100&sort=-type,name&fields=id,name&filter[status]=a&filter[status]=b,c\
                   &filter[meta.total][gte]=5&filter[id][in]=x,y";
        let mut query = Query::parse(Some(raw)).unwrap();
        assert_eq!(query.page(), Page { number: 2, size: 100 });
        let sort = query.sort(&["type", "name"]);
        assert_eq!((sort[0].field.as_str(), sort[0].descending, sort[1].descending), ("type", true, false));
        assert_eq!(query.fields(&["id", "name"]), Some(vec!["id".into(), "name".into()]));
        let known = ["status", "meta.total", "id"];
        let filters = query.filters(|field| known.contains(&field), &known);
        assert_eq!(filters[0].values, ["a", "b,c"]);
        assert_eq!((filters[1].op, filters[1].parameter().as_str()), (Op::Gte, "filter[meta.total][gte]"));
        assert_eq!(filters[2].values, ["x", "y"]);
        query.finish().unwrap();
    }

    #[test]
    fn everything_wrong_is_named_at_once() {
        let raw = "page[size]=101&page[number]=0&sort=x&fields=y&filter[z]=1&filter[id][like]=1&filter[id=1\
                   &filter[id][gt]=1&filter[id][gt]=2&filter[id][in]=&odd=1&query=a&query=b";
        let mut query = Query::parse(Some(raw)).unwrap();
        query.page();
        query.sort(&["id"]);
        query.fields(&["id"]);
        query.filters(|field| field == "id", &["id"]);
        query.text("query");
        let found = fields(query.finish().unwrap_err());
        let expected = [
            "page[number]",
            "page[size]",
            "sort",
            "fields",
            "filter[z]",
            "filter[id][like]",
            "filter[id",
            "filter[id][gt]",
            "filter[id][in]",
            "query",
            "odd",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn what_is_wrong_is_told_until_nobody_reads_on() {
        let raw = "x=1&".repeat(4_000) + &"filter[z]=1&".repeat(1_000);
        let mut query = Query::parse(Some(&raw)).unwrap();
        query.filters(|field| field == "id", &["id"]);
        assert_eq!(fields(query.finish().unwrap_err()).len(), MAX_ERRORS);
    }

    #[test]
    fn required_and_malformed_parameters() {
        let mut query = Query::parse(Some("a=&b=1&c=+5")).unwrap();
        assert_eq!(query.required("a"), None);
        assert_eq!(query.required("b").as_deref(), Some("1"));
        assert_eq!(query.integer("c", 0..=9), None);
        assert_eq!(fields(query.finish().unwrap_err()), ["a", "c"]);
        assert_eq!(Query::parse(Some("a=%ff")).unwrap_err().code, Code::MalformedQuery);
        Query::parse(None).unwrap().finish().unwrap();
    }
}
