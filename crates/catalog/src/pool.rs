//! Parts of documents that many objects have alike are kept once: thousands of ad locations have a handful of price
//! tables between them. Objects give their parts up for the pool's copies when they are folded.

use imbl::HashMap;
use tollgate_domain::PriceTable;

/// The pool is swept when it has doubled since the last time, but never below this size.
const SMALL: usize = 256;

/// The shared parts of an organization's objects. Cloning shares everything.
#[derive(Debug, Clone, Default)]
pub struct Pool {
    prices: HashMap<PriceTable, ()>,
    /// Tables that were left after the last sweep.
    swept: usize,
}

impl Pool {
    /// Replaces `prices` by the copy that others have; the first of its kind becomes that copy.
    pub fn share(&mut self, prices: &mut PriceTable) {
        if let Some((known, ())) = self.prices.get_key_value(prices) {
            *prices = known.clone();
            return;
        }
        if self.prices.len() >= SMALL.max(2 * self.swept) {
            self.sweep();
        }
        self.prices.insert(prices.clone(), ());
    }

    /// Forgets tables that nobody else has any more.
    fn sweep(&mut self) {
        self.prices = self
            .prices
            .iter()
            .filter(|(prices, ())| prices.sharers() > 1)
            .map(|(prices, ())| (prices.clone(), ()))
            .collect();
        self.swept = self.prices.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tollgate_domain::{Market, Money};

    fn table(micros: i64) -> PriceTable {
        PriceTable::new(&[(Market::Default, Money::from_micros(micros))]).unwrap()
    }

    #[test]
    fn equal_tables_become_one() {
        let mut pool = Pool::default();
        let (mut first, mut second, mut third) = (table(10_000), table(10_000), table(10_001));
        pool.share(&mut first);
        pool.share(&mut second);
        pool.share(&mut third);
        assert!(first.is_shared_with(&second) && !first.is_shared_with(&third));
    }

    #[test]
    fn tables_that_are_gone_do_not_stay_for_ever() {
        let mut pool = Pool::default();
        let mut kept = table(10_000);
        pool.share(&mut kept);
        for micros in 20_000..30_000 {
            pool.share(&mut table(micros));
        }
        assert!(pool.prices.len() <= SMALL, "{}", pool.prices.len());
        let mut again = table(10_000);
        pool.share(&mut again);
        assert!(kept.is_shared_with(&again));
    }
}
