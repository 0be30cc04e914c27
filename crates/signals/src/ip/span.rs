//! Ranges of addresses, as files write them.

use ipnet::IpNet;
use std::net::IpAddr;

/// Inclusive range of one family's addresses as numbers, with what it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span<K> {
    pub(crate) first: K,
    pub(crate) last: K,
    /// Index into the table the spans were made for.
    pub(crate) value: u32,
    /// Among spans of equal size the smallest rank wins.
    pub(crate) rank: u8,
}

/// Ranges of both families.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Spans {
    pub(crate) v4: Vec<Span<u32>>,
    pub(crate) v6: Vec<Span<u128>>,
}

/// 96 zero bits, then an IPv4 address (`::ffff:0:0/96`): such addresses are IPv4 ones in disguise.
const MAPPED: u128 = 0xffff_0000_0000;

impl Spans {
    pub(crate) fn len(&self) -> usize {
        self.v4.len() + self.v6.len()
    }

    /// Adds the range from `first` to `last`; `None` when they are of different families or in the wrong order.
    pub(crate) fn push(&mut self, first: IpAddr, last: IpAddr, value: u32) -> Option<()> {
        match (first, last) {
            (IpAddr::V4(first), IpAddr::V4(last)) => self.push_v4(first.to_bits(), last.to_bits(), value),
            (IpAddr::V6(first), IpAddr::V6(last)) => {
                let (first, last) = (first.to_bits(), last.to_bits());
                if first >> 32 == MAPPED >> 32 && last >> 32 == MAPPED >> 32 {
                    return self.push_v4(first as u32, last as u32, value);
                }
                let span = (first <= last).then_some(Span { first, last, value, rank: 0 })?;
                self.v6.push(span);
                Some(())
            }
            _ => None,
        }
    }

    fn push_v4(&mut self, first: u32, last: u32, value: u32) -> Option<()> {
        let span = (first <= last).then_some(Span { first, last, value, rank: 0 })?;
        self.v4.push(span);
        Some(())
    }

    /// Adds what `text` says: an address, a CIDR (host bits are ignored) or `first-last`.
    pub(crate) fn push_text(&mut self, text: &str, value: u32) -> Option<()> {
        let (first, last) = parse_range(text)?;
        self.push(first, last, value)
    }

    /// Appends all of `other` under another value and rank.
    pub(crate) fn extend_as(&mut self, other: &Self, value: u32, rank: u8) {
        self.v4.extend(other.v4.iter().map(|span| Span { value, rank, ..*span }));
        self.v6.extend(other.v6.iter().map(|span| Span { value, rank, ..*span }));
    }
}

fn parse_range(text: &str) -> Option<(IpAddr, IpAddr)> {
    if text.contains('/') {
        let net: IpNet = text.parse().ok()?;
        return Some((net.network(), net.broadcast()));
    }
    if let Some((first, last)) = text.split_once('-') {
        return Some((first.trim().parse().ok()?, last.trim().parse().ok()?));
    }
    let address = text.parse().ok()?;
    Some((address, address))
}
