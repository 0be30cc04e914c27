//! What filters saw, as explanations tell of it.

use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tollgate_domain::FilterAction;
use tollgate_screening::feature::Window;
use tollgate_screening::{
    Change, Counted, FilterExplanation, FilterOutcome, Flip, Look, Measure, Setting, duration,
};
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaType, Type};

/// A configured filter of the group that judged, and what it saw.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ExplainedFilter {
    /// Its place in the group, from 0.
    index: usize,
    /// Its type.
    r#type: String,
    /// What happens when it objects.
    #[schema(schema_with = action_schema)]
    action: FilterAction,
    /// What became of it. `abstained`: it lacked a fact. `other_kind`: it does not run on events of this kind.
    #[schema(schema_with = outcome_schema)]
    outcome: &'static str,
    /// Everything it looked at, in order.
    looks: Vec<ExplainedLook>,
    /// The fields that it lacked.
    missing: Vec<&'static str>,
    /// Why it had nothing to look at.
    skipped: Vec<&'static str>,
}

/// One thing that a filter looked at.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ExplainedLook {
    /// Whether the filter objects because of it.
    objects: bool,
    /// The reason that it gives, or would give.
    reason: String,
    /// The field it is about.
    field: Option<String>,
    /// What was seen: a text, a number, or a percentage.
    #[schema(schema_with = measure_schema)]
    observed: Option<Value>,
    /// What it was compared with.
    #[schema(schema_with = measure_schema)]
    threshold: Option<Value>,
    /// The counter it rests on, as it stood before the event.
    counter: Option<ExplainedCounter>,
    /// The data file it rests on, as the stored evidence names it.
    data: Option<ExplainedData>,
    /// What would have made it come out the other way.
    flip: ExplainedFlip,
}

/// What was counted before the event.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ExplainedCounter {
    /// The window: `24 hours`, or `day` for a day of the calendar in the integration's time zone.
    window: String,
    /// Its length in minutes; null for a period of the calendar.
    window_minutes: Option<u32>,
    /// The fields that events have in common which count together, with the event's values.
    key: BTreeMap<&'static str, String>,
    /// Events in the window.
    count: u32,
    /// How many of them are of the sort whose share is asked for; null where no share is.
    hits: Option<u32>,
}

/// A data file.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ExplainedData {
    /// Its name.
    file: String,
    /// Its version.
    version: String,
}

/// One change that would have made a look come out the other way. Others may still object.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct ExplainedFlip {
    /// What would have to be different: a `parameter` of the filter, the number of `events` before it, a `fact` about the
    /// event, or `none` where no single change would do.
    #[schema(schema_with = change_schema)]
    change: &'static str,
    /// Of a parameter: where it stands below the filter's `params`, as in `publisher.blocked`.
    parameter: Option<String>,
    /// It would have to be this or more.
    #[schema(schema_with = measure_schema)]
    at_least: Option<Value>,
    /// It would have to be this or less.
    #[schema(schema_with = measure_schema)]
    at_most: Option<Value>,
    /// It would have to be this.
    #[schema(schema_with = measure_schema)]
    is: Option<Value>,
    /// The list would have to hold this.
    #[schema(schema_with = measure_schema)]
    with: Option<Value>,
    /// Nothing in the list would have to match this.
    #[schema(schema_with = measure_schema)]
    without: Option<Value>,
    /// Of events: how many more under the same key, within the window.
    more: Option<u64>,
    /// What sort of events.
    of: Option<&'static str>,
    /// Of a fact: the event's field.
    field: Option<&'static str>,
    /// The same in a sentence.
    sentence: String,
}

const OUTCOMES: [(FilterOutcome, &str); 6] = [
    (FilterOutcome::Rejected, "rejected"),
    (FilterOutcome::Flagged, "flagged"),
    (FilterOutcome::Passed, "passed"),
    (FilterOutcome::Abstained, "abstained"),
    (FilterOutcome::OtherKind, "other_kind"),
    (FilterOutcome::Disabled, "disabled"),
];

fn words<const N: usize>(words: [&'static str; N]) -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).build()
}

fn action_schema() -> Object {
    words(["reject", "flag"])
}

fn outcome_schema() -> Object {
    words(OUTCOMES.map(|(_, name)| name))
}

fn change_schema() -> Object {
    words(["parameter", "events", "fact", "none"])
}

fn measure_schema() -> Object {
    let types = SchemaType::from_iter([Type::String, Type::Number, Type::Boolean, Type::Null]);
    ObjectBuilder::new().schema_type(types).build()
}

fn written(measure: &Measure) -> Value {
    match measure {
        Measure::Text(text) => json!(text),
        Measure::Number(number) => json!(number),
        Measure::Percent(hundredths) => json!(f64::from(*hundredths) / 100.0),
        Measure::Flag(flag) => json!(flag),
    }
}

impl ExplainedFilter {
    pub(super) fn of(filter: &FilterExplanation) -> Self {
        let outcome = OUTCOMES.iter().find(|(known, _)| *known == filter.outcome);
        let look = |look: &Look| ExplainedLook::of(look, filter.action);
        Self {
            index: filter.index,
            r#type: filter.filter_type.clone(),
            action: filter.action,
            // Every outcome is listed.
            outcome: outcome.map_or("", |(_, name)| name),
            looks: filter.told.looks.iter().map(look).collect(),
            missing: filter.told.missing.clone(),
            skipped: filter.told.skipped.clone(),
        }
    }
}

impl ExplainedLook {
    fn of(look: &Look, action: FilterAction) -> Self {
        let data = |data: &tollgate_screening::DataFile| ExplainedData {
            file: data.file.clone(),
            version: data.version.clone(),
        };
        Self {
            objects: look.objects,
            reason: look.reason.clone(),
            field: look.field.clone(),
            observed: look.observed.as_ref().map(written),
            threshold: look.threshold.as_ref().map(written),
            counter: look.counted.as_ref().map(ExplainedCounter::of),
            data: look.data.as_ref().map(data),
            flip: ExplainedFlip::of(&look.flip, look.sentence(action)),
        }
    }
}

impl ExplainedCounter {
    fn of(counted: &Counted) -> Self {
        let (window, window_minutes) = match counted.window {
            Window::Minutes(minutes) => (duration(minutes), Some(minutes)),
            Window::Calendar(period) => (period.name().to_owned(), None),
        };
        let key = counted.key.iter().map(|(column, value)| (column.name(), value.clone()));
        Self { window, window_minutes, key: key.collect(), count: counted.total, hits: counted.hits }
    }
}

impl ExplainedFlip {
    fn of(flip: &Flip, sentence: String) -> Self {
        let plain = Self { sentence, ..Self::default() };
        match &flip.change {
            Change::Parameter { path, to } => {
                Self { change: "parameter", parameter: Some(path.clone()), ..plain.set(to) }
            }
            Change::Events { more, of } => {
                Self { change: "events", more: Some(*more), of: Some(of), ..plain }
            }
            Change::Fact { field } => Self { change: "fact", field: Some(field), ..plain },
            Change::None => Self { change: "none", ..plain },
        }
    }

    fn set(self, to: &Setting) -> Self {
        match to {
            Setting::AtLeast(value) => Self { at_least: Some(written(value)), ..self },
            Setting::AtMost(value) => Self { at_most: Some(written(value)), ..self },
            Setting::Is(value) => Self { is: Some(written(value)), ..self },
            Setting::With(value) => Self { with: Some(written(value)), ..self },
            Setting::Without(value) => Self { without: Some(written(value)), ..self },
        }
    }
}
