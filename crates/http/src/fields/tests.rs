//! Bodies read field by field: what is gathered, where it stood, what a form means by it.

use super::*;
use serde_json::json;

fn fields(value: Value, encoding: Encoding) -> Fields {
    Fields::new(value.as_object().cloned().unwrap(), encoding)
}

#[test]
fn every_violation_is_gathered_with_its_place() {
    let mut fields = fields(
        json!({"name": "", "active": "yes", "priority": 0, "tags": ["a", 1, "a"], "links": [{"x": 1}, 2], "odd": 1}),
        Encoding::Json,
    );
    assert_eq!(fields.text("name", 1..=3), Given::Absent);
    assert_eq!(fields.boolean("active"), Given::Absent);
    assert_eq!(fields.integer("priority", 1..=9), Given::Absent);
    assert_eq!(fields.texts("tags", 0..=50, 10), Given::Absent);
    assert_eq!(fields.objects("links", 0..=5, |_| Some(())), Given::Absent);
    let found: Vec<String> = fields.finish().into_iter().map(|error| error.field).collect();
    assert_eq!(found, ["name", "active", "priority", "tags[1]", "tags[2]", "links[0].x", "links[1]", "odd"]);
}

#[test]
fn forms_write_what_json_has_types_for() {
    let mut fields = fields(
        json!({"active": "true", "mode": "", "priority": "3", "ids": ["a", "b"], "one": "a,b", "none": "",
               "links": "[{\"x\":\"1\"}]", "bad": "[", "name": ""}),
        Encoding::Form,
    );
    assert_eq!(fields.boolean("active"), Given::Value(true));
    assert_eq!(fields.boolean("mode"), Given::Null);
    assert_eq!(fields.integer("priority", 1..=9), Given::Value(3));
    assert_eq!(fields.texts("ids", 0..=9, 9), Given::Value(vec!["a".into(), "b".into()]));
    assert_eq!(fields.texts("one", 0..=9, 9), Given::Value(vec!["a,b".into()]));
    assert_eq!(fields.texts("none", 0..=9, 9), Given::Value(vec![]));
    assert_eq!(
        fields.objects("links", 0..=9, |inner| Some(inner.text("x", 1..=1))),
        Given::Value(vec![Given::Value("1".into())])
    );
    assert_eq!(fields.texts("bad", 0..=9, 9), Given::Absent);
    assert_eq!(fields.text("name", 1..=9), Given::Null);
    assert_eq!(fields.finish().len(), 1);
}

#[test]
fn absent_null_and_value_are_different() {
    let mut fields = fields(json!({"a": null, "b": false}), Encoding::Json);
    let (mut a, mut b, mut c) = (Some(true), Some(true), Some(true));
    fields.boolean("a").set_option(&mut a);
    fields.boolean("b").set_option(&mut b);
    fields.boolean("c").set_option(&mut c);
    assert_eq!((a, b, c), (None, Some(false), Some(true)));
    assert_eq!(fields.finish(), []);
}

#[test]
fn what_is_wrong_has_a_code() {
    let body = json!({"a": 1, "b": null, "c": "", "d": {"e": "x", "odd": 1}, "f": ["x", "x"], "g": []});
    let mut fields = Fields::lenient(body.as_object().cloned().unwrap());
    assert_eq!(fields.required("a", |f| f.text("a", 1..=9)), None);
    assert_eq!(fields.required("b", |f| f.boolean("b")), None);
    assert_eq!(fields.required("c", |f| f.text("c", 1..=9)), None);
    assert_eq!(fields.required("z", |f| f.text("z", 1..=9)), None);
    assert_eq!(fields.nested("d", |f| f.integer("e", 0..=9)), Given::Absent);
    assert_eq!(fields.choices("f", 1..=2, &[("x", 1), ("y", 2)]), Given::Absent);
    assert_eq!(fields.choices("g", 1..=2, &[("x", 1), ("y", 2)]), Given::Absent);
    let found: Vec<(String, &str)> =
        fields.finish().into_iter().map(|error| (error.field, error.code)).collect();
    let expected = [
        ("a", TYPE_ERROR),
        ("b", TYPE_ERROR),
        ("c", "value_error"),
        ("z", MISSING),
        ("d.e", TYPE_ERROR),
        ("f[1]", "value_error"),
        ("g", "value_error"),
    ];
    assert_eq!(found, expected.map(|(field, code)| (field.to_owned(), code)));
}

#[test]
fn objects_in_objects_are_named_by_their_whole_place() {
    let body = json!({"a": {"b": [{"c": {"d": 1}}]}});
    let mut fields = Fields::lenient(body.as_object().cloned().unwrap());
    fields.nested("a", |a| a.objects("b", 0..=1, |b| b.nested("c", |c| c.text("d", 1..=1)).value()));
    assert_eq!(fields.finish()[0].field, "a.b[0].c.d");
}

#[test]
fn money_keeps_micro_dollars_and_is_judged_as_it_was_written() {
    let cent = Money::from_micros(10_000)..=Money::from_micros(500_000_000);
    for (text, micros) in [
        ("0.01", Some(10_000)),
        ("5", Some(5_000_000)),
        ("500.00", Some(500_000_000)),
        ("1.234567", Some(1_234_567)),
        ("0.0123455", Some(12_346)),
        ("1e2", Some(100_000_000)),
        ("0.0099999999", None),
        ("500.0000001", None),
        ("-1", None),
        ("18446744073709551615", None),
        ("1e300", None),
    ] {
        let map = serde_json::from_str(&format!("{{\"price\":{text}}}")).unwrap();
        let mut fields = Fields::lenient(map);
        let given = fields.money("price", cent.clone());
        assert_eq!(given.value().map(Money::micros), micros, "{text}");
        assert_eq!(fields.finish().is_empty(), micros.is_some(), "{text}");
    }
}

#[test]
fn a_whole_number_may_be_written_with_a_point() {
    for (text, number) in [("5.0", Some(5)), ("5e0", Some(5)), ("5.5", None), ("-1.0", None), ("1e300", None)]
    {
        let mut fields = Fields::lenient(serde_json::from_str(&format!("{{\"n\":{text}}}")).unwrap());
        assert_eq!(fields.integer("n", 0..=9).value(), number, "{text}");
    }
}
