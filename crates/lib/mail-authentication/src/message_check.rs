//! A message on its way past: its header section is kept, its text is hashed.

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

/// Signatures of one message that are verified, the uppermost; each costs a look-up.
const MAX_SIGNATURES: usize = 10;

/// Fields that a signature may name: each is looked for among all that it names before. Those that sign
/// against additions, too, name a few dozen.
const MAX_FIELDS: usize = 250;

/// Labels of a domain from which on each domain above it is asked (RFC 9989 §4.10).
const MAX_LABELS: usize = 7;

type Hasher = BodyHasher<<Sha256 as HashImpl>::Context>;

/// The checks of one message, while its octets pass.
pub struct MessageCheck {
    /// As it came: signatures may cover what is taken out of it.
    header: Vec<u8>,
    /// One for each way of canonicalization that a signature asks for: at most two.
    hashers: Vec<(Canonicalization, Hasher)>,
    hashes: Vec<(Canonicalization, Vec<u8>)>,
    /// Looks up what will be needed, so that the DNS is waited for while the text comes. Ends with
    /// the check.
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

    /// The next octets of the text, dots taken off.
    pub fn text(&mut self, piece: &[u8]) {
        for (_, hasher) in &mut self.hashers {
            hasher.write(piece);
        }
    }

    /// The message has ended. Waits for what is being looked up, until `deadline`.
    pub(crate) async fn end(&mut self, deadline: Instant) {
        for (canonicalization, hasher) in self.hashers.drain(..) {
            let (context, _) = hasher.finish();
            let hash = context.complete().as_ref().to_vec();
            self.hashes.push((canonicalization, hash));
        }
        // Without it, the verification asks for itself and finds the time run out.
        let _ = timeout_at(deadline, self.looked_up.join_next()).await;
    }

    pub(crate) fn header(&self) -> &[u8] {
        &self.header
    }

    /// The message as the verification wants it; `None` when there is not a single field.
    pub(crate) fn hashed(&self) -> Option<(AuthenticatedMessage<'_>, Unfit)> {
        let (mut message, unfit) = self.read()?;
        for (canonicalization, algorithm, _, hash) in &mut message.body_hashes {
            let known = self
                .hashes
                .iter()
                .find(|(other, _)| is_ours(*algorithm) && other == canonicalization);
            // Without a hash of ours no signature holds.
            *hash = known.map_or_else(Vec::new, |(_, hash)| hash.clone());
        }
        Some((message, unfit))
    }

    /// Signatures over a part of the text (`l=`) are refused by strict reading.
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
            // No reports are sent (RFC 6651), and a signature that holds does so without the
            // consent of a third party (RFC 6541): neither is worth a question.
            signature.header.r = false;
            signature.header.atps = None;
        }
        Some((message, unfit))
    }
}

fn is_ours(algorithm: HashAlgorithm) -> bool {
    algorithm == HashAlgorithm::Sha256
}

/// Where the keys of the signatures are.
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

/// Where the policy of the author's domain may be, and what domain it belongs to (RFC 9989 §4.10).
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

/// What is found is remembered, which is all that is wanted.
async fn look_up(by: Arc<Shared>, keys: Vec<String>, records: Vec<String>) {
    let memory = &by.memory;
    let keys = keys.iter().map(|name| ask(&by, name, &memory.keys));
    let records = records.iter().map(|name| ask(&by, name, &memory.dmarc));
    join_all(keys.chain(records)).await;
}

/// What is there is remembered by the resolver, and in its turn by the check that reads it.
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
