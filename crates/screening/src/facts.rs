//! Reading an event's columns as the facts that filters ask for.

use tollgate_domain::{BotClass, Event, EventKind, Number, ProxyKind, Text, Timestamp};

/// The time an event is counted at: its own, but never later than its arrival, so that a caller's clock cannot push a
/// window into the future.
pub(crate) fn window_time(event: &Event) -> Timestamp {
    event.at().min(arrival_time(event))
}

/// When the event arrived; its own time when that was not recorded.
pub(crate) fn arrival_time(event: &Event) -> Timestamp {
    event.time(Number::ArrivalTime).unwrap_or_else(|| event.at())
}

/// The text of a column unless it is absent or empty.
pub(crate) fn filled(event: &Event, column: Text) -> Option<&str> {
    event.text(column).filter(|text| !text.is_empty())
}

/// The country code in `column`: two upper-case letters.
pub(crate) fn country(event: &Event, column: Text) -> Option<&str> {
    let code = event.text(column)?;
    (code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase())).then_some(code)
}

/// What the address is known to be. `None` is an ordinary address, or none at all.
pub(crate) fn proxy_kind(event: &Event) -> Option<ProxyKind> {
    ProxyKind::from_code(event.text(Text::ProxyType)?)
}

/// Why the user agent is taken for an automaton.
pub(crate) fn bot_class(event: &Event) -> Option<BotClass> {
    BotClass::from_code(event.text(Text::BotClass)?)
}

/// When the user converted, in milliseconds: the event's time when the caller said nothing else.
pub(crate) fn conversion_millis(event: &Event) -> i64 {
    event.number(Number::ConversionTime).unwrap_or_else(|| event.at().millis())
}

/// Milliseconds from the click to the conversion, negative when the click is later; `None` without a click time.
pub(crate) fn click_to_conversion_millis(event: &Event) -> Option<i64> {
    let click = event.number(Number::ClickTime)?;
    Some(conversion_millis(event).saturating_sub(click))
}

/// Whether it is a conversion itself, not an event after one, which has an id or a name of its own: a user who does
/// thirty things more converted once.
pub fn is_base_conversion(event: &Event) -> bool {
    let has = |column| filled(event, column).is_some();
    event.kind == EventKind::Conversion && !has(Text::EventId) && !has(Text::EventName)
}

/// Whether a device id has the form 8-4-4-4-12 of hexadecimal digits.
pub(crate) fn is_device_id(text: &str) -> bool {
    // A fixed length lets the compiler look at all bytes at once.
    let Ok(bytes) = <&[u8; 36]>::try_from(text.as_bytes()) else { return false };
    let digit = |byte: u8| byte.wrapping_sub(b'0') < 10 || (byte | 32).wrapping_sub(b'a') < 6;
    let digits: u8 = bytes.iter().map(|byte| u8::from(digit(*byte))).sum();
    digits == 32 && [8, 13, 18, 23].iter().all(|dash| bytes[*dash] == b'-')
}

/// Whether a device id is the one of limited ad tracking: all zeros.
pub(crate) fn is_zero_device_id(text: &str) -> bool {
    text == "00000000-0000-0000-0000-000000000000"
}
