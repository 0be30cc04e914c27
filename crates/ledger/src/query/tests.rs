//! What filters are read as, and what they refuse.

use super::*;

fn parse(name: &str, operator: Option<&str>, text: &str) -> Result<Predicate, Invalid> {
    Predicate::parse(EventKind::Click, name, operator, text)
}

#[test]
fn values_are_read_as_their_field_has_them() {
    for (name, operator, text, operand) in [
        ("revenue", "gte", "0.5", Operand::Numbers(vec![500_000])),
        ("request_time", "lt", "2017-11-07T10:30:38+01:00", Operand::Numbers(vec![1_510_047_038_000])),
        ("is_bot", "eq", "true", Operand::Numbers(vec![1])),
        ("status", "in", "approved,rejected", Operand::Numbers(vec![1, 2])),
        ("rtb_outcome", "in", "won,timeout", Operand::Numbers(vec![1, 3])),
        ("asn", "ne", "-7", Operand::Numbers(vec![-7])),
        ("sub_id", "eq", "a,b", Operand::Texts(vec!["a,b".to_owned()])),
        ("sub_id", "in", "a, b", Operand::Texts(vec!["a".to_owned(), "b".to_owned()])),
        ("real_tx_id", "eq", "00000000000000000000000001", Operand::Ids(vec![TxId::from_u128(1)])),
    ] {
        assert_eq!(parse(name, Some(operator), text).unwrap().operand, operand, "{name}");
    }
}

#[test]
fn what_is_unknown_is_refused_with_what_is_known() {
    let error = parse("colour", None, "red").unwrap_err();
    assert_eq!(error.field, "filter[colour]");
    assert!(error.message.contains("rejections, ") && error.message.contains("redirected_to"));
    assert!(!error.message.contains("video_completed"), "clicks have no videos: {error}");
    let error = parse("is_bot", Some("gt"), "1").unwrap_err();
    assert_eq!(error.to_string(), "filter[is_bot][gt]: is not an operator for is_bot; known are eq, ne, in");
    for (name, operator, text) in [
        ("revenue", "eq", "much"),
        ("request_time", "eq", "today"),
        ("is_bot", "eq", "maybe"),
        ("status", "eq", "1"),
        ("rtb_outcome", "eq", "1"),
        ("asn", "in", "1,x"),
        ("real_tx_id", "eq", "no-id"),
        ("revenue", "contains", "1"),
        ("publisher", "like", "x"),
    ] {
        let error = parse(name, Some(operator), text).unwrap_err();
        assert_eq!(error.field, format!("filter[{name}][{operator}]"), "{error}");
    }
}

#[test]
fn every_listed_field_can_be_named() {
    for kind in tollgate_domain::KINDS_ALL {
        for name in FieldRef::names(*kind) {
            FieldRef::from_name(*kind, name).unwrap();
        }
    }
}
