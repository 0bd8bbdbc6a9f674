//! A cache of DNS answers in the form that the checks use, for their TTL. The resolver caches answers too,
//! but getting one from there and parsing the record again costs many times as much, and a message needs a
//! dozen.

mod size;

use std::borrow::Borrow;
use std::hash::Hash;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Instant;

use mail_auth::{DnsError, Error, MX, Parameters, RecordSet, ResolverCache, Txt};
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use self::size::{OVERHEAD, Size};
use crate::dns::{Absence, LONGEST};

/// Approximate octets cached of each kind: some ten thousand usual answers. Strangers choose the data at
/// their names, and an answer may have 64 KiB, which are many times as much in parsed form.
const ROOM: u64 = 8 << 20;
const USUAL_NUMBER: usize = 10_000;

/// All caches.
///
/// A name is cached separately for each use. Strangers choose the names that SPF looks up: if a cached "no
/// SPF record" also meant "no DMARC record", an attacker could make a check look up the SPF record at the
/// DMARC name of a domain to disable its policy.
pub(crate) struct Memory {
    pub(crate) spf: Texts,
    pub(crate) keys: Texts,
    pub(crate) dmarc: Texts,
    /// The number of a domain's SPF records.
    pub(crate) spf_records: Remembered<Box<str>, usize>,
    /// The answers of DNS lists.
    pub(crate) listings: Remembered<Box<str>, Arc<[Ipv4Addr]>>,
    pub(crate) mx: Remembered<Box<str>, RecordSet<MX>>,
    pub(crate) ipv4: Remembered<Box<str>, RecordSet<Ipv4Addr>>,
    pub(crate) ipv6: Remembered<Box<str>, RecordSet<Ipv6Addr>>,
    ptr: Remembered<IpAddr, RecordSet<Box<str>>>,
}

/// The parameters of a check of the library, with the cache to consult first.
pub(crate) type Remembering<'x, P> = Parameters<
    'x,
    P,
    Texts,
    Remembered<Box<str>, RecordSet<MX>>,
    Remembered<Box<str>, RecordSet<Ipv4Addr>>,
    Remembered<Box<str>, RecordSet<Ipv6Addr>>,
    Remembered<IpAddr, RecordSet<Box<str>>>,
>;

impl Memory {
    pub(crate) fn new() -> Self {
        Self {
            spf: Texts::of(|text| matches!(text, Txt::Spf(_))),
            keys: Texts::of(|text| matches!(text, Txt::DomainKey(_))),
            dmarc: Texts::of(|text| matches!(text, Txt::Dmarc(_))),
            spf_records: Remembered::new(),
            listings: Remembered::new(),
            mx: Remembered::new(),
            ipv4: Remembered::new(),
            ipv6: Remembered::new(),
            ptr: Remembered::new(),
        }
    }

    /// A check that reads texts of one kind.
    pub(crate) fn with<'x, P>(&'x self, texts: &'x Texts, check: P) -> Remembering<'x, P> {
        Parameters::new(check)
            .with_txt_cache(texts)
            .with_mx_cache(&self.mx)
            .with_ipv4_cache(&self.ipv4)
            .with_ipv6_cache(&self.ipv6)
            .with_ptr_cache(&self.ptr)
    }
}

/// Values cached until their own expiry. Expired values are not returned, and are evicted when room is
/// needed.
pub(crate) struct Remembered<K, V>(Cache<K, Until<V>, Weight>);

#[derive(Clone)]
struct Until<V> {
    value: V,
    moment: Instant,
}

#[derive(Clone)]
struct Weight;

impl<K, V: Size> Weighter<K, Until<V>> for Weight {
    fn weight(&self, _: &K, known: &Until<V>) -> u64 {
        (OVERHEAD + known.value.size()) as u64
    }
}

impl<K, V> Remembered<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Clone + Size + Send + Sync + 'static,
{
    fn new() -> Self {
        Self(Cache::with_weighter(USUAL_NUMBER, ROOM, Weight))
    }

    pub(crate) fn recall<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let known = self.0.get(key)?;
        (known.moment > Instant::now()).then_some(known.value)
    }

    pub(crate) fn remember(&self, key: K, value: V, moment: Instant) {
        let moment = moment.min(Instant::now() + LONGEST);
        self.0.insert(key, Until { value, moment });
    }
}

impl<K, V> ResolverCache<K, V> for Remembered<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Clone + Size + Send + Sync + 'static,
{
    fn get<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.recall(key)
    }

    fn remove<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.0.remove(key).map(|(_, known)| known.value)
    }

    fn insert(&self, key: K, value: V, moment: Instant) {
        self.remember(key, value, moment);
    }
}

/// Texts of one kind, by absolute name. A text of another kind is queried again.
pub(crate) struct Texts {
    is_of_kind: fn(&Txt) -> bool,
    known: Remembered<Box<str>, Txt>,
}

impl Texts {
    fn of(is_of_kind: fn(&Txt) -> bool) -> Self {
        let known = Remembered::new();
        Self { is_of_kind, known }
    }

    pub(crate) fn knows(&self, name: &str) -> bool {
        self.known.recall(name).is_some()
    }

    /// Caches the DNS answer that nothing exists at a name.
    pub(crate) fn remember_absence(&self, name: &str, absence: Absence) {
        let text = Txt::Error(Error::Dns(DnsError::RecordNotFound(absence.code)));
        self.known.remember(name.into(), text, absence.until);
    }
}

impl ResolverCache<Box<str>, Txt> for Texts {
    fn get<Q>(&self, name: &Q) -> Option<Txt>
    where
        Box<str>: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.known.recall(name)
    }

    fn remove<Q>(&self, name: &Q) -> Option<Txt>
    where
        Box<str>: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        ResolverCache::remove(&self.known, name)
    }

    fn insert(&self, name: Box<str>, text: Txt, moment: Instant) {
        if (self.is_of_kind)(&text) {
            self.known.remember(name, text, moment);
        }
    }
}

#[cfg(test)]
mod tests;
