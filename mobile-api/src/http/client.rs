//! Where a request comes from, for rate limits only. Not stored, not logged.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::extract::{ConnectInfo, Request};
use axum::http::HeaderName;

/// Tells callers apart by address.
#[derive(Debug, Clone, Default)]
pub struct ClientAddress {
    /// The header in which our own proxy writes the caller's address, when there is a proxy. Its last entry
    /// counts: the earlier ones are whatever the caller claimed.
    pub proxy_header: Option<HeaderName>,
}

impl ClientAddress {
    /// The caller's address. IPv6 callers own a whole /64, so they are told apart by its prefix.
    #[must_use]
    pub fn of(&self, request: &Request) -> Option<IpAddr> {
        let proxied = self.proxy_header.as_ref().and_then(|name| {
            let last = request.headers().get_all(name).iter().next_back()?;
            last.to_str().ok()?.rsplit(',').next()?.trim().parse().ok()
        });
        let peer = || request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        proxied.or_else(peer).map(prefix)
    }
}

fn prefix(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_proxy_entry_counts_and_only_when_configured() {
        let mut request = Request::new(axum::body::Body::empty());
        request.headers_mut().insert("x-forwarded-for", "9.9.9.9, 203.0.113.7".parse().unwrap());
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([192, 0, 2, 1], 9))));
        let direct = ClientAddress::default();
        assert_eq!(direct.of(&request), Some("192.0.2.1".parse().unwrap()));
        let proxied = ClientAddress { proxy_header: Some(HeaderName::from_static("x-forwarded-for")) };
        assert_eq!(proxied.of(&request), Some("203.0.113.7".parse().unwrap()));
    }

    #[test]
    fn version_6_callers_are_told_apart_by_their_prefix() {
        assert_eq!(
            prefix("2001:db8:1:2:3:4:5:6".parse().unwrap()),
            "2001:db8:1:2::".parse::<IpAddr>().unwrap()
        );
        assert_eq!(prefix("::ffff:192.0.2.1".parse().unwrap()), "192.0.2.1".parse::<IpAddr>().unwrap());
    }
}
