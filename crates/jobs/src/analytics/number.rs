//! Amounts, shares and rates in whole millionths. No float has a part in them.

use std::fmt;

const MILLION: i128 = 1_000_000;

/// A number in millionths: an amount in micro-dollars, or a share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Millionths(pub i128);

impl Millionths {
    /// An amount that was added up in thousandths of micro-dollars, half to even.
    pub fn of_thousandths(thousandths: i128) -> Self {
        Self(divided(thousandths, 1000))
    }

    /// So many millionths by `whole`, half to even; 0 where there is no whole.
    pub fn quotient(millionths: i128, whole: i128) -> Self {
        if whole <= 0 { Self(0) } else { Self(divided(millionths, whole)) }
    }

    /// `part / whole`, half to even; 0 where there is no whole.
    pub fn share(part: i64, whole: i64) -> Self {
        Self::quotient(i128::from(part) * MILLION, whole.into())
    }
}

/// `number / by`, to the nearest whole number, half to even; `by` is above zero.
fn divided(number: i128, by: i128) -> i128 {
    let (floor, rest) = (number.div_euclid(by), number.rem_euclid(by));
    let is_up = rest * 2 > by || (rest * 2 == by && floor.rem_euclid(2) == 1);
    floor + i128::from(is_up)
}

impl fmt::Display for Millionths {
    /// With the decimals that are needed: `12`, `-0.5`, `3.141592`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, magnitude) = (if self.0 < 0 { "-" } else { "" }, self.0.unsigned_abs());
        let (whole, fraction) = (magnitude / MILLION as u128, magnitude % MILLION as u128);
        if fraction == 0 {
            return write!(f, "{sign}{whole}");
        }
        let (mut decimals, mut places) = (fraction as u32, 6);
        while decimals % 10 == 0 {
            (decimals, places) = (decimals / 10, places - 1);
        }
        write!(f, "{sign}{whole}.{decimals:0places$}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_go_to_the_even_neighbour_on_either_side_of_zero() {
        for (thousandths, expected) in [
            (499, 0),
            (500, 0),
            (501, 1),
            (1500, 2),
            (2500, 2),
            (-500, 0),
            (-501, -1),
            (-1500, -2),
            (-2500, -2),
        ] {
            assert_eq!(Millionths::of_thousandths(thousandths).0, expected, "{thousandths}");
        }
        assert_eq!(Millionths::share(1, 3).to_string(), "0.333333");
        assert_eq!(Millionths::share(2, 1).to_string(), "2");
        assert_eq!(Millionths::share(1, 0), Millionths::default());
        assert_eq!(Millionths::quotient(5, 2).0, 2);
        assert_eq!(Millionths(-1_500_000).to_string(), "-1.5");
        assert_eq!(Millionths(1_000_001).to_string(), "1.000001");
        assert_eq!(Millionths(50_000).to_string(), "0.05");
    }
}
