//! Late rejections count in screening, the same on the wire, after a restart and when history is judged again.

use crate::Outcome;
use crate::test_house::House;
use serde_json::json;
use tollgate_domain::{EventKind, Status, Text};
use tollgate_ledger::Deletion;

/// Judges the conversion of a number; gives its reasons to reject.
fn convert(house: &mut House, number: usize) -> Option<String> {
    let external = format!("c{number}");
    let facts =
        [("external_transaction_id", &*external), ("offer", "o"), ("publisher", "p"), ("sub_id", "s")];
    let (outcome, draft) = house.submit(house.draft(EventKind::Conversion, &facts));
    assert!(matches!(outcome, Outcome::Judged(_)), "{outcome:?}");
    house.commit();
    draft.event.text(Text::Rejections).map(str::to_owned)
}

const OVER: &str = r#"["REJECTION_THRESHOLD"]"#;

fn house() -> House {
    let house = House::new();
    let params = json!({"max_percentage": 50, "min_conversions": 4});
    house.set_filters(&[("rejection_threshold", params)]);
    house
}

#[test]
fn late_rejections_give_a_source_away_whatever_happens_in_between() {
    // Nothing happens, or a restart, before or after sealing and checkpoints.
    for (restart, seal, checkpoint) in [
        (false, false, false),
        (true, false, false),
        (true, true, false),
        (true, false, true),
        (true, true, true),
    ] {
        let mut house = house();
        for number in 0..4 {
            assert_eq!(convert(&mut house, number), None);
        }
        for number in 0..3 {
            if number == 2 && checkpoint {
                house.intake.checkpoint().unwrap();
            }
            assert!(matches!(house.reject(&format!("c{number}"), "LATE"), Outcome::Judged(_)));
            house.commit();
            // The same again, and another reason, count no more.
            house.reject(&format!("c{number}"), "LATE");
            house.reject(&format!("c{number}"), "LATER");
            house.commit();
        }
        if seal {
            assert!(house.intake.ledger().seal(1_000).unwrap().is_some());
        }
        if restart {
            house.restart();
        }
        assert_eq!(convert(&mut house, 4).as_deref(), Some(OVER), "3 of 4");
        let found = house.rejudge();
        assert_eq!((found.judged, found.different), (5, 0), "{:?}", found.first);
    }
}

#[test]
fn without_late_rejections_the_source_passes() {
    let mut house = house();
    for number in 0..5 {
        assert_eq!(convert(&mut house, number), None);
    }
    assert_eq!(house.reject("nobody's", "LATE"), Outcome::Unknown);
    assert_eq!(house.rejudge().different, 0);
}

#[test]
fn a_conversion_that_was_amended_meanwhile_is_looked_up_again() {
    let mut house = house();
    convert(&mut house, 0);
    assert!(matches!(house.reject("c0", "A"), Outcome::Judged(_)));
    // The first one is not durable yet, so a look-up cannot have seen it.
    assert_eq!(house.reject("c0", "B"), Outcome::LookAgain);
    house.commit();
    assert!(matches!(house.reject("c0", "B"), Outcome::Judged(_)));
    house.commit();
    let conversions = house.intake.ledger().view();
    let records: Vec<_> = conversions.scan_seq_from(1).map(Result::unwrap).collect();
    assert_eq!(records.len(), 3);
    let id = records[0].columns().id;
    let event = conversions.find(house.integration, None, id).unwrap().unwrap();
    assert_eq!((event.status(), event.text(Text::Rejections)), (Some(Status::Rejected), Some(r#"["B"]"#)));
}

#[test]
fn a_rejection_of_what_is_deleted_meanwhile_is_told_that_it_is_gone() {
    let mut house = house();
    convert(&mut house, 0);
    let mut rejection = house.rejection("c0", "LATE");
    let later = house.intake.now().plus_millis(86_400_000);
    let all = Deletion::Older(vec![(house.integration, EventKind::Conversion, later)]);
    let deleted = house.intake.ledger().delete(&all).unwrap().unwrap();
    assert_eq!(deleted.rows.len(), 1, "{deleted:?}");
    assert_eq!(house.tell(&mut rejection), Outcome::LookAgain);
    assert_eq!(house.stored(), 0, "nothing was appended");
    assert_eq!(house.reject("c0", "LATE"), Outcome::Unknown);
}
