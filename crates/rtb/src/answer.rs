//! The bid response: which bid wins, where it wants the user, and whom to tell.

use crate::request::{CURRENCY, IMP};
use percent_encoding::utf8_percent_encode;
use serde::Deserialize;
use serde_json::value::RawValue;
use tollgate_domain::{AuctionOutcome, Money, UNRESERVED, web_address};

/// Longest address that a bid may lead to or be told at, in bytes.
const MAX_URL: usize = 8 << 10;

/// Seats and bids are read one by one: a bidder that answers for many should not lose all for one that is ill-formed.
#[derive(Deserialize)]
struct Response<'a> {
    id: String,
    #[serde(default)]
    cur: Option<String>,
    #[serde(default, borrow)]
    seatbid: Option<Vec<&'a RawValue>>,
}

#[derive(Deserialize)]
struct SeatBid<'a> {
    #[serde(default, borrow)]
    bid: Option<Vec<&'a RawValue>>,
    #[serde(default)]
    seat: Option<String>,
}

#[derive(Deserialize)]
struct Bid {
    id: String,
    impid: String,
    price: f64,
    #[serde(default)]
    adm: Option<String>,
    #[serde(default)]
    adid: Option<String>,
    #[serde(default)]
    nurl: Option<String>,
    #[serde(default)]
    burl: Option<String>,
}

/// The bid that won.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Winner {
    /// What it pays, per thousand.
    pub(crate) price: Money,
    /// Where it wants the user.
    pub(crate) location: String,
    /// Addresses to be asked for once the user is on his way: won, and billed.
    pub(crate) notices: Vec<String>,
}

/// The highest bid of all seats that leads somewhere, or why there is none.
pub(crate) fn winner(request: &str, body: &[u8]) -> Result<Winner, AuctionOutcome> {
    let response: Response<'_> = serde_json::from_slice(body).map_err(|_| AuctionOutcome::Malformed)?;
    if response.id != request || response.cur.as_deref().is_some_and(|currency| currency != CURRENCY) {
        return Err(AuctionOutcome::Malformed);
    }
    let seats = response.seatbid.unwrap_or_default();
    let read: Vec<SeatBid<'_>> =
        seats.iter().filter_map(|seat| serde_json::from_str(seat.get()).ok()).collect();
    let raw = read.iter().flat_map(|seat| seat.bid.iter().flatten().map(move |bid| (seat, bid)));
    let raw: Vec<_> = raw.collect();
    if raw.is_empty() && read.len() == seats.len() {
        return Err(AuctionOutcome::NoBid);
    }
    let parsed =
        raw.into_iter().filter_map(|(seat, bid)| Some((seat, serde_json::from_str(bid.get()).ok()?)));
    let mut bids: Vec<(&SeatBid<'_>, Bid)> = parsed.collect();
    bids.sort_by(|(_, a), (_, b)| b.price.total_cmp(&a.price));
    let legal = |(seat, bid): &(&SeatBid<'_>, Bid)| won(request, seat.seat.as_deref(), bid);
    bids.iter().find_map(legal).ok_or(AuctionOutcome::Malformed)
}

/// What a bid means when it wins; nothing when it is not one to what was asked, or leads nowhere.
fn won(request: &str, seat: Option<&str>, bid: &Bid) -> Option<Winner> {
    let price = Money::from_f64(bid.price).filter(|price| price.micros() > 0 && bid.impid == IMP)?;
    let filled = |text: &str| fill(text, request, seat, bid, price);
    let location = filled(&address_in(bid.adm.as_deref()?)?).filter(|url| is_address(url))?;
    let notices = [&bid.nurl, &bid.burl].into_iter().flatten();
    let notices = notices.filter_map(|url| filled(url)).filter(|url| is_address(url)).collect();
    Some(Winner { price, location, notices })
}

/// The address that an advert's markup is or holds: the first one that begins with its scheme and ends where markup goes on.
fn address_in(markup: &str) -> Option<String> {
    let markup = markup.trim();
    let start = ["https://", "http://"].iter().filter_map(|scheme| markup.find(scheme)).min()?;
    let rest = &markup[start..];
    let end = rest.find(|c: char| c.is_whitespace() || "\"'<>\\`]".contains(c)).unwrap_or(rest.len());
    // What stands inside markup is written as markup has it.
    let address = &rest[..end];
    Some(if start == 0 { address.to_owned() } else { address.replace("&amp;", "&") })
}

fn is_address(text: &str) -> bool {
    text.len() <= MAX_URL && text.is_ascii() && web_address::parse(text).is_ok()
}

/// Fills in OpenRTB's macros, `${AUCTION_PRICE}` and its like, percent-encoded; those of other auctions become empty. `None`
/// when that becomes too long.
fn fill(text: &str, request: &str, seat: Option<&str>, bid: &Bid, price: Money) -> Option<String> {
    const OPEN: &str = "${AUCTION_";
    let (mut filled, mut rest) = (String::new(), text);
    while let Some(at) = rest.find(OPEN) {
        let Some(length) = rest[at..].find('}') else { break };
        let value = match &rest[at + OPEN.len()..at + length] {
            "ID" => request.to_owned(),
            "BID_ID" => bid.id.clone(),
            "IMP_ID" => IMP.to_owned(),
            "SEAT_ID" => seat.unwrap_or_default().to_owned(),
            "AD_ID" => bid.adid.clone().unwrap_or_default(),
            "PRICE" => price.to_string(),
            "CURRENCY" => CURRENCY.to_owned(),
            _ => String::new(),
        };
        filled.push_str(&rest[..at]);
        filled.extend(utf8_percent_encode(&value, UNRESERVED));
        rest = &rest[at + length + 1..];
        if filled.len() > MAX_URL {
            return None;
        }
    }
    filled.push_str(rest);
    Some(filled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn bid(price: f64, adm: &str) -> Value {
        json!({"id": "b/1", "impid": "1", "price": price, "adm": adm})
    }

    fn answered(seats: &Value) -> Result<Winner, AuctionOutcome> {
        winner("r1", json!({"id": "r1", "cur": "USD", "seatbid": seats}).to_string().as_bytes())
    }

    fn location(adm: &str) -> Option<String> {
        answered(&json!([{"bid": [bid(1.0, adm)]}])).ok().map(|winner| winner.location)
    }

    #[test]
    fn the_highest_bid_that_leads_somewhere_wins() {
        let won = answered(&json!([
            {"seat": "s 1", "bid": [bid(1.5, "https://a.example/?p=${AUCTION_PRICE}")]},
            {"bid": [bid(9.0, "no address"), bid(2.25, "https://b.example/?p=${AUCTION_PRICE}&i=${AUCTION_ID}&b=${AUCTION_BID_ID}&x=${AUCTION_LOSS}&c=${AUCTION_CURRENCY}")]},
            {"bid": [{"id": "o", "impid": "2", "price": 8, "adm": "https://other.example/"}, bid(0.0, "https://free.example/")]},
        ]));
        let won = won.unwrap();
        assert_eq!(won.price, Money::from_micros(2_250_000));
        assert_eq!(won.location, "https://b.example/?p=2.25&i=r1&b=b%2F1&x=&c=USD");
        let mut noticed = bid(1.0, "https://a.example/");
        noticed["nurl"] = json!("https://a.example/won?${AUCTION_SEAT_ID}&${AUCTION_AD_ID}");
        noticed["burl"] = json!("https://a.example/bill?${AUCTION_PRICE}");
        let won = answered(&json!([{"seat": "s 1", "bid": [noticed]}])).unwrap();
        assert_eq!(won.notices, ["https://a.example/won?s%201&", "https://a.example/bill?1"]);
    }

    #[test]
    fn an_address_is_the_markup_or_stands_in_it() {
        for (markup, address) in [
            (" https://a.example/x?a=1&amp;b ", Some("https://a.example/x?a=1&amp;b")),
            ("<a href=\"https://a.example/?a=1&amp;b=2\">x</a>", Some("https://a.example/?a=1&b=2")),
            ("<url><![CDATA[http://a.example/y]]></url>", Some("http://a.example/y")),
            ("<script>location='https://a.example/z'</script>", Some("https://a.example/z")),
            ("https://${AUCTION_ID}.a.example/", Some("https://r1.a.example/")),
            ("javascript:alert(1)", None),
            ("https://user@a.example/", None),
            ("https://a.example/é", None),
            ("https://", None),
            ("", None),
        ] {
            assert_eq!(location(markup).as_deref(), address, "{markup}");
        }
        assert_eq!(location(&format!("https://a.example/{}", "x".repeat(MAX_URL))), None);
    }

    #[test]
    fn one_bid_that_cannot_be_read_does_not_spoil_the_others() {
        let fine = bid(1.0, "https://a.example/");
        let priced_as_text = json!({"id": "b", "impid": "1", "price": "9.5", "adm": "https://b.example/"});
        for other in [json!(null), json!("x"), json!({"id": 7}), priced_as_text] {
            let won = answered(&json!([{"bid": [other]}, {"bid": [fine]}])).unwrap();
            assert_eq!(won.location, "https://a.example/", "{other}");
            assert_eq!(answered(&json!([{"bid": [other]}])), Err(AuctionOutcome::Malformed), "{other}");
        }
        assert_eq!(answered(&json!([{"bid": null}, {"bid": [fine]}, 5])).unwrap().price.micros(), 1_000_000);
        assert_eq!(answered(&json!([5])), Err(AuctionOutcome::Malformed));
    }

    #[test]
    fn what_answers_something_else_is_malformed_and_an_empty_answer_no_bid() {
        for seats in [json!(null), json!([]), json!([{"bid": []}]), json!([{"bid": null}])] {
            assert_eq!(answered(&seats), Err(AuctionOutcome::NoBid), "{seats}");
        }
        assert_eq!(winner("r1", br#"{"id":"r1"}"#), Err(AuctionOutcome::NoBid));
        for body in [
            "",
            "[]",
            "{",
            r#"{"id":"r2"}"#,
            r#"{"id":1}"#,
            r#"{"id":"r1","cur":"EUR"}"#,
            r#"{"seatbid":[]}"#,
        ] {
            assert_eq!(winner("r1", body.as_bytes()), Err(AuctionOutcome::Malformed), "{body}");
        }
        for wrong in [bid(-1.0, "https://a.example/"), bid(1e12, "https://a.example/"), bid(1.0, "x")] {
            assert_eq!(answered(&json!([{ "bid": [wrong] }])), Err(AuctionOutcome::Malformed));
        }
    }
}
