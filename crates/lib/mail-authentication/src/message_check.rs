//! The check of a passing message: its header section is kept, its text is hashed.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::future::join_all;
use mail_auth::AuthenticatedMessage;
use mail_auth::common::crypto::{Algorithm, HashAlgorithm, HashContext as _, HashImpl, Sha256};
use mail_auth::common::resolver::ToFqdn as _;
use mail_auth::common::verify::VerifySignature;
use mail_auth::dkim::Canonicalization;
use mail_auth::dkim::canonicalize::BodyHasher;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use crate::dkim::Unfit;
use crate::dmarc;
use crate::dns::Absence;
use crate::memory::Texts;
use crate::methods::Methods;
use crate::shared::Shared;

/// Maximum number of verified signatures of a message, from the top; each costs a look-up.
const MAX_SIGNATURES: usize = 10;

/// Maximum number of fields in a signature: each is searched for among all fields named before it.
/// Signatures that also protect against additions name a few dozen.
const MAX_FIELDS: usize = 250;

/// Number of labels from which on each parent domain is queried (RFC 9989 §4.10).
const MAX_LABELS: usize = 7;

type Hasher = BodyHasher<<Sha256 as HashImpl>::Context>;

/// The check of one message in progress.
pub struct MessageCheck {
    /// The original header section: signatures may cover fields that are removed.
    header: Vec<u8>,
    /// One for each canonicalization used by a signature: at most two.
    hashers: Vec<(Canonicalization, Hasher)>,
    hashes: Vec<(Canonicalization, Vec<u8>)>,
    /// Look-ups that run while the text arrives. Dropped with the check.
    looked_up: JoinSet<()>,
}

impl MessageCheck {
    pub(crate) fn new(by: &Arc<Shared>, methods: Methods, header: Vec<u8>) -> Self {
        let mut check = Self {
            header,
            hashers: Vec::new(),
            hashes: Vec::new(),
            looked_up: JoinSet::new(),
        };
        let Some((message, _)) = check.read() else {
            return check;
        };
        let mut hashers = Vec::new();
        for canonicalization in [Canonicalization::Simple, Canonicalization::Relaxed] {
            let mut wanted = message.body_hashes.iter();
            if wanted.any(|(other, hash, ..)| is_ours(*hash) && *other == canonicalization) {
                let hasher = BodyHasher::new(Sha256::hasher(), canonicalization, 0);
                hashers.push((canonicalization, hasher));
            }
        }
        let keys = unknown(&by.memory.keys, keys(&message, methods));
        let records = unknown(&by.memory.dmarc, records(&message, methods));
        check.hashers = hashers;
        if !keys.is_empty() || !records.is_empty() {
            check
                .looked_up
                .spawn(look_up(Arc::clone(by), keys, records));
        }
        check
    }

    /// The next octets of the text, without dot-stuffing.
    pub fn text(&mut self, piece: &[u8]) {
        for (_, hasher) in &mut self.hashers {
            hasher.write(piece);
        }
    }

    /// Ends the message. Waits for the look-ups until `deadline`.
    pub(crate) async fn end(&mut self, deadline: Instant) {
        for (canonicalization, hasher) in self.hashers.drain(..) {
            let (context, _) = hasher.finish();
            let hash = context.complete().as_ref().to_vec();
            self.hashes.push((canonicalization, hash));
        }
        // Otherwise the verification makes its own query and hits the time limit.
        let _ = timeout_at(deadline, self.looked_up.join_next()).await;
    }

    pub(crate) fn header(&self) -> &[u8] {
        &self.header
    }

    /// The message for the verification; `None` without any field.
    pub(crate) fn hashed(&self) -> Option<(AuthenticatedMessage<'_>, Unfit)> {
        let (mut message, unfit) = self.read()?;
        for (canonicalization, algorithm, _, hash) in &mut message.body_hashes {
            let known = self
                .hashes
                .iter()
                .find(|(other, _)| is_ours(*algorithm) && other == canonicalization);
            // Without a hash of ours no signature is valid.
            *hash = known.map_or_else(Vec::new, |(_, hash)| hash.clone());
        }
        Some((message, unfit))
    }

    /// Strict parsing refuses signatures over a part of the text (`l=`).
    fn read(&self) -> Option<(AuthenticatedMessage<'_>, Unfit)> {
        let mut message = AuthenticatedMessage::parse_with_opts(&self.header, None, true)?;
        dmarc::set_author(&mut message, &self.header);
        let mut unfit = Unfit::default();
        message.dkim_headers.retain(|signature| {
            let covered = &signature.header.h;
            let mut names = covered.iter();
            let reason = if signature.header.a == Algorithm::RsaSha1 {
                &mut unfit.sha1
            } else if covered.len() > MAX_FIELDS {
                &mut unfit.vast
            } else if !names.any(|name| name.eq_ignore_ascii_case("from")) {
                &mut unfit.authorless
            } else {
                return true;
            };
            *reason += 1;
            false
        });
        let mut sets = message.ams_headers.iter();
        message.has_arc_errors |= sets.any(|set| set.header.h.len() > MAX_FIELDS);
        message.dkim_headers.truncate(MAX_SIGNATURES);
        for signature in &mut message.dkim_headers {
            // No reports are sent (RFC 6651), and a valid signature needs no consent of a third party (RFC
            // 6541): neither is worth a query.
            signature.header.r = false;
            signature.header.atps = None;
        }
        Some((message, unfit))
    }
}

fn is_ours(algorithm: HashAlgorithm) -> bool {
    algorithm == HashAlgorithm::Sha256
}

/// The names of the keys of the signatures.
fn keys(message: &AuthenticatedMessage<'_>, methods: Methods) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    if methods.dkim {
        names.extend(message.dkim_headers.iter().map(|s| s.header.domain_key()));
    }
    if methods.arc && !message.has_arc_errors {
        names.extend(message.ams_headers.last().map(|s| s.header.domain_key()));
        let seals = message.as_headers.iter().rev().take(MAX_SIGNATURES);
        names.extend(seals.map(|seal| seal.header.domain_key()));
    }
    names
}

/// The possible names of the author domain's policy, and of its organizational domain (RFC 9989 §4.10).
fn records(message: &AuthenticatedMessage<'_>, methods: Methods) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    if methods.dmarc
        && let Some((_, domain)) = message.from().rsplit_once('@')
    {
        let mut name = domain;
        let mut labels = name.split('.').count();
        names.insert(format!("_dmarc.{name}."));
        while let Some((_, above)) = name.split_once('.') {
            (name, labels) = (above, labels - 1);
            if labels <= MAX_LABELS {
                names.insert(format!("_dmarc.{name}."));
            }
        }
    }
    names
}

fn unknown(texts: &Texts, mut names: BTreeSet<String>) -> Vec<String> {
    names.retain(|name| !texts.knows(&name.to_fqdn()));
    names.into_iter().collect()
}

/// Runs the look-ups for their effect on the cache.
async fn look_up(by: Arc<Shared>, keys: Vec<String>, records: Vec<String>) {
    let memory = &by.memory;
    let keys = keys.iter().map(|name| ask(&by, name, &memory.keys));
    let records = records.iter().map(|name| ask(&by, name, &memory.dmarc));
    join_all(keys.chain(records)).await;
}

/// The resolver caches the answer, and then the check that parses it.
async fn ask(by: &Shared, name: &str, texts: &Texts) {
    let name = name.to_fqdn();
    let Ok(asked) = resolver::name(&name) else {
        return;
    };
    let answer = by.dns.resolver.txt_lookup(asked).await;
    if let Some(absence) = answer.err().as_ref().and_then(Absence::of) {
        texts.remember_absence(&name, absence);
    }
}
