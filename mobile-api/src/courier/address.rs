//! Which addresses are on the open internet. Everything else could be a machine of ours.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use axum::http::Uri;

/// Where letters may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// Also to this machine, over HTTP: in a demo.
    pub here: bool,
}

impl Reach {
    /// Whether an address, as written, is one that letters may go to. Where its name leads is seen later.
    pub fn takes(self, url: &Uri) -> bool {
        let (Some(scheme), Some(host)) = (url.scheme_str(), url.host()) else { return false };
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let literal: Option<IpAddr> = bare.parse().ok();
        let here = host == "localhost" || literal.is_some_and(|ip| ip.is_loopback());
        let credentials = url.authority().is_some_and(|authority| authority.as_str().contains('@'));
        match scheme {
            _ if credentials => false,
            "https" => literal.is_none_or(|ip| self.includes(ip)) && (!here || self.here),
            "http" => here && self.here,
            _ => false,
        }
    }

    /// Whether a connection may go there.
    pub fn includes(self, ip: IpAddr) -> bool {
        match ip.to_canonical() {
            ip if ip.is_loopback() => self.here,
            IpAddr::V4(ip) => is_open_v4(ip),
            IpAddr::V6(ip) => is_open_v6(ip),
        }
    }
}

/// By the registry of special-purpose addresses (RFC 6890 and its successors).
fn is_open_v4(ip: Ipv4Addr) -> bool {
    let special = match ip.octets() {
        // this network, shared with carriers, protocol assignments, relays, benchmarks, reserved
        [0 | 240..=255, ..]
        | [100, 64..=127, ..]
        | [192, 0, 0, _]
        | [192, 88, 99, _]
        | [198, 18..=19, ..] => true,
        _ => false,
    };
    !(special || ip.is_private() || ip.is_link_local() || ip.is_documentation() || ip.is_multicast())
}

/// Global unicast only, without what embeds addresses of version 4 or is for documents.
fn is_open_v6(ip: Ipv6Addr) -> bool {
    match ip.segments() {
        // protocol assignments with Teredo, 6to4, documents
        [0x2001, 0..=0x01ff | 0x0db8, ..] | [0x2002, ..] | [0x3fff, 0..=0x0fff, ..] => false,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_open_internet_is_within_reach() {
        let (world, demo) = (Reach { here: false }, Reach { here: true });
        for open in
            ["1.1.1.1", "100.63.255.255", "100.128.0.0", "198.17.0.1", "223.255.255.255", "2606:4700::1"]
        {
            assert!(world.includes(open.parse().unwrap()), "{open}");
        }
        for closed in [
            "0.0.0.0",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "2001::1",
            "2001:db8::1",
            "2002:a00:1::1",
            "fc00::1",
            "fe80::1",
            "ff02::1",
        ] {
            for reach in [world, demo] {
                assert!(!reach.includes(closed.parse().unwrap()), "{closed}");
            }
        }
        for here in ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"] {
            assert!(!world.includes(here.parse().unwrap()) && demo.includes(here.parse().unwrap()), "{here}");
        }
    }

    #[test]
    fn an_address_is_https_and_in_a_demo_also_this_machine() {
        let (world, demo) = (Reach { here: false }, Reach { here: true });
        for (url, of_world, of_demo) in [
            ("https://shop.example/hooks", true, true),
            ("https://shop.example:8443/hooks?x=1", true, true),
            ("https://1.1.1.1/", true, true),
            ("http://shop.example/hooks", false, false),
            ("http://127.0.0.1:9/", false, true),
            ("http://localhost:9/", false, true),
            ("http://[::1]:9/", false, true),
            ("https://localhost/", false, true),
            ("https://10.0.0.1/", false, false),
            ("https://[fe80::1]/", false, false),
            ("http://169.254.169.254/latest", false, false),
            ("https://user:secret@shop.example/", false, false),
            ("ftp://shop.example/", false, false),
            ("/hooks", false, false),
            ("shop.example", false, false),
        ] {
            let url: Uri = url.parse().unwrap();
            assert_eq!((world.takes(&url), demo.takes(&url)), (of_world, of_demo), "{url}");
        }
    }
}
