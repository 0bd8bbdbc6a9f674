//! The client's side of SASL, for tests of all servers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::ScramKeys;

/// A client with one mechanism. It returns the octets of its responses; the protocol adds base64.
#[derive(Debug)]
pub struct SaslClient {
    mechanism: String,
    login: String,
    /// A password or a token.
    secret: String,
    /// The session's exported binding (`tls-exporter`), for -PLUS.
    exporter: Vec<u8>,
    /// The number of responses so far.
    step: usize,
    /// SCRAM: the exchanged messages, and the expected proof of the server.
    said: String,
    expected: Vec<u8>,
}

impl SaslClient {
    /// Every mechanism: its name, whether it needs TLS, and whether a wrong secret can be tested with it.
    pub const MECHANISMS: [(&'static str, bool, bool); 9] = [
        ("EXTERNAL", true, false),
        ("SCRAM-SHA-256-PLUS", true, true),
        ("SCRAM-SHA-1-PLUS", true, true),
        ("SCRAM-SHA-256", false, true),
        ("SCRAM-SHA-1", false, true),
        ("OAUTHBEARER", true, true),
        ("XOAUTH2", true, true),
        ("PLAIN", false, true),
        ("LOGIN", false, true),
    ];

    /// A client with this password, or for OAUTHBEARER and XOAUTH2 with this token.
    #[must_use]
    pub fn new(mechanism: &str, login: &str, secret: &str) -> Self {
        Self {
            mechanism: mechanism.to_owned(),
            login: login.to_owned(),
            secret: secret.to_owned(),
            exporter: Vec::new(),
            step: 0,
            said: String::new(),
            expected: Vec::new(),
        }
    }

    /// Binds it to a TLS session with this exported value.
    #[must_use]
    pub fn bound_to(mut self, exporter: &[u8]) -> Self {
        self.exporter = exporter.to_vec();
        self
    }

    /// Whether the server speaks first, so that there is no initial response.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.mechanism == "LOGIN"
    }

    /// The next response; the first answers an empty challenge (LOGIN: the question for the name).
    pub fn respond(&mut self, challenge: &[u8]) -> Vec<u8> {
        self.step += 1;
        let (login, secret) = (&self.login, &self.secret);
        match (self.mechanism.as_str(), self.step) {
            ("PLAIN", 1) => format!("\0{login}\0{secret}").into_bytes(),
            ("LOGIN", 1) => login.clone().into_bytes(),
            ("LOGIN", 2) => secret.clone().into_bytes(),
            ("EXTERNAL", 1) => Vec::new(),
            ("OAUTHBEARER", 1) => format!("n,,\u{1}auth=Bearer {secret}\u{1}\u{1}").into_bytes(),
            ("XOAUTH2", 1) => {
                format!("user={login}\u{1}auth=Bearer {secret}\u{1}\u{1}").into_bytes()
            }
            // The response to the reasons of a refusal.
            ("OAUTHBEARER", _) => b"\x01".to_vec(),
            ("XOAUTH2", _) => Vec::new(),
            (_, 1) => self.scram_first(),
            (_, 2) => self.scram_final(challenge),
            (_, 3) => {
                assert_eq!(challenge, self.expected, "the server's proof");
                Vec::new()
            }
            (mechanism, step) => panic!("{mechanism} has no response {step}"),
        }
    }

    fn header(&self) -> &'static str {
        match self.mechanism.ends_with("-PLUS") {
            true => "p=tls-exporter,,",
            false => "n,,",
        }
    }

    fn scram_first(&mut self) -> Vec<u8> {
        self.said = format!("n={},r=client", self.login);
        format!("{}{}", self.header(), self.said).into_bytes()
    }

    fn scram_final(&mut self, challenge: &[u8]) -> Vec<u8> {
        let challenge = std::str::from_utf8(challenge).expect("text");
        let field = |name: &str| {
            let mut fields = challenge.split(',');
            let found = fields.find_map(|field| field.strip_prefix(name));
            found.unwrap_or_else(|| panic!("no {name} in {challenge}"))
        };
        let nonce = field("r=");
        assert!(nonce.starts_with("client") && nonce.len() > 20, "{nonce}");
        let salt = STANDARD.decode(field("s=")).expect("base64");
        let iterations = field("i=").parse().expect("a number");
        let sha1 = self.mechanism.starts_with("SCRAM-SHA-1");
        let keys = ScramKeys::derive(sha1, &self.secret, &salt, iterations);
        let mut channel = self.header().as_bytes().to_vec();
        if self.mechanism.ends_with("-PLUS") {
            channel.extend_from_slice(&self.exporter);
        }
        let last = format!("c={},r={nonce}", STANDARD.encode(channel));
        let message = format!("{},{challenge},{last}", self.said);
        let signature = STANDARD.encode(keys.signature(message.as_bytes()));
        self.expected = format!("v={signature}").into_bytes();
        let proof = STANDARD.encode(keys.proof(message.as_bytes()));
        format!("{last},p={proof}").into_bytes()
    }
}
