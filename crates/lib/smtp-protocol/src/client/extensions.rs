//! The extensions in a server's reply to EHLO (RFC 5321 §4.1.1.1).

use crate::Reply;

/// The service extensions that a client uses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Extensions {
    /// RFC 2920.
    pub pipelining: bool,
    /// RFC 3030.
    pub chunking: bool,
    /// RFC 3030.
    pub binary_mime: bool,
    /// RFC 6152.
    pub eight_bit_mime: bool,
    /// RFC 6531.
    pub smtputf8: bool,
    /// RFC 3461.
    pub dsn: bool,
    /// RFC 3207.
    pub start_tls: bool,
    /// RFC 8689.
    pub require_tls: bool,
    /// RFC 2852: offered, with the minimum by-time in seconds for by-mode R.
    pub deliver_by: Option<u32>,
    /// RFC 6710.
    pub priority: bool,
    /// RFC 1870: offered.
    pub size: bool,
    /// RFC 1870: the maximum message size, if given.
    pub max_size: Option<u64>,
    /// RFC 4954: mechanisms, in capitals.
    pub auth: Vec<String>,
}

impl Extensions {
    /// Parses the reply to EHLO. Its first line is a greeting.
    pub(super) fn read(reply: &Reply) -> Self {
        let mut found = Self::default();
        for line in reply.lines().skip(1) {
            let mut words = line.split_ascii_whitespace();
            let Some(keyword) = words.next() else {
                continue;
            };
            // `AUTH=PLAIN`, the form before RFC 2554, means the same.
            let keyword = keyword.to_ascii_uppercase();
            let (keyword, first) = match keyword.split_once('=') {
                Some((keyword, first)) => (keyword, Some(first)),
                None => (keyword.as_str(), None),
            };
            found.add(keyword, first.into_iter().chain(words));
        }
        found
    }

    fn add<'a>(&mut self, keyword: &str, mut parameters: impl Iterator<Item = &'a str>) {
        match keyword {
            "PIPELINING" => self.pipelining = true,
            "CHUNKING" => self.chunking = true,
            "BINARYMIME" => self.binary_mime = true,
            "8BITMIME" => self.eight_bit_mime = true,
            "SMTPUTF8" => self.smtputf8 = true,
            "DSN" => self.dsn = true,
            "STARTTLS" => self.start_tls = true,
            "REQUIRETLS" => self.require_tls = true,
            "DELIVERBY" => {
                // Text after a comma is reserved (RFC 2852 §2).
                let least = parameters.next().and_then(|words| words.split(',').next());
                self.deliver_by = Some(least.and_then(|least| least.parse().ok()).unwrap_or(0));
            }
            "MT-PRIORITY" => self.priority = true,
            "SIZE" => {
                self.size = true;
                let size = parameters.next().and_then(|size| size.parse().ok());
                // Zero means that there is no fixed limit (RFC 1870 §4).
                self.max_size = size.filter(|size| *size > 0);
            }
            "AUTH" => self
                .auth
                .extend(parameters.map(|mechanism| mechanism.to_ascii_uppercase())),
            _ => {}
        }
    }
}
