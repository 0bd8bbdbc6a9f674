//! The endpoint on which a service listens or is reached.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::Error;

/// The longest path of a Unix socket: `sun_path` of `sockaddr_un` (unix(7)) is 108 octets including the final
/// NUL.
const LONGEST_SOCKET_PATH: usize = 107;

/// `unix:/path/to.sock`, or `host:port` with or without `https://`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// A Unix socket, for services of one machine.
    Unix(PathBuf),
    /// A TCP address, always with mutual TLS.
    Tcp {
        /// A name or an address (IPv6 without brackets).
        host: String,
        /// The port.
        port: u16,
    },
}

impl Endpoint {
    /// One endpoint or several, separated by commas: replicas of one service. A path may contain commas: the
    /// text after one is another endpoint only if it begins like one.
    pub fn several(text: &str) -> Result<Vec<Self>, Error> {
        let mut texts: Vec<String> = Vec::new();
        for part in text.split(',') {
            let begins = ["unix:", "https://", "http://"]
                .iter()
                .any(|scheme| part.trim_start().starts_with(scheme));
            match texts.last_mut() {
                Some(path) if path.starts_with("unix:") && !begins => {
                    path.push(',');
                    path.push_str(part);
                }
                _ => texts.push(part.trim().to_owned()),
            }
        }
        texts.iter().map(|text| text.parse()).collect()
    }
}

impl FromStr for Endpoint {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = |reason: String| Error::Endpoint {
            endpoint: text.to_owned(),
            reason,
        };
        if let Some(path) = text.strip_prefix("unix:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return socket_path(path).map(Self::Unix).map_err(wrong);
        }
        if text.starts_with("http://") {
            return Err(wrong("services on TCP speak TLS: use https://".to_owned()));
        }
        let address = text.strip_prefix("https://").unwrap_or(text);
        let address = address.strip_suffix('/').unwrap_or(address);
        let (host, port) = address
            .rsplit_once(':')
            .ok_or_else(|| wrong("a port is missing".to_owned()))?;
        let port = port
            .parse()
            .map_err(|_| wrong(format!("`{port}` is not a port")))?;
        let host = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(host);
        if host.is_empty() || host.contains('/') {
            return Err(wrong("a host is missing".to_owned()));
        }
        Ok(Self::Tcp {
            host: host.to_owned(),
            port,
        })
    }
}

fn socket_path(path: &str) -> Result<PathBuf, String> {
    if path.is_empty() {
        return Err("a path is missing".to_owned());
    }
    if path.len() > LONGEST_SOCKET_PATH {
        return Err(format!(
            "the path has {} octets, a Unix socket's may have {LONGEST_SOCKET_PATH}: \
             choose a shorter data folder",
            path.len()
        ));
    }
    Ok(Path::new(path).to_owned())
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Tcp { host, port } if host.contains(':') => write!(f, "https://[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "https://{host}:{port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.
    use super::*;

    #[test]
    fn endpoints_are_read_and_written() {
        for (text, written) in [
            ("unix:/run/queue.sock", "unix:/run/queue.sock"),
            ("unix:///run/queue.sock", "unix:/run/queue.sock"),
            ("https://queue:7101", "https://queue:7101"),
            ("0.0.0.0:7101", "https://0.0.0.0:7101"),
            ("https://[::1]:7101/", "https://[::1]:7101"),
        ] {
            let endpoint: Endpoint = text.parse().unwrap();
            assert_eq!(endpoint.to_string(), written);
        }
    }

    #[test]
    fn several_are_separated_by_commas_and_a_path_may_have_some() {
        for (text, written) in [
            ("unix:/run/queue.sock", "unix:/run/queue.sock"),
            ("unix:/run/a,b/queue.sock", "unix:/run/a,b/queue.sock"),
            (
                "unix:/run/a,b/1.sock, unix:/run/2.sock",
                "unix:/run/a,b/1.sock unix:/run/2.sock",
            ),
            (
                "a:1,https://b:2, c:3",
                "https://a:1 https://b:2 https://c:3",
            ),
        ] {
            let several = Endpoint::several(text).unwrap();
            let several: Vec<_> = several.iter().map(ToString::to_string).collect();
            assert_eq!(several.join(" "), written);
        }
        assert!(Endpoint::several("a:1,").is_err());
        assert!(Endpoint::several("").is_err());
    }

    #[test]
    fn what_is_no_endpoint_is_refused_with_the_reason() {
        let long = format!("unix:/{}", "x".repeat(107));
        for (text, reason) in [
            ("http://queue:7101", "https"),
            ("queue", "port"),
            ("queue:port", "not a port"),
            (":7101", "host"),
            ("unix:", "path"),
            (long.as_str(), "107"),
        ] {
            let error = text.parse::<Endpoint>().unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }
}
