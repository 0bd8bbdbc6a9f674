//! Senders for the checks: a hundred domains with SPF, DKIM and DMARC in the benchmark's own name server,
//! and signed mail from them.

use anyhow::{Context, Result, anyhow};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mail_auth::common::crypto::{RsaKey, Sha256};
use mail_auth::common::headers::HeaderWriter as _;
use mail_auth::dkim::DkimSigner;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use test_kit::FakeDns;
use tokio::runtime::Runtime;

/// The number of domains.
pub(crate) const DOMAINS: usize = 100;

/// The name of the load's client, which resolves to its address.
pub(crate) const CLIENT: &str = "load.test";

/// The domains and their name server. It ends when dropped.
pub(crate) struct Senders {
    key: Vec<u8>,
    dns: FakeDns,
    _runtime: Runtime,
}

impl Senders {
    /// Creates their key (RSA, 2048 bits, as usual) and starts the name server.
    pub(crate) fn start() -> Result<Self> {
        let unspecified = |_| anyhow!("no RSA key could be made");
        let pair = KeyPair::generate(KeySize::Rsa2048).map_err(unspecified)?;
        let key = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).map_err(unspecified)?;
        let public =
            AsDer::<PublicKeyX509Der<'_>>::as_der(pair.public_key()).map_err(unspecified)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let dns = runtime.block_on(FakeDns::start(&zone(&STANDARD.encode(public.as_ref()))));
        Ok(Self {
            key: key.as_ref().to_vec(),
            dns,
            _runtime: runtime,
        })
    }

    /// The address of the name server.
    pub(crate) fn name_server(&self) -> std::net::SocketAddr {
        self.dns.address()
    }

    /// For each domain the signature of a message with the fields `header` and the text `text`; the message
    /// may have other fields too.
    pub(crate) fn sign(&self, header: impl Fn(&str) -> String, text: &[u8]) -> Result<Vec<String>> {
        (0..DOMAINS)
            .map(|number| {
                let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.as_slice()));
                let key = RsaKey::<Sha256>::from_key_der(der);
                let message = [header(&sender(number)).as_bytes(), b"\r\n", text].concat();
                let signature = DkimSigner::from_key(key.map_err(|error| anyhow!("{error}"))?)
                    .domain(domain(number))
                    .selector("load")
                    .headers(["From", "To", "Subject", "Date"])
                    .sign(&message)
                    .map_err(|error| anyhow!("{error}"))
                    .context("a message could not be signed")?;
                Ok(signature.to_header())
            })
            .collect()
    }
}

/// The sender of the n-th message.
pub(crate) fn sender(number: usize) -> String {
    format!("sender@{}", domain(number))
}

fn domain(number: usize) -> String {
    format!("s{}.senders.test", number % DOMAINS)
}

fn zone(key: &str) -> String {
    let (first, second) = key.split_at(key.len() / 2);
    let client = format!(
        "test SOA ns.test. root.test. 1 3600 600 86400 300\n\
         1.0.0.127.in-addr.arpa PTR {CLIENT}\n{CLIENT} A 127.0.0.1\n"
    );
    let domains = (0..DOMAINS).map(|number| {
        let domain = domain(number);
        format!(
            "{domain} TXT \"v=spf1 ip4:127.0.0.0/8 -all\"\n\
             {domain} MX 10 mx.{domain}\n\
             mx.{domain} A 192.0.2.{number}\n\
             _dmarc.{domain} TXT \"v=DMARC1; p=reject\"\n\
             load._domainkey.{domain} TXT \"v=DKIM1; k=rsa; p={first}\" \"{second}\"\n"
        )
    });
    client + &domains.collect::<String>()
}

/// The rules at the port with all checks. Their limits are never reached, but every event is counted.
pub(crate) const RULES: &str = r#"
[receiving.untrusted]
min-free-space = "100 MiB"
block-attachments = ["*.exe", "*.scr", "*.js", "application/x-msdownload"]
blocked-attachments = "refuse"
refuse-early-talkers = true
refuse-spoofed-senders = true
refuse-address-literal-senders = true
refuse-blank-reverse-path = true
sender-domain-must-exist = true
dns-lists = [{ zone = "bl.load.test", score = 2 }, { zone = "wl.load.test", score = -1 }]
dns-list-refuse-score = 2
greylisting = { delay = "1 s" }
rates = [
    { count = "connections", per = "address", limit = 1000000, every = "1 min" },
    { count = "messages", per = "sender", limit = 1000000, every = "1 h" },
    { count = "recipients", per = "network", limit = 1000000, every = "1 h" },
]
spf = { fail = "refuse", softfail = "mark", permerror = "mark" }
dkim = { fail = "mark" }
dmarc = "follow"
arc = "check"
iprev = { fail = "mark", permerror = "mark" }
"#;
