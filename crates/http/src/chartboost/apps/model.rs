//! What requests say about apps, field by field. The rules across fields are the domain's.

use crate::fields::{Fields, Given};
use serde_json::{Map, Value};
use tollgate_domain::{App, AppChange, Invalid, MAX_TEST_MODE_MINUTES, Orientation, Platform, check_line};

/// Most characters that are read of a store's id, bundle or page; the domain judges their form.
const STORE_LENGTH: usize = 2048;

/// Reads the body of a creation. The second is what could not be read.
pub(super) fn read_new(map: Map<String, Value>) -> (AppChange, Vec<Invalid>) {
    let mut fields = Fields::lenient(map);
    let platform = fields.not_null("platform", |f| f.choice("platform", Platform::NAMES)).value();
    let change = AppChange { platform, ..read(&mut fields) };
    (change, fields.finish())
}

/// Reads the body of an update. What an app is made with and keeps for ever is not looked at.
pub(super) fn read_change(map: Map<String, Value>) -> (AppChange, Vec<Invalid>) {
    let mut fields = Fields::lenient(map);
    let change = read(&mut fields);
    (change, fields.finish())
}

fn read(fields: &mut Fields) -> AppChange {
    const KIDS: &[(&str, bool)] = &[("YES", true), ("NO", false)];
    let orientations = |f: &mut Fields| f.choices("orientations", 1..=2, Orientation::NAMES);
    AppChange {
        nickname: fields.not_null("nickname", |f| line(f, "nickname")).value(),
        name: line(fields, "name").nullable(),
        platform: None,
        orientations: fields.not_null("orientations", orientations).value(),
        default_orientation: fields.choice("default_orientation", Orientation::NAMES).nullable(),
        is_live: fields.not_null("is_live", |f| f.boolean("is_live")).value(),
        store_app_id: fields.text("store_app_id", 1..=STORE_LENGTH).nullable(),
        store_app_url: fields.text("store_app_url", 1..=STORE_LENGTH).nullable(),
        store_bundle_id: fields.text("store_bundle_id", 1..=STORE_LENGTH).nullable(),
        is_test_mode_on: fields.not_null("is_test_mode_on", |f| f.boolean("is_test_mode_on")).value(),
        test_mode_duration: fields.integer("test_mode_duration", 1..=MAX_TEST_MODE_MINUTES).nullable(),
        is_directed_at_kids_under_13: fields
            .not_null("is_directed_at_kids_under_13", |f| f.choice("is_directed_at_kids_under_13", KIDS))
            .value(),
    }
}

fn line(fields: &mut Fields, name: &str) -> Given<String> {
    let check = |place: &str, text: &str| check_line(place, text, App::NAME_LENGTH).map(|()| text.to_owned());
    fields.parsed(name, check)
}
