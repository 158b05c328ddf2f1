//! Which addresses a URL from a stranger may reach.
//!
//! Addresses that the operator configured (`api_base`) may be anything. A URL that a client sends us to fetch may only
//! lead to the public internet: the name is looked up once, every address found is judged, and the connection goes to
//! one of those addresses, so a name that changes its mind in between gains nothing. Redirects are judged anew.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::{ErrorKind, Phase, TransportError};

/// Refuses private, loopback, link-local, metadata, multicast, reserved and embedded (mapped, NAT64, 6to4, Teredo)
/// addresses, except in networks that the operator opened.
#[derive(Debug, Clone, Default)]
pub struct EgressPolicy {
    /// Networks that may be reached although they are not public.
    pub allow: Vec<IpNet>,
    /// Public networks that may not be reached.
    pub deny: Vec<IpNet>,
}

const fn v4(a: u8, b: u8, c: u8, d: u8, bits: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), bits)
}

const fn v6(a: u16, b: u16, bits: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, 0, 0, 0, 0, 0, 0), bits)
}

/// IANA's IPv4 special-purpose registry, multicast and class E, and the one metadata address in public space.
const CLOSED_V4: [Ipv4Net; 17] = [
    v4(0, 0, 0, 0, 8),
    v4(10, 0, 0, 0, 8),
    v4(100, 64, 0, 0, 10), // carrier NAT; also Alibaba's metadata
    v4(127, 0, 0, 0, 8),
    v4(168, 63, 129, 16, 32), // Azure's wire server
    v4(169, 254, 0, 0, 16),   // link-local; metadata of most clouds
    v4(172, 16, 0, 0, 12),
    v4(192, 0, 0, 0, 24),
    v4(192, 0, 2, 0, 24),
    v4(192, 31, 196, 0, 24),
    v4(192, 88, 99, 0, 24),
    v4(192, 168, 0, 0, 16),
    v4(198, 18, 0, 0, 15),
    v4(198, 51, 100, 0, 24),
    v4(203, 0, 113, 0, 24),
    v4(224, 0, 0, 0, 4),
    v4(240, 0, 0, 0, 4),
];

/// Only global unicast is public at all; these parts of it are not. The rest (loopback, mapped, NAT64, unique local,
/// link-local, multicast) lies outside of it.
const PUBLIC_V6: Ipv6Net = v6(0x2000, 0, 3);
const CLOSED_V6: [Ipv6Net; 4] = [
    v6(0x2001, 0, 23),      // Teredo, ORCHID, benchmarking
    v6(0x2001, 0x0db8, 32), // documentation
    v6(0x2002, 0, 16),      // 6to4
    v6(0x3fff, 0, 20),      // documentation
];

impl EgressPolicy {
    /// Judges an address to connect to. The error is [`ErrorKind::Denied`].
    pub fn check_ip(&self, ip: IpAddr) -> Result<(), TransportError> {
        let among = |nets: &[IpNet]| nets.iter().any(|net| net.contains(&ip));
        if among(&self.allow) || (is_public(ip) && !among(&self.deny)) {
            return Ok(());
        }
        let message = format!("address {ip} is not allowed for fetched URLs");
        Err(TransportError::unsent(Phase::Connect, ErrorKind::Denied, message))
    }
}

/// Whether an address belongs to the public internet.
pub fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => !CLOSED_V4.iter().any(|net| net.contains(&ip)),
        IpAddr::V6(ip) => PUBLIC_V6.contains(&ip) && !CLOSED_V6.iter().any(|net| net.contains(&ip)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closed_addresses() {
        for ip in [
            "0.0.0.0",
            "10.1.2.3",
            "100.100.100.200",
            "127.0.0.1",
            "127.8.8.8",
            "168.63.129.16",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.168.1.1",
            "198.19.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "2001::1",
            "2001:db8::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "100::1",
        ] {
            let ip: IpAddr = ip.parse().unwrap();
            assert!(!is_public(ip), "{ip}");
            assert_eq!(EgressPolicy::default().check_ip(ip).unwrap_err().kind(), ErrorKind::Denied);
        }
    }

    #[test]
    fn open_addresses() {
        for ip in [
            "8.8.8.8",
            "1.1.1.1",
            "172.32.0.1",
            "168.63.129.17",
            "192.0.1.1",
            "2606:4700::1111",
            "2001:4860:4860::8888",
        ] {
            let ip: IpAddr = ip.parse().unwrap();
            assert!(is_public(ip), "{ip}");
            assert!(EgressPolicy::default().check_ip(ip).is_ok());
        }
    }

    #[test]
    fn the_operator_may_open_and_close_networks() {
        let policy =
            EgressPolicy { allow: vec!["10.0.0.0/8".parse().unwrap()], deny: vec!["8.8.8.0/24".parse().unwrap()] };
        assert!(policy.check_ip("10.9.9.9".parse().unwrap()).is_ok());
        assert!(policy.check_ip("127.0.0.1".parse().unwrap()).is_err());
        assert!(policy.check_ip("8.8.8.8".parse().unwrap()).is_err());
    }
}
