//! Which addresses may be reached: public ones, and those a channel allows by name. A partner's URL must not become a
//! way into our own network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A network such as `10.0.0.0/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u32,
}

impl std::str::FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("expected a network such as 10.0.0.0/8, found {text}");
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), |bits| bits.parse().map_err(|_| wrong()))?;
        if bits > most { Err(wrong()) } else { Ok(Network { address, bits }) }
    }
}

impl Network {
    /// Whether an address is in it.
    #[must_use]
    pub fn has(&self, address: IpAddr) -> bool {
        let wide = |address: IpAddr| match address {
            IpAddr::V4(four) => (u128::from(u32::from(four)) << 96, true),
            IpAddr::V6(six) => (u128::from(six), false),
        };
        let ((own, own_four), (other, other_four)) = (wide(self.address), wide(address));
        let shift = 128 - self.bits;
        own_four == other_four && (self.bits == 0 || own >> shift == other >> shift)
    }
}

/// Whether a connection to the address may be made.
#[must_use]
pub fn may_reach(address: IpAddr, allowed: &[Network]) -> bool {
    let address = match address {
        // ::ffff:10.0.0.1 is 10.0.0.1.
        IpAddr::V6(six) => six.to_ipv4_mapped().map_or(address, IpAddr::V4),
        four => four,
    };
    allowed.iter().any(|network| network.has(address)) || is_public(address)
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(four) => is_public_four(four),
        IpAddr::V6(six) => is_public_six(six),
    }
}

/// What is not one of these is public: the IANA registry of IPv4 special-purpose addresses (RFC 6890) without those that are globally
/// reachable, and all that is no address of one host. Its blocks for protocols (192.0.0.0/24) are refused whole.
const NOT_PUBLIC_FOUR: [(Ipv4Addr, u32); 16] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),       // this network
    (Ipv4Addr::new(10, 0, 0, 0), 8),      // private use
    (Ipv4Addr::new(100, 64, 0, 0), 10),   // shared by customers of a provider
    (Ipv4Addr::new(127, 0, 0, 0), 8),     // loopback
    (Ipv4Addr::new(169, 254, 0, 0), 16),  // link-local
    (Ipv4Addr::new(172, 16, 0, 0), 12),   // private use
    (Ipv4Addr::new(192, 0, 0, 0), 24),    // protocols of the IETF
    (Ipv4Addr::new(192, 0, 2, 0), 24),    // documentation
    (Ipv4Addr::new(192, 88, 99, 0), 24),  // relays of 6to4 and 6a44, given up
    (Ipv4Addr::new(192, 168, 0, 0), 16),  // private use
    (Ipv4Addr::new(198, 18, 0, 0), 15),   // benchmarks
    (Ipv4Addr::new(198, 51, 100, 0), 24), // documentation
    (Ipv4Addr::new(203, 0, 113, 0), 24),  // documentation
    (Ipv4Addr::new(224, 0, 0, 0), 4),     // multicast
    (Ipv4Addr::new(240, 0, 0, 0), 4),     // reserved
    (Ipv4Addr::BROADCAST, 32),
];

/// Of IPv6 only this is given to hosts of the world (RFC 4291, 2.4). Outside of it lie loopback, addresses that carry one of IPv4
/// (`::/96`, `::ffff:0:0:0/96`), those of NAT64 (`64:ff9b::/96`, `64:ff9b:1::/48`), local ones (`fc00::/7`, `fe80::/10`, `fec0::/10`),
/// those of segments (`5f00::/16`), multicast, and what is reserved.
const GLOBAL_SIX: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// And of that not these: the IANA registry of IPv6 special-purpose addresses.
const NOT_PUBLIC_SIX: [(Ipv6Addr, u32); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23), // protocols of the IETF: Teredo, benchmarks, ORCHID
    (Ipv6Addr::new(0x2001, 0x0DB8, 0, 0, 0, 0, 0, 0), 32), // documentation
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16), // 6to4, which carries an address of IPv4
    (Ipv6Addr::new(0x3FFF, 0, 0, 0, 0, 0, 0, 0), 20), // documentation
];

fn is_public_four(address: Ipv4Addr) -> bool {
    let is_in = |(own, bits): &(Ipv4Addr, u32)| Network { address: IpAddr::V4(*own), bits: *bits }.has(address.into());
    !NOT_PUBLIC_FOUR.iter().any(is_in)
}

fn is_public_six(address: Ipv6Addr) -> bool {
    let is_in = |(own, bits): &(Ipv6Addr, u32)| Network { address: IpAddr::V6(*own), bits: *bits }.has(address.into());
    is_in(&GLOBAL_SIX) && !NOT_PUBLIC_SIX.iter().any(is_in)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_need_a_word() {
        for (text, what) in [
            ("0.0.0.0", "this network"),
            ("0.255.255.255", "this network"),
            ("10.1.2.3", "private use"),
            ("100.64.0.1", "shared"),
            ("100.127.255.255", "shared"),
            ("127.0.0.1", "loopback"),
            ("169.254.169.254", "link-local, where clouds keep their secrets"),
            ("172.16.0.1", "private use"),
            ("172.31.255.255", "private use"),
            ("192.0.0.1", "protocols"),
            ("192.0.0.170", "DNS64"),
            ("192.0.2.1", "documentation"),
            ("192.88.99.1", "6to4 relay"),
            ("192.88.99.2", "6a44 relay"),
            ("192.168.0.1", "private use"),
            ("198.18.0.1", "benchmarks"),
            ("198.19.255.255", "benchmarks"),
            ("198.51.100.1", "documentation"),
            ("203.0.113.1", "documentation"),
            ("224.0.0.1", "multicast"),
            ("239.255.255.255", "multicast"),
            ("240.0.0.1", "reserved"),
            ("255.255.255.255", "broadcast"),
            ("::", "unspecified"),
            ("::1", "loopback"),
            ("::127.0.0.1", "IPv4-compatible"),
            ("::8.8.8.8", "IPv4-compatible"),
            ("::ffff:127.0.0.1", "IPv4-mapped"),
            ("::ffff:192.88.99.1", "IPv4-mapped"),
            ("::ffff:0:127.0.0.1", "IPv4-translated"),
            ("64:ff9b::7f00:1", "NAT64"),
            ("64:ff9b::8.8.8.8", "NAT64"),
            ("64:ff9b:1::a00:1", "NAT64 of one's own"),
            ("100::1", "discard"),
            ("100:0:0:1::1", "dummy"),
            ("2001::1", "Teredo"),
            ("2001:0:4136:e378:8000:63bf:3fff:fdd2", "Teredo"),
            ("2001:2::1", "benchmarks"),
            ("2001:10::1", "ORCHID"),
            ("2001:20::1", "ORCHIDv2"),
            ("2001:30::1", "drones"),
            ("2001:1ff:ffff::1", "protocols"),
            ("2001:db8::1", "documentation"),
            ("2002:7f00:1::", "6to4 of loopback"),
            ("2002:a00:1::1", "6to4 of private use"),
            ("2002:808:808::1", "6to4"),
            ("3fff::1", "documentation"),
            ("3fff:fff::1", "documentation"),
            ("4000::1", "reserved"),
            ("5f00::1", "segments"),
            ("fc00::1", "unique local"),
            ("fd00::1", "unique local"),
            ("fe80::1", "link-local"),
            ("fec0::1", "site-local"),
            ("feff::1", "site-local"),
            ("ff02::1", "multicast"),
            ("ff0e::1", "multicast"),
        ] {
            assert!(!may_reach(text.parse().expect("an address"), &[]), "{text}: {what}");
        }
        for text in [
            "93.184.216.34",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.88.98.255",
            "192.88.100.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "::ffff:8.8.8.8",
            "2001:200::1",
            "2001:4860:4860::8888",
            "2003::1",
            "2606:2800:220:1::1",
            "3ffe::1",
            "3fff:1000::1",
        ] {
            assert!(may_reach(text.parse().expect("an address"), &[]), "{text}");
        }
        let allowed: Vec<Network> =
            vec!["127.0.0.0/8".parse().expect("a network"), "fd00::/8".parse().expect("a network")];
        assert!(may_reach("127.9.9.9".parse().expect("an address"), &allowed));
        assert!(may_reach("fd00::1".parse().expect("an address"), &allowed));
        assert!(!may_reach("10.0.0.1".parse().expect("an address"), &allowed));
        assert!("10.0.0.0/33".parse::<Network>().is_err() && "x/8".parse::<Network>().is_err());
    }
}
