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

/// RFC 6890 and its like: what is not one of these is public.
fn is_public_four(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    let is_shared = first == 100 && (64..128).contains(&second);
    let is_special = (first == 192 && second == 0 && third == 0) || (first == 198 && matches!(second, 18 | 19));
    !(address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_unspecified()
        || address.is_documentation()
        || address.is_broadcast()
        || address.is_multicast()
        || is_shared
        || is_special
        || first == 0
        || first >= 240)
}

fn is_public_six(address: Ipv6Addr) -> bool {
    let first = address.segments()[0];
    let is_local = (first & 0xFE00) == 0xFC00 || (first & 0xFFC0) == 0xFE80;
    let is_documentation = first == 0x2001 && address.segments()[1] == 0x0DB8;
    // 6to4 and NAT64 carry an IPv4 address that could be a private one.
    let carries_four = first == 0x2002 || (first == 0x64 && address.segments()[1] == 0xFF9B);
    let is_odd = address.is_loopback() || address.is_unspecified() || address.is_multicast();
    !(is_odd || is_local || is_documentation || carries_four)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_need_a_word() {
        let no: [&str; 12] = [
            "127.0.0.1",
            "10.1.2.3",
            "192.168.0.1",
            "172.16.0.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "::1",
            "fe80::1",
            "fd00::1",
            "::ffff:127.0.0.1",
            "2002:7f00:1::",
        ];
        for text in no {
            assert!(!may_reach(text.parse().expect("an address"), &[]), "{text}");
        }
        for text in ["93.184.216.34", "8.8.8.8", "2606:2800:220:1::1"] {
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
