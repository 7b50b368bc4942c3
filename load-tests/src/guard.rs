//! Whom it is pointed at: a load test of somebody else's server is an attack.

use anyhow::{Context, bail};
use std::net::{SocketAddr, ToSocketAddrs};

/// The address behind `http://host:port`; anything but loopback needs the operator's word for it.
///
/// # Errors
/// It is no such URL, does not resolve, or leads away from this machine without `mine`.
pub fn target(url: &str, mine: bool) -> anyhow::Result<SocketAddr> {
    let Some(rest) = url.strip_prefix("http://") else {
        bail!("give the server as http://HOST:PORT, not {url:?}; for HTTPS, go past the proxy that ends it");
    };
    let host = rest.trim_end_matches('/');
    if host.is_empty() || host.contains(['/', '?', '#', '@']) {
        bail!("give the server as http://HOST:PORT, not {url:?}");
    }
    let with_port = if has_port(host) { host.to_owned() } else { format!("{host}:80") };
    let addresses: Vec<SocketAddr> =
        with_port.to_socket_addrs().with_context(|| format!("cannot resolve {host}"))?.collect();
    let Some(first) = addresses.first() else { bail!("{host} has no address") };
    // All of them: a name may lead home and away.
    if !mine && !addresses.iter().all(|address| address.ip().to_canonical().is_loopback()) {
        bail!(
            "{host} is not this machine. A load test of a server that is not yours is an attack; \
             if it is yours, say so with --i-own-this-host"
        );
    }
    Ok(*first)
}

fn has_port(host: &str) -> bool {
    host.rsplit_once(':').is_some_and(|(name, port)| {
        port.parse::<u16>().is_ok() && (!name.contains(':') || name.starts_with('[') && name.ends_with(']'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_unless_it_is_said_to_be_ours() {
        for home in ["http://127.0.0.1:8080", "http://127.9.9.9:1", "http://[::1]:8080", "http://127.0.0.1"] {
            assert!(target(home, false).is_ok(), "{home}");
        }
        for away in
            ["http://192.0.2.1:80", "http://0.0.0.0:80", "http://[2001:db8::1]:80", "http://[::ffff:192.0.2.1]:80"]
        {
            assert!(target(away, false).is_err(), "{away}");
            assert!(target(away, true).is_ok(), "{away}");
        }
    }

    #[test]
    fn anything_else_is_no_target() {
        for wrong in
            ["127.0.0.1:80", "https://127.0.0.1", "http://", "http://127.0.0.1:80/x", "http://127.0.0.1@192.0.2.1"]
        {
            assert!(target(wrong, true).is_err(), "{wrong}");
        }
    }
}
