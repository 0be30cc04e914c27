//! Groups that came into question for an event, as explanations tell of them.

use serde::Serialize;
use tollgate_screening::{GroupExplanation, GroupOutcome};
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

/// A filter group, and whether it could have judged.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ExplainedGroup {
    /// Its id.
    #[schema(pattern = "^[a-z0-9]{10}$")]
    id: String,
    /// Its name.
    name: String,
    /// What became of it. `won`: it judged, as the best match. `named`: it judged, because the request named it.
    #[schema(schema_with = outcome_schema)]
    outcome: &'static str,
    /// How many of its lists are not empty: a group that matches by more of them comes first.
    #[schema(maximum = 3)]
    score: usize,
    /// Between equal scores the smaller number comes first; null for the Default group, which is last.
    priority: Option<u32>,
    /// Its lists that are not empty.
    bindings: Vec<ExplainedBinding>,
    /// Why, in a sentence.
    why: String,
}

/// A list that a group is bound by.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ExplainedBinding {
    /// The event's field that is compared.
    field: &'static str,
    /// The event's value.
    value: Option<String>,
    /// Whether the list holds it.
    holds: bool,
}

const OUTCOMES: [(GroupOutcome, &str); 6] = [
    (GroupOutcome::Won, "won"),
    (GroupOutcome::Named, "named"),
    (GroupOutcome::Outranked, "outranked"),
    (GroupOutcome::NoMatch, "no_match"),
    (GroupOutcome::Inactive, "inactive"),
    (GroupOutcome::NotAsked, "not_asked"),
];

fn outcome_schema() -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(OUTCOMES.map(|(_, name)| name))).build()
}

impl ExplainedGroup {
    pub(super) fn of(group: &GroupExplanation) -> Self {
        let outcome = OUTCOMES.iter().find(|(known, _)| *known == group.outcome);
        let binding = |bound: &tollgate_screening::Bound| ExplainedBinding {
            field: bound.column.name(),
            value: bound.value.clone(),
            holds: bound.holds,
        };
        Self {
            id: group.id.to_string(),
            name: group.name.clone(),
            // Every outcome is listed.
            outcome: outcome.map_or("", |(_, name)| name),
            score: group.score,
            priority: group.priority,
            bindings: group.bindings.iter().map(binding).collect(),
            why: group.why.clone(),
        }
    }
}
