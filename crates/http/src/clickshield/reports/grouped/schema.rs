//! What the document says of the grouped report.

use super::super::filterable;
use super::super::schema::{compared, day, required, sequence};
use super::answer::Measure;
use crate::clickshield::query::MAX_PAGE_SIZE;
use crate::clickshield::schema::{
    FILTER, SHORT_ID, any_text, choice, id, integer, list, or_null, page_links, query, schemas, strict, whole,
};
use tollgate_domain::KINDS_ALL;
use tollgate_domain::row::Field;
use tollgate_ledger::group::{GroupQuery, Key};
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn, ParameterStyle};
use utoipa::openapi::schema::{ObjectBuilder, Type};

schemas! {
    /// A page of groups of events, and all groups together.
    GroupedReport = report();
}

fn report() -> ObjectBuilder {
    let count = || ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0));
    let meta = whole([
        ("links", page_links().into()),
        ("total_count", count().into()),
        ("total_page", count().into()),
        (
            "as_of",
            count()
                .description(Some("The cut: the seq of the last event or amendment that was counted."))
                .into(),
        ),
    ]);
    let keys = Key::all().fold(strict(), |object, key| object.property(key.name(), value(key)));
    let group = with_measures(keys).property("previous", previous());
    let totals = with_measures(strict()).property("previous", previous());
    whole([("data", list(group).into()), ("totals", totals.into()), ("meta", meta.into())])
}

fn value(key: Key) -> ObjectBuilder {
    match key {
        Key::Date => day(),
        Key::Hour => integer(0..=23),
        Key::Integration => id(SHORT_ID),
        Key::Rejection | Key::Text(_) => ObjectBuilder::new().schema_type(or_null(Type::String)),
    }
}

fn previous() -> ObjectBuilder {
    with_measures(strict()).description(Some("Those of the days before, where they were asked for."))
}

fn with_measures(object: ObjectBuilder) -> ObjectBuilder {
    Measure::ALL.into_iter().fold(object, |object, (name, measure)| {
        let kind = match measure {
            Measure::Conversions => or_null(Type::Integer),
            Measure::ConversionRate => or_null(Type::Number),
            Measure::Revenue | Measure::Payout => Type::Number.into(),
            _ => Type::Integer.into(),
        };
        let about = match measure {
            Measure::Total => "All events.",
            Measure::Approved => "Those that were approved.",
            Measure::Rejected => "Those that were rejected.",
            Measure::Monitored => {
                "Those that would have been rejected, had it not been under monitoring mode."
            }
            Measure::Conversions => {
                "Beside clicks: the conversions with the same keys, whatever became of them."
            }
            Measure::ConversionRate => "Conversions by clicks; 1 is as many as clicks.",
            Measure::Revenue => "What the advertisers pay for all of them, in USD.",
            Measure::Payout => "What the publishers get for all of them, in USD.",
        };
        object.property(name, ObjectBuilder::new().schema_type(kind).description(Some(about))).required(name)
    })
}

/// The parameters of the grouped report.
pub(super) struct GroupedParams;

impl IntoParams for GroupedParams {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let integrations = list(id(SHORT_ID)).min_items(Some(1));
        let kinds = choice(KINDS_ALL.iter().map(|kind| kind.name()));
        let keys = list(choice(Key::all().map(Key::name)))
            .min_items(Some(1))
            .max_items(Some(GroupQuery::MAX_KEYS))
            .unique_items(true);
        let names = || Key::all().map(Key::name).chain(Measure::ALL.map(|(name, _)| name));
        let sort_keys = names().flat_map(|name| [name.to_owned(), format!("-{name}")]);
        let sort = list(any_text().enum_values(Some(sort_keys))).min_items(Some(1));
        let fields = KINDS_ALL.iter().flat_map(|kind| filterable(*kind));
        let filter =
            fields.fold(strict(), |object, field: Field| object.property(field.name(), compared(field)));
        vec![
            query("integration_id", "The organization's integrations to count; all unless given.", integrations)
                .explode(Some(false))
                .build(),
            required("start_date", "The first day, in each integration's time zone.", day()),
            required("end_date", "The last day.", day()),
            query("kind", "The events to count; clicks unless given.", kinds).build(),
            query("group_by", "One to three keys.", keys)
                .required(utoipa::openapi::Required::True)
                .explode(Some(false))
                .build(),
            query("sort", "Keys of `group_by` and measures, the first one first; `-` before one is descending. Equal groups are in the order of their keys.", sort)
                .explode(Some(false))
                .build(),
            query("page[number]", "The page, from 1.", integer(1..=u32::MAX)).build(),
            query("page[size]", "Groups on a page; 25 unless given.", integer(1..=MAX_PAGE_SIZE)).build(),
            query("compare", "`previous` adds the measures of as many days before.", choice(["previous"])).build(),
            query("as_of", "The seq of an earlier cut: what came later is left out.", sequence()).build(),
            query("filter", FILTER, filter).style(Some(ParameterStyle::DeepObject)).explode(Some(true)).build(),
        ]
    }
}
