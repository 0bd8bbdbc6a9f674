//! The domains of a message's authors, and whether they are of one organization.

use mail_auth::dmarc::{Dmarc, Psd};
use mail_auth::{DnsError, Error};
use message::header::{AuthorError, author_domains};
use rules::Domain;

use crate::shared::Shared;

pub(crate) const NO_FROM: &str = "there is no From field";
const NO_DOMAIN: &str = "the author's domain is invalid";
const SEVERAL: &str = "the authors are of several domains";

/// Maximum number of different domains; each costs look-ups.
const MAX_DOMAINS: usize = 5;
/// Maximum labels of a name that is looked up, after the domain itself (RFC 9989 §4.10).
const MAX_LABELS: usize = 7;

/// The authors of a message that is addressed from one domain, or from several.
pub(crate) struct Authors {
    /// The domain of the first address.
    pub(crate) first: Domain,
    /// Domains of other addresses.
    pub(crate) others: Vec<Domain>,
    /// Domains of text that looks like an address, beside an address.
    pub(crate) shown: Vec<Domain>,
}

impl Authors {
    /// Reads the From field.
    pub(crate) fn read(header: &[u8]) -> Result<Self, &'static str> {
        let found = author_domains(header).map_err(|error| match error {
            AuthorError::Missing => NO_FROM,
            AuthorError::Repeated => "there is more than one From field",
            AuthorError::NoDomain => "the author has no domain",
            AuthorError::Unclear => "the author can be read in several ways",
        })?;
        let mut addresses = domains(&found.addresses)?;
        let mut shown = domains(&found.shown)?;
        shown.retain(|domain| !addresses.contains(domain));
        if addresses.len() + shown.len() > MAX_DOMAINS {
            return Err(SEVERAL);
        }
        let others = addresses.split_off(1.min(addresses.len()));
        let first = addresses.pop().ok_or(NO_DOMAIN)?;
        Ok(Self {
            first,
            others,
            shown,
        })
    }

    /// Whether all domains are of one organization: then they count as one author.
    pub(crate) async fn are_one(&self, by: &Shared) -> Result<(), Unknown> {
        for other in self.others.iter().chain(&self.shown) {
            let (first, other) = (self.first.as_str(), other.as_str());
            if !is_same_organization(by, first, other).await? {
                return Err(Unknown::Never(SEVERAL));
            }
        }
        Ok(())
    }
}

/// Why the author is unknown.
pub(crate) enum Unknown {
    /// The message shows no one author.
    Never(&'static str),
    /// The DNS does not answer.
    Now,
}

/// Each domain once.
fn domains(found: &[Vec<u8>]) -> Result<Vec<Domain>, &'static str> {
    let mut domains = Vec::new();
    for domain in found {
        let domain = std::str::from_utf8(domain).map_err(|_| NO_DOMAIN)?;
        let domain = domain.strip_suffix('.').unwrap_or(domain);
        let domain = Domain::parse(domain).map_err(|_| NO_DOMAIN)?;
        if !domains.contains(&domain) {
            domains.push(domain);
        }
    }
    Ok(domains)
}

/// A domain and one below it are of one organization, unless a record says that others register names there
/// (`psd=y`) or that the lower one is an organization of its own (`psd=n`). Other domains are if the records of
/// both lead to the same organizational domain (RFC 9989 §4.10.2).
async fn is_same_organization(by: &Shared, one: &str, other: &str) -> Result<bool, Unknown> {
    for (above, below) in [(one, other), (other, one)] {
        if is_below(below, above) {
            let top = organization(by, below).await?;
            return Ok(top.is_none_or(|top| !is_below(&top, above)));
        }
    }
    let one = organization(by, one).await?;
    Ok(one.is_some() && one == organization(by, other).await?)
}

/// Whether a domain is below another one, which is no top-level domain.
fn is_below(domain: &str, above: &str) -> bool {
    let rest = domain.strip_suffix(above);
    above.contains('.') && rest.is_some_and(|rest| rest.ends_with('.'))
}

/// The organizational domain, if records say which it is.
async fn organization(by: &Shared, domain: &str) -> Result<Option<String>, Unknown> {
    let mut shortest = None;
    for name in names(domain) {
        let record = by
            .inner
            .txt_lookup::<Dmarc>(format!("_dmarc.{name}."), Some(&by.memory.dmarc))
            .await;
        match record.map(|record| record.psd.clone()) {
            Ok(Psd::No) => return Ok(Some(name.to_owned())),
            Ok(Psd::Yes) if name != domain => return Ok(one_label_below(name, domain)),
            Ok(Psd::Yes | Psd::Default) => shortest = Some(name.to_owned()),
            Err(Error::Dns(DnsError::Resolver(_))) => return Err(Unknown::Now),
            Err(_) => {}
        }
    }
    Ok(shortest)
}

/// The domain with one label more than `above`, towards `domain`.
fn one_label_below(above: &str, domain: &str) -> Option<String> {
    let rest = domain.strip_suffix(above)?.strip_suffix('.')?;
    let label = rest.rsplit('.').next()?;
    Some(format!("{label}.{above}"))
}

/// The names of the tree walk: the domain, and those above it.
fn names(domain: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(domain), |name| Some(name.split_once('.')?.1))
        .filter(move |name| *name == domain || name.split('.').count() <= MAX_LABELS)
}
