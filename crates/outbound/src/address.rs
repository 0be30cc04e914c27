//! Which addresses may be connected to. What an outsider names must not lead into the operator's own networks, nor to
//! the services that clouds answer on private addresses.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const fn v4(a: u8, b: u8, c: u8, d: u8, bits: u8) -> IpNet {
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), bits))
}

const fn v6(first: u16, second: u16, third: u16, bits: u8) -> IpNet {
    IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::new(first, second, third, 0, 0, 0, 0, 0), bits))
}

/// Networks that are not the public internet, after the registries of special-purpose addresses, and what they are.
const SPECIAL: &[(IpNet, &str)] = &[
    (v4(0, 0, 0, 0, 8), "unspecified"),
    (v4(10, 0, 0, 0, 8), "private"),
    (v4(100, 64, 0, 0, 10), "carrier-grade NAT"),
    (v4(127, 0, 0, 0, 8), "loopback"),
    (v4(169, 254, 0, 0, 16), "link-local or cloud metadata"),
    (v4(168, 63, 129, 16, 32), "cloud metadata"),
    (v4(172, 16, 0, 0, 12), "private"),
    (v4(192, 0, 0, 0, 24), "protocol assignment"),
    (v4(192, 0, 2, 0, 24), "documentation"),
    (v4(192, 88, 99, 0, 24), "6to4 relay"),
    (v4(192, 168, 0, 0, 16), "private"),
    (v4(198, 18, 0, 0, 15), "benchmarking"),
    (v4(198, 51, 100, 0, 24), "documentation"),
    (v4(203, 0, 113, 0, 24), "documentation"),
    (v4(224, 0, 0, 0, 4), "multicast"),
    (v4(240, 0, 0, 0, 4), "reserved"),
    (v6(0x2001, 0, 0, 23), "protocol assignment"),
    (v6(0x2001, 0xdb8, 0, 32), "documentation"),
    (v6(0x2002, 0, 0, 16), "6to4"),
    (v6(0x3fff, 0, 0, 20), "documentation"),
    (v6(0xfc00, 0, 0, 7), "private"),
    (v6(0xfe80, 0, 0, 10), "link-local"),
    (v6(0xff00, 0, 0, 8), "multicast"),
    (v6(0x64, 0xff9b, 0, 96), "translated IPv4"),
    (v6(0x64, 0xff9b, 1, 48), "translated IPv4"),
];

/// The only part of IPv6 that is assigned to the public internet.
const GLOBAL_V6: IpNet = v6(0x2000, 0, 0, 3);

/// The rules, with what the operator allows besides.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    allowed: Vec<IpNet>,
}

impl Rules {
    /// The public internet, and `allowed` networks.
    pub fn new(allowed: Vec<IpNet>) -> Self {
        Self { allowed }
    }

    /// Why `address` must not be connected to, if it must not: what it is, as in `loopback`.
    pub fn refusal(&self, address: IpAddr) -> Option<&'static str> {
        let special = special(address)?;
        if !self.allowed.iter().any(|network| network.contains(&address)) {
            return Some(special);
        }
        // Who allows a network of translated addresses does not thereby allow all that can be written in it.
        match address {
            IpAddr::V6(address) => self.refusal(IpAddr::V4(inner(address)?)),
            IpAddr::V4(_) => None,
        }
    }
}

fn special(address: IpAddr) -> Option<&'static str> {
    if let Some((_, name)) = SPECIAL.iter().find(|(network, _)| network.contains(&address)) {
        return Some(name);
    }
    match address {
        IpAddr::V6(v6) if v6.is_loopback() => Some("loopback"),
        IpAddr::V6(v6) if v6.is_unspecified() => Some("unspecified"),
        IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some() => Some("mapped IPv4"),
        IpAddr::V6(_) if !GLOBAL_V6.contains(&address) => Some("not of the public internet"),
        _ => None,
    }
}

/// The IPv4 address that a mapped, translated or 6to4 address leads to.
fn inner(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let of = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(of(high, low)),
        [0x2002, high, low, ..] => Some(of(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The same rules, written down a second time in the plainest way.
    fn is_public(address: IpAddr) -> bool {
        match address {
            IpAddr::V4(address) => !matches!(
                address.octets(),
                [0 | 10 | 127, ..]
                    | [100, 64..=127, ..]
                    | [169, 254, ..]
                    | [168, 63, 129, 16]
                    | [172, 16..=31, ..]
                    | [192, 168, ..]
                    | [192, 0, 0 | 2, _]
                    | [192, 88, 99, _]
                    | [198, 18 | 19, ..]
                    | [198, 51, 100, _]
                    | [203, 0, 113, _]
                    | [224..=255, ..]
            ),
            IpAddr::V6(address) => match address.segments() {
                [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x2002, ..] | [0x3fff, 0..=0xfff, ..] => false,
                [first, ..] => (0x2000..=0x3fff).contains(&first),
            },
        }
    }

    #[test]
    fn what_has_a_name_is_refused_by_it() {
        let rules = Rules::default();
        for (address, name) in [
            ("127.0.0.1", "loopback"),
            ("127.255.255.254", "loopback"),
            ("10.1.2.3", "private"),
            ("172.31.255.255", "private"),
            ("192.168.0.1", "private"),
            ("100.64.0.1", "carrier-grade NAT"),
            ("100.100.100.200", "carrier-grade NAT"),
            ("169.254.169.254", "link-local or cloud metadata"),
            ("168.63.129.16", "cloud metadata"),
            ("0.0.0.0", "unspecified"),
            ("224.0.0.1", "multicast"),
            ("255.255.255.255", "reserved"),
            ("::", "unspecified"),
            ("::1", "loopback"),
            ("::ffff:8.8.8.8", "mapped IPv4"),
            ("::ffff:127.0.0.1", "mapped IPv4"),
            ("::127.0.0.1", "not of the public internet"),
            ("64:ff9b::808:808", "translated IPv4"),
            ("64:ff9b:1::1", "translated IPv4"),
            ("2002:7f00:1::", "6to4"),
            ("2001::1", "protocol assignment"),
            ("fd00:ec2::254", "private"),
            ("fe80::1", "link-local"),
            ("fec0::1", "not of the public internet"),
            ("ff02::1", "multicast"),
            ("100::1", "not of the public internet"),
            ("4000::1", "not of the public internet"),
        ] {
            assert_eq!(rules.refusal(address.parse().unwrap()), Some(name), "{address}");
        }
        for address in
            ["1.1.1.1", "172.32.0.1", "100.128.0.1", "168.63.129.17", "2606:4700::1111", "2001:200::1"]
        {
            assert_eq!(rules.refusal(address.parse().unwrap()), None, "{address}");
        }
    }

    #[test]
    fn the_operator_allows_networks_and_nothing_that_hides_in_them() {
        let rules =
            |text: &str| Rules::new(text.split(' ').map(|network| network.parse().unwrap()).collect());
        let refused = |rules: &Rules, address: &str| rules.refusal(address.parse().unwrap()).is_some();
        let loopback = rules("127.0.0.0/8");
        assert!(!refused(&loopback, "127.0.0.1") && refused(&loopback, "10.0.0.1"));
        assert!(refused(&loopback, "::ffff:127.0.0.1") && refused(&loopback, "::1"));
        let translated = rules("64:ff9b::/96");
        assert!(!refused(&translated, "64:ff9b::808:808") && refused(&translated, "64:ff9b::7f00:1"));
        let everything = rules("::/0");
        assert!(!refused(&everything, "::1") && !refused(&everything, "fd00::1"));
        assert!(refused(&everything, "::ffff:10.0.0.1") && refused(&everything, "2002:0a00:1::"));
        assert!(!refused(&rules("::/0 10.0.0.0/8"), "::ffff:10.0.0.1"));
    }

    /// Addresses close to where networks begin and end, and any others.
    fn addresses() -> impl Strategy<Value = IpAddr> {
        let network = (0..SPECIAL.len(), -3_i32..3, any::<bool>()).prop_map(|(index, step, end)| {
            let step = i128::from(step);
            match SPECIAL[index].0 {
                IpNet::V4(network) => {
                    let edge = u32::from(if end { network.broadcast() } else { network.network() });
                    IpAddr::V4(Ipv4Addr::from((i128::from(edge) + step) as u32))
                }
                IpNet::V6(network) => {
                    let edge = u128::from(if end { network.broadcast() } else { network.network() });
                    IpAddr::V6(Ipv6Addr::from(edge.wrapping_add_signed(step)))
                }
            }
        });
        let any_v4 = any::<u32>().prop_map(|bits| IpAddr::V4(Ipv4Addr::from(bits)));
        let any_v6 = any::<u128>().prop_map(|bits| IpAddr::V6(Ipv6Addr::from(bits)));
        prop_oneof![4 => network, 2 => any_v4, 2 => any_v6]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]
        #[test]
        fn the_table_says_what_the_plain_rules_say(address in addresses()) {
            prop_assert_eq!(Rules::default().refusal(address).is_none(), is_public(address), "{}", address);
        }
    }
}
