use super::*;
use crate::{AppId, Country, Entropy, Money};
use proptest::prelude::*;

struct Ones;
impl Entropy for Ones {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0xff);
    }
}

#[test]
fn ids_parse_what_they_print() {
    let app: AppId = "5c37c51476f3910c3cf92534".parse().unwrap();
    let uuid = Uuid::random(&Ones);
    assert_eq!(uuid.as_str(), "ffffffff-ffff-4fff-bfff-ffffffffffff", "version 4, RFC variant");
    let id = AdLocationId::new(app, uuid);
    assert_eq!(id.as_str(), "5c37c51476f3910c3cf92534/ffffffff-ffff-4fff-bfff-ffffffffffff");
    assert_eq!((id.as_str().parse(), id.app(), id.uuid()), (Ok(id), app, &uuid));
    for text in [
        "",
        "2f5fa6d4fa0649d188f685e2066001cf",
        "2F5FA6D4-FA06-49D1-88F6-85E2066001CF",
        "2f5fa6d4-fa06-49d1-88f6-85e2066001c",
        "2f5fa6d4-fa06-49d1-88f6-85e2066001cg",
    ] {
        assert!(text.parse::<Uuid>().is_err(), "{text}");
    }
    assert!("5c37c51476f3910c3cf92534".parse::<AdLocationId>().is_err());
}

#[test]
fn names_have_a_rule() {
    let long = "a".repeat(80);
    for text in ["a", "Game Over", "a-_$&,+/\\9", "a\tb", long.as_str()] {
        assert_eq!(text.parse::<AdLocationName>().unwrap().as_str(), text);
    }
    let too_long = "a".repeat(81);
    for text in [
        "",
        " ",
        " a",
        "a ",
        "a\n",
        "a.b",
        "a:b",
        "ä",
        "a\u{a0}b",
        "a\u{200b}b",
        "а",
        "a\0b",
        too_long.as_str(),
    ] {
        assert!(text.parse::<AdLocationName>().is_err(), "{text:?}");
    }
}

fn table(prices: &[(&str, i64)]) -> PriceTable {
    let prices: Vec<_> =
        prices.iter().map(|(at, micros)| (at.parse().unwrap(), Money::from_micros(*micros))).collect();
    PriceTable::new(&prices).unwrap()
}

#[test]
fn a_price_is_exact_or_the_default_or_none() {
    let germany = "DE".parse::<Country>().ok();
    let prices = table(&[("US", 6_000_000), ("DE", 2_550_000)]);
    assert_eq!(prices.price(germany), Some(Money::from_micros(2_550_000)));
    assert_eq!((prices.price("FR".parse().ok()), prices.price(None)), (None, None));
    let prices = table(&[("US", 6_000_000), ("default", 10_000)]);
    assert_eq!(
        (prices.price(germany), prices.price(None)),
        (Some(Money::from_micros(10_000)), Some(Money::from_micros(10_000)))
    );
    assert_eq!(PriceTable::default().price(germany), None);
}

#[test]
fn prices_are_told_in_the_order_they_were_given() {
    let prices = table(&[("US", 6_000_000), ("default", 1_000_000), ("CA", 2_550_000)]);
    let told: Vec<String> = prices.iter().map(|(market, _)| market.as_str().to_owned()).collect();
    assert_eq!(told, ["US", "default", "CA"]);
    let text = serde_json::to_string(&prices).unwrap();
    assert_eq!(text, r#"[["US",6000000],["default",1000000],["CA",2550000]]"#);
    assert_eq!(serde_json::from_str::<PriceTable>(&text).unwrap(), prices);
}

#[test]
fn every_bad_price_is_named() {
    let prices = [("US", 9_999), ("US", 500_000_001), ("DE", 1_000_000), ("US", -1)];
    let prices: Vec<_> = prices.map(|(at, micros)| (at.parse().unwrap(), Money::from_micros(micros))).into();
    let mut named: Vec<String> =
        PriceTable::new(&prices).unwrap_err().into_iter().map(|one| one.field).collect();
    named.sort();
    assert_eq!(named, ["[0].price", "[1].country", "[1].price", "[3].country", "[3].price"]);
    let many = vec![(Market::Default, Money::from_micros(1_000_000)); 251];
    assert_eq!(PriceTable::new(&many).unwrap_err().len(), 1);
    for text in ["us", "USA", "Default", "XX", "", "ÜS"] {
        assert!(text.parse::<Market>().is_err(), "{text}");
    }
}

#[test]
fn every_country_and_the_default_fit_but_one() {
    let all: Vec<_> =
        Country::all().map(|country| (Market::Country(country), Money::from_micros(10_000))).collect();
    let prices = PriceTable::new(&all).unwrap();
    assert_eq!(prices.len(), 250);
    assert!(Country::all().all(|country| prices.price(Some(country)).is_some()));
}

proptest! {
    /// What the pattern of the schemas allows is taken.
    #[test]
    fn pattern_and_rule_agree(
        name in proptest::string::string_regex(AdLocationName::PATTERN.trim_matches(['^', '$'])).unwrap(),
    ) {
        prop_assert!(name.parse::<AdLocationName>().is_ok() || name.len() > AdLocationName::LENGTH);
    }

    /// The sorted table answers as a plain walk through the list would.
    #[test]
    fn look_ups_agree_with_the_list(
        prices in prop::collection::hash_map(0usize..251, 10_000i64..=500_000_000, 0..60),
        asked in 0usize..250,
    ) {
        let countries: Vec<Country> = Country::all().collect();
        let market = |at: &usize| countries.get(*at).map_or(Market::Default, |country| Market::Country(*country));
        let list: Vec<_> = prices.iter().map(|(at, micros)| (market(at), Money::from_micros(*micros))).collect();
        let table = PriceTable::new(&list).unwrap();
        let named = |wanted: Market| list.iter().find(|(market, _)| *market == wanted).map(|(_, money)| *money);
        let expected = named(Market::Country(countries[asked])).or(named(Market::Default));
        prop_assert_eq!(table.price(Some(countries[asked])), expected);
        prop_assert_eq!(table.iter().collect::<Vec<_>>(), list);
    }
}
