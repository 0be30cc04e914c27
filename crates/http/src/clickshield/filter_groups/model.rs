//! A filter group as this dialect writes and reads it.

use super::super::entity::{take_common, with_common};
use super::super::list::{Field, FieldType};
use super::preset::{self, Side};
use crate::fields::{Fields, Given};
use serde_json::{Map, Value};
use tollgate_catalog::{Draft, Refused, Stored, check_priority};
use tollgate_domain::{
    EventKind, FilterAction, FilterGroup, FilterSpec, IntegrationId, Invalid, KINDS_ALL, OrganizationId,
};
use tollgate_screening::validate;

/// The fields beside the common ones.
pub(super) const FIELDS: &[Field] = &[
    ("name", FieldType::Text),
    ("description", FieldType::Text),
    ("active", FieldType::Boolean),
    ("priority", FieldType::Number),
    ("advertiser_ids", FieldType::Exact),
    ("offer_ids", FieldType::Exact),
    ("publisher_ids", FieldType::Exact),
    ("monitoring_mode", FieldType::Boolean),
    ("rtb_enabled", FieldType::Boolean),
    ("click_filter_preset_id", FieldType::Number),
    ("conversion_filter_preset_id", FieldType::Number),
    ("tags", FieldType::Text),
    ("filters", FieldType::Opaque),
];

/// Most filters of a group.
pub(super) const MAX_FILTERS: usize = 500;
/// Most ids that a group may be bound to, of each sort.
pub(super) const MAX_BINDINGS: usize = 10_000;

/// What a filter may do, by name.
pub(super) const ACTIONS: &[(&str, FilterAction)] =
    &[("reject", FilterAction::Reject), ("flag", FilterAction::Flag)];

/// The answered object: the stored document with the common fields.
pub(super) fn object(stored: &Stored<FilterGroup>, organization: OrganizationId) -> Map<String, Value> {
    let own = match serde_json::to_value(&stored.value) {
        Ok(Value::Object(map)) => map,
        // A struct of plain fields is always an object.
        _ => Map::new(),
    };
    with_common(own, &stored.meta, Some(stored.integration.as_str()), organization)
}

/// What a body changes about a filter group, and what is wrong with it.
#[derive(Debug, Clone)]
pub(super) struct GroupChange {
    name: Given<String>,
    description: Given<String>,
    active: Given<bool>,
    priority: Given<u32>,
    advertiser_ids: Given<Vec<String>>,
    offer_ids: Given<Vec<String>>,
    publisher_ids: Given<Vec<String>>,
    monitoring_mode: Given<bool>,
    rtb_enabled: Given<bool>,
    click_preset: Given<u32>,
    conversion_preset: Given<u32>,
    tags: Given<Vec<String>>,
    filters: Given<Vec<FilterSpec>>,
    errors: Vec<Invalid>,
}

impl GroupChange {
    /// Reads a body. `id` is that of the path; without one the group is new and must have what the document requires.
    pub(super) fn read(
        mut fields: Fields,
        id: Option<&str>,
        integration: IntegrationId,
        organization: OrganizationId,
    ) -> Self {
        let f = &mut fields;
        if id.is_none() {
            for name in ["integration", "name", "organization", "priority"] {
                f.must_have(name);
            }
        }
        take_common(f, id, Some(integration.as_str()), organization);
        let mut change = Self {
            name: f.not_null("name", |f| f.text("name", 1..=255)),
            description: f.text("description", 0..=4096),
            active: f.not_null("active", |f| f.boolean("active")),
            priority: f.integer("priority", 1..=i32::MAX.unsigned_abs()),
            advertiser_ids: f.texts("advertiser_ids", 0..=MAX_BINDINGS, 255),
            offer_ids: f.texts("offer_ids", 0..=MAX_BINDINGS, 255),
            publisher_ids: f.texts("publisher_ids", 0..=MAX_BINDINGS, 255),
            monitoring_mode: f.boolean("monitoring_mode"),
            rtb_enabled: f.boolean("rtb_enabled"),
            click_preset: preset_id(f, Side::Click),
            conversion_preset: preset_id(f, Side::Conversion),
            tags: f.texts("tags", 0..=50, 255),
            filters: filters(f),
            errors: Vec::new(),
        };
        change.errors = fields.finish();
        change
    }

    /// What is wrong with the body.
    pub(super) fn errors(&self) -> &[Invalid] {
        &self.errors
    }

    /// Changes `group` as the body says, if that breaks no rule of the integration's other groups.
    pub(super) fn apply(&self, draft: &Draft<'_>, group: &mut FilterGroup) -> Result<(), Refused> {
        let mut errors = self.errors.clone();
        // The Default group is the one that is stored without a priority.
        let is_default = group.is_default() && draft.get::<FilterGroup>(group.id.as_str()).is_some();
        if is_default {
            self.refuse_bindings(&mut errors)
        } else {
            self.check_priority(draft, group, &mut errors)
        }
        if !errors.is_empty() {
            return Err(Refused::Invalid(errors));
        }
        let this = self.clone();
        this.name.set(&mut group.name);
        this.description.set_or_default(&mut group.description);
        this.active.set(&mut group.active);
        this.priority.set_option(&mut group.priority);
        this.advertiser_ids.set_or_default(&mut group.advertiser_ids);
        this.offer_ids.set_or_default(&mut group.offer_ids);
        this.publisher_ids.set_or_default(&mut group.publisher_ids);
        this.monitoring_mode.set_option(&mut group.monitoring_mode);
        this.rtb_enabled.set_option(&mut group.rtb_enabled);
        this.tags.set_or_default(&mut group.tags);
        this.click_preset.clone().set_option(&mut group.click_filter_preset_id);
        this.conversion_preset.clone().set_option(&mut group.conversion_filter_preset_id);
        match this.filters {
            Given::Absent => {
                preset::replace(group, Side::Click, &this.click_preset);
                preset::replace(group, Side::Conversion, &this.conversion_preset);
            }
            filters => {
                filters.set_or_default(&mut group.filters);
                preset::settle(group);
            }
        }
        Ok(())
    }

    fn refuse_bindings(&self, errors: &mut Vec<Invalid>) {
        if let Given::Value(_) = self.priority {
            errors.push(Invalid::new("priority", "must stay null: the Default group always comes last"));
        }
        let bindings = [
            ("advertiser_ids", &self.advertiser_ids),
            ("offer_ids", &self.offer_ids),
            ("publisher_ids", &self.publisher_ids),
        ];
        for (name, given) in bindings {
            if matches!(given, Given::Value(ids) if !ids.is_empty()) {
                errors.push(Invalid::new(
                    name,
                    "must stay empty: the Default group judges what no other matches",
                ));
            }
        }
    }

    fn check_priority(&self, draft: &Draft<'_>, group: &FilterGroup, errors: &mut Vec<Invalid>) {
        match self.priority {
            Given::Absent => {}
            Given::Null => errors.push(Invalid::new("priority", "must not be null")),
            Given::Value(priority) => errors.extend(check_priority(draft, group, priority).err()),
        }
    }
}

fn preset_id(fields: &mut Fields, side: Side) -> Given<u32> {
    let given = fields.integer(side.field(), 1..=u32::MAX);
    if let Given::Value(id) = given
        && let Err(message) = preset::check(side, id)
    {
        fields.refuse(side.field(), message);
        return Given::Absent;
    }
    given
}

/// The filters, each checked by the screening catalogue under its own place.
fn filters(fields: &mut Fields) -> Given<Vec<FilterSpec>> {
    let mut errors = Vec::new();
    let mut index = 0;
    let given = fields.objects("filters", 0..=MAX_FILTERS, |f| {
        let spec = filter(f);
        if !spec.filter_type.is_empty()
            && let Err(found) = validate(std::slice::from_ref(&spec))
        {
            let place = format!("filters[{index}]");
            errors.extend(
                found
                    .into_iter()
                    .map(|one| Invalid { field: one.field.replacen("filters[0]", &place, 1), ..one }),
            );
        }
        index += 1;
        Some(spec)
    });
    fields.refuse_all(errors);
    given
}

fn filter(f: &mut Fields) -> FilterSpec {
    f.must_have("type");
    let mut spec = FilterSpec {
        filter_type: String::new(),
        enabled: true,
        applies_to: None,
        action: FilterAction::Reject,
        params: Map::new(),
    };
    f.not_null("type", |f| f.text("type", 1..=64)).set(&mut spec.filter_type);
    f.not_null("enabled", |f| f.boolean("enabled")).set(&mut spec.enabled);
    kinds(f).set_option(&mut spec.applies_to);
    f.not_null("action", |f| f.choice("action", ACTIONS)).set(&mut spec.action);
    f.object("params").set_or_default(&mut spec.params);
    spec
}

fn kinds(f: &mut Fields) -> Given<Vec<EventKind>> {
    let names = match f.texts("applies_to", 0..=KINDS_ALL.len(), 16) {
        Given::Absent => return Given::Absent,
        Given::Null => return Given::Null,
        Given::Value(names) => names,
    };
    let mut kinds = Vec::with_capacity(names.len());
    for (index, name) in names.iter().enumerate() {
        match EventKind::from_name(name) {
            Some(kind) => kinds.push(kind),
            None => f.refuse(&format!("applies_to[{index}]"), "must be one of click, conversion, impression"),
        }
    }
    if kinds.len() == names.len() { Given::Value(kinds) } else { Given::Absent }
}
