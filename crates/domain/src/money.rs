//! Money as whole micro-dollars. Floats appear only where the vendors' JSON prescribes them.

use crate::Invalid;
use crate::decimal::write_magnitude;
use serde::{Deserialize, Serialize};
use std::fmt;

/// An amount in micro-dollars (1 USD = 1,000,000), from about -9.2 to 9.2 trillion dollars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Money(i64);

const MICROS: i64 = 1_000_000;

impl Money {
    /// From micro-dollars.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// In micro-dollars.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Parses a decimal amount in dollars such as `12`, `-0.5` or `3.141592`. At most six decimals count; further
    /// ones must be zero, so that nothing is rounded silently. The magnitude is at most one billion dollars.
    pub fn parse(field: &str, text: &str) -> Result<Self, Invalid> {
        let refuse = || {
            Invalid::new(
                field,
                "must be a decimal amount in USD with at most 6 decimals, between -1e9 and 1e9",
            )
        };
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if (whole.is_empty() && fraction.is_empty()) || !all_digits(whole) || !all_digits(fraction) {
            return Err(refuse());
        }
        let (kept, beyond) = fraction.split_at(fraction.len().min(6));
        if whole.len() > 10 || fraction.len() > 18 || beyond.bytes().any(|b| b != b'0') {
            return Err(refuse());
        }
        let number = |part: &str| part.bytes().fold(0i64, |sum, b| sum * 10 + i64::from(b - b'0'));
        let micros = number(whole) * MICROS + number(kept) * 10i64.pow(6 - kept.len() as u32);
        if micros > 1_000_000_000 * MICROS {
            return Err(refuse());
        }
        Ok(Self(if negative { -micros } else { micros }))
    }

    /// From the JSON number that the vendors' dialects prescribe, in dollars, to the nearest micro-dollar, half away from
    /// zero. `None` beyond one billion dollars, up to which a float is finer than that.
    pub fn from_f64(dollars: f64) -> Option<Self> {
        let micros = (dollars * MICROS as f64).round();
        (dollars.abs() <= 1e9).then_some(Self(micros as i64))
    }

    /// Appends it in dollars with the decimals that are needed: `12`, `-0.5`, `3.141592`.
    pub fn write(self, out: &mut Vec<u8>) {
        if self.0 < 0 {
            out.push(b'-');
        }
        let magnitude = self.0.unsigned_abs();
        write_magnitude(magnitude / MICROS as u64, out);
        let mut fraction = magnitude % MICROS as u64;
        let mut unit = MICROS as u64 / 10;
        if fraction > 0 {
            out.push(b'.');
        }
        while fraction > 0 {
            out.push(b'0' + (fraction / unit) as u8);
            (fraction, unit) = (fraction % unit, unit / 10);
        }
    }

    /// As the JSON number that the vendors' dialects prescribe, in dollars.
    pub fn to_f64(self) -> f64 {
        self.0 as f64 / MICROS as f64
    }
}

impl fmt::Display for Money {
    /// See [`Money::write`].
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = Vec::with_capacity(24);
        self.write(&mut out);
        f.write_str(std::str::from_utf8(&out).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_and_prints() {
        for (text, micros) in [
            ("12", 12_000_000),
            ("-0.5", -500_000),
            ("3.141592", 3_141_592),
            (".25", 250_000),
            ("7.", 7_000_000),
        ] {
            assert_eq!(Money::parse("revenue", text).unwrap().micros(), micros);
        }
        assert_eq!(Money::from_micros(-500_000).to_string(), "-0.5");
        assert_eq!(Money::from_micros(12_000_000).to_string(), "12");
    }

    #[test]
    fn floats_are_kept_to_the_micro_dollar() {
        for micros in [0, 1, -1, 10_000, 1_234_567, 999_999_999_999_999, -1_000_000_000_000_000] {
            let money = Money::from_micros(micros);
            assert_eq!(Money::from_f64(money.to_f64()), Some(money));
        }
        for dollars in [f64::NAN, f64::INFINITY, 1e9 + 1.0, -1e300] {
            assert_eq!(Money::from_f64(dollars), None);
        }
    }

    #[test]
    fn refuses_what_is_not_an_amount() {
        for text in ["", "-", ".", "1e3", "1,5", " 1", "0.0000001", "1000000001", "99999999999", "NaN", "--1"]
        {
            assert!(Money::parse("payout", text).is_err(), "{text}");
        }
    }
}
