//! Lists: filtered, searched, sorted, paged and cut down to the asked-for fields, all over the objects as they are
//! answered. The configuration is small and in memory, so nothing cleverer is needed.

use super::query::{Condition, Op, Page, Query, SortKey};
use crate::error::ApiError;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use std::cmp::Ordering;

/// How a field of an answered object compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FieldType {
    /// Text; `query=` searches it. Lists of texts match by any of their items.
    Text,
    /// Text that `query=` does not search: ids, times.
    Exact,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// One of these names.
    Choice(&'static [&'static str]),
    /// Objects; can be picked, not filtered or sorted by.
    Opaque,
}

/// A field of an answered object. One inside another has dots in its name, and cannot be picked alone.
pub(super) type Field = (&'static str, FieldType);

/// The fields that every object has.
pub(super) const COMMON: &[Field] = &[
    ("id", FieldType::Exact),
    ("integration", FieldType::Exact),
    ("organization", FieldType::Exact),
    ("created_at", FieldType::Exact),
    ("updated_at", FieldType::Exact),
    ("last_updated_by", FieldType::Exact),
];

/// What a list request asks for.
#[derive(Debug)]
pub(super) struct ListRequest {
    page: Page,
    sort: Vec<SortKey>,
    conditions: Vec<Condition>,
    search: Option<String>,
    fields: Option<Vec<String>>,
    table: Vec<Field>,
}

impl ListRequest {
    /// Reads a list's query string. `own` are the fields beside the common ones.
    pub(super) fn read(raw: Option<&str>, own: &[Field]) -> Result<Self, ApiError> {
        let mut query = Query::parse(raw)?;
        let request = Self::take(&mut query, own.iter().chain(COMMON).copied().collect());
        query.finish()?;
        Ok(request)
    }

    /// Takes a list's parameters out of a query that may have others. `table` are all fields of the objects.
    pub(super) fn take(query: &mut Query, table: Vec<Field>) -> Self {
        let names: Vec<&str> = pickable(&table).collect();
        let comparable: Vec<&str> =
            table.iter().filter(|(_, kind)| *kind != FieldType::Opaque).map(|(name, _)| *name).collect();
        let page = query.page();
        let sort = query.sort(&comparable);
        let fields = query.fields(&names);
        let search = query.text("query").filter(|text| !text.is_empty()).map(|text| text.to_lowercase());
        let conditions = query.filters(|field| comparable.contains(&field), &comparable);
        for condition in &conditions {
            let kind = table.iter().find(|(name, _)| *name == condition.field).map(|(_, kind)| *kind);
            for value in &condition.values {
                if let Some(wrong) = kind.and_then(|kind| wrong_value(kind, condition, value)) {
                    query.refuse(condition.invalid(wrong));
                }
            }
        }
        Self { page, sort, conditions, search, fields, table }
    }

    /// The answer, over objects in their default order.
    pub(super) fn answer(&self, objects: Vec<Map<String, Value>>) -> Response {
        let mut found: Vec<_> = objects.into_iter().filter(|object| self.matches(object)).collect();
        found.sort_by(|a, b| self.compare(a, b));
        let (number, size) = (u64::from(self.page.number), u64::from(self.page.size));
        let total = found.len() as u64;
        let pages = total.div_ceil(size);
        let skip = usize::try_from((number - 1) * size).unwrap_or(usize::MAX);
        let data: Vec<_> =
            found.into_iter().skip(skip).take(self.page.size as usize).map(|one| self.pick(one)).collect();
        let link = |number: u64| json!({"page[number]": number, "page[size]": size});
        let next = (number < pages).then(|| link(number + 1));
        let previous = (number > 1).then(|| link((number - 1).min(pages.max(1))));
        axum::Json(json!({
            "data": data,
            "meta": {"links": {"next": next, "prev": previous}, "total_count": total, "total_page": pages},
        }))
        .into_response()
    }

    /// Whether an object is among those that are asked for.
    fn matches(&self, object: &Map<String, Value>) -> bool {
        let found = |text: &str| match &self.search {
            None => true,
            Some(search) => text.to_lowercase().contains(search),
        };
        let searched = self.search.is_none()
            || self
                .table
                .iter()
                .filter(|(name, kind)| *kind == FieldType::Text || *name == "id")
                .any(|(name, _)| texts(inside(object, name)).any(found));
        searched && self.conditions.iter().all(|condition| holds(condition, inside(object, &condition.field)))
    }

    fn compare(&self, a: &Map<String, Value>, b: &Map<String, Value>) -> Ordering {
        self.sort.iter().fold(Ordering::Equal, |so_far, key| {
            so_far.then_with(|| {
                let order = order(inside(a, &key.field), inside(b, &key.field));
                if key.descending { order.reverse() } else { order }
            })
        })
    }

    fn pick(&self, mut object: Map<String, Value>) -> Map<String, Value> {
        if let Some(fields) = &self.fields {
            object.retain(|name, _| fields.iter().any(|field| field == name));
        }
        object
    }
}

/// The names of the fields that can be asked for alone.
pub(super) fn pickable(table: &[Field]) -> impl Iterator<Item = &'static str> {
    table.iter().map(|(name, _)| *name).filter(|name| !name.contains('.'))
}

/// The field of a name, dots for fields inside.
fn inside<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    match name.split_once('.') {
        None => object.get(name),
        Some((outer, rest)) => inside(object.get(outer)?.as_object()?, rest),
    }
}

/// What is wrong with a filter's value, if anything.
fn wrong_value(kind: FieldType, condition: &Condition, value: &str) -> Option<String> {
    let wrong = |message: &str| Some(message.to_owned());
    if value == "null" && matches!(condition.op, Op::Eq | Op::Ne | Op::In) {
        return None;
    }
    match kind {
        FieldType::Number if value.parse::<f64>().is_err() => wrong("must be a number"),
        FieldType::Boolean if !matches!(value, "true" | "false") => wrong("must be true or false"),
        FieldType::Choice(names) if !names.contains(&value) => {
            Some(format!("must be one of {}", names.join(", ")))
        }
        FieldType::Boolean | FieldType::Choice(_) if !matches!(condition.op, Op::Eq | Op::Ne | Op::In) => {
            wrong("cannot be compared with this operator")
        }
        FieldType::Number if condition.op == Op::Contains => wrong("cannot be compared with this operator"),
        _ => None,
    }
}

fn texts(value: Option<&Value>) -> impl Iterator<Item = &str> {
    let items = match value {
        Some(Value::Array(items)) => items.as_slice(),
        Some(other) => std::slice::from_ref(other),
        None => &[],
    };
    items.iter().filter_map(Value::as_str)
}

fn holds(condition: &Condition, value: Option<&Value>) -> bool {
    let equal = || condition.values.iter().any(|text| is(value, text));
    let first = condition.values.first().map_or("", String::as_str);
    let compared = || match value {
        Some(Value::Number(number)) => {
            number.as_f64().zip(first.parse().ok()).and_then(|(a, b): (f64, f64)| a.partial_cmp(&b))
        }
        Some(Value::String(text)) => Some(text.as_str().cmp(first)),
        _ => None,
    };
    match condition.op {
        Op::Eq | Op::In => equal(),
        Op::Ne => !equal(),
        Op::Gt => compared() == Some(Ordering::Greater),
        Op::Gte => compared().is_some_and(Ordering::is_ge),
        Op::Lt => compared() == Some(Ordering::Less),
        Op::Lte => compared().is_some_and(Ordering::is_le),
        Op::Contains => texts(value).any(|text| text.contains(first)),
    }
}

/// Whether a value is what a text says; a list is each of its items.
fn is(value: Option<&Value>, text: &str) -> bool {
    match value {
        None | Some(Value::Null) => text == "null",
        Some(Value::String(own)) => own == text,
        Some(Value::Bool(own)) => text == if *own { "true" } else { "false" },
        Some(Value::Number(own)) => own.as_f64() == text.parse().ok(),
        // Lists may be asked for by several items at once, comma-separated.
        Some(Value::Array(items)) => {
            items.iter().any(|item| is(Some(item), text) || text.split(',').any(|part| is(Some(item), part)))
        }
        Some(Value::Object(_)) => false,
    }
}

/// The order of two values of one field; `null` comes last.
fn order(a: Option<&Value>, b: Option<&Value>) -> Ordering {
    let rank = |value: Option<&Value>| u8::from(value.is_none_or(Value::is_null));
    match (a, b) {
        (Some(Value::Number(a)), Some(Value::Number(b))) => {
            a.as_f64().partial_cmp(&b.as_f64()).unwrap_or(Ordering::Equal)
        }
        (Some(Value::Bool(a)), Some(Value::Bool(b))) => a.cmp(b),
        (Some(Value::String(a)), Some(Value::String(b))) => {
            a.to_lowercase().cmp(&b.to_lowercase()).then_with(|| a.cmp(b))
        }
        _ => rank(a).cmp(&rank(b)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &[Field] = &[
        ("name", FieldType::Text),
        ("tags", FieldType::Text),
        ("priority", FieldType::Number),
        ("active", FieldType::Boolean),
        ("filters", FieldType::Opaque),
    ];

    async fn ids(raw: &str) -> Vec<i64> {
        let objects = [
            json!({"id": 1, "name": "Ärger", "tags": ["x", "y"], "priority": 2, "active": true}),
            json!({"id": 2, "name": "beta", "tags": [], "priority": 10, "active": false}),
            json!({"id": 3, "name": "Alpha", "tags": ["y"], "priority": null, "active": null}),
        ];
        let objects = objects.iter().filter_map(|one| one.as_object().cloned()).collect();
        let response = ListRequest::read(Some(raw), OWN).unwrap().answer(objects);
        let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        let body: Value = serde_json::from_slice(&bytes).unwrap();
        body["data"].as_array().unwrap().iter().filter_map(|one| one["id"].as_i64()).collect()
    }

    #[tokio::test]
    async fn filters_by_every_operator() {
        for (raw, expected) in [
            ("", &[1, 2, 3][..]),
            ("filter[name]=beta", &[2]),
            ("filter[name]=beta&filter[name]=Alpha", &[2, 3]),
            ("filter[name][ne]=beta", &[1, 3]),
            ("filter[name][contains]=lph", &[3]),
            ("filter[tags]=y", &[1, 3]),
            ("filter[tags]=x,z", &[1]),
            ("filter[priority][gt]=2", &[2]),
            ("filter[priority][gte]=2", &[1, 2]),
            ("filter[priority][lt]=10", &[1]),
            ("filter[priority][lte]=10", &[1, 2]),
            ("filter[priority][in]=2,10", &[1, 2]),
            ("filter[priority]=null", &[3]),
            ("filter[active]=false", &[2]),
            ("filter[active]=true&filter[tags]=x", &[1]),
            ("query=%C3%84RG", &[1]),
            ("query=Y", &[1, 3]),
            ("sort=name", &[3, 2, 1]),
            ("sort=-priority", &[3, 2, 1]),
            ("sort=priority", &[1, 2, 3]),
            ("page[size]=2&page[number]=2", &[3]),
            ("page[size]=2&page[number]=9", &[]),
        ] {
            assert_eq!(ids(raw).await, expected, "{raw}");
        }
    }

    #[tokio::test]
    async fn fields_inside_are_compared_and_names_must_be_known() {
        const TABLE: &[Field] = &[
            ("status", FieldType::Choice(&["DONE", "ERROR"])),
            ("meta", FieldType::Opaque),
            ("meta.total", FieldType::Number),
            ("meta.names", FieldType::Text),
        ];
        let object = json!({"status": "DONE", "meta": {"total": 5, "names": ["a", "b"]}});
        let matches = |raw: &str| {
            ListRequest::read(Some(raw), TABLE).map(|list| list.matches(object.as_object().unwrap()))
        };
        for (raw, expected) in [
            ("filter[meta.total][gte]=5", true),
            ("filter[meta.total][gt]=5", false),
            ("filter[meta.names]=b", true),
            ("filter[meta.names]=c", false),
            ("filter[status]=DONE&fields=meta&sort=-meta.total", true),
            ("filter[status]=ERROR", false),
            ("query=A", true),
        ] {
            assert_eq!(matches(raw).unwrap(), expected, "{raw}");
        }
        for raw in ["filter[status]=x", "filter[status][gt]=DONE", "filter[meta]=1", "fields=meta.total"] {
            assert_eq!(matches(raw).unwrap_err().errors.len(), 1, "{raw}");
        }
    }

    #[test]
    fn values_must_fit_their_field() {
        for raw in [
            "filter[priority]=x",
            "filter[active]=1",
            "filter[active][gt]=true",
            "filter[priority][contains]=1",
            "filter[filters]=x",
            "sort=filters",
            "sort=,",
            "sort=name,",
            "fields=id,,name",
            "sort=",
            "fields=",
            "filter[none]=1",
        ] {
            assert!(ListRequest::read(Some(raw), OWN).is_err(), "{raw}");
        }
        assert!(ListRequest::read(Some("fields=filters,id"), OWN).is_ok());
    }
}
