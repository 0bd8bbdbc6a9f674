//! Estimates of the memory for a cached answer.

use std::mem::size_of_val;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use mail_auth::dmarc::URI;
use mail_auth::spf::{Directive, Macro, Mechanism};
use mail_auth::{MX, RecordSet, Txt};

/// For each entry: the cache's overhead, its name, and its allocations.
pub(super) const OVERHEAD: usize = 512;
/// The length of a key is not accessible; valid keys are shorter.
const KEY: usize = 1024;

/// Octets that a value holds on the heap.
pub(crate) trait Size {
    fn size(&self) -> usize {
        0
    }
}

impl Size for usize {}
impl Size for IpAddr {}
impl Size for Ipv4Addr {}
impl Size for Ipv6Addr {}

impl Size for Box<str> {
    fn size(&self) -> usize {
        self.len()
    }
}

impl<T: Size> Size for [T] {
    fn size(&self) -> usize {
        size_of_val(self) + self.iter().map(Size::size).sum::<usize>()
    }
}

impl<T: Size> Size for Arc<[T]> {
    fn size(&self) -> usize {
        self.as_ref().size()
    }
}

impl<T: Size> Size for RecordSet<T> {
    fn size(&self) -> usize {
        self.rrset.size()
    }
}

impl Size for MX {
    fn size(&self) -> usize {
        self.exchanges.as_ref().size()
    }
}

impl Size for Txt {
    fn size(&self) -> usize {
        match self {
            Self::Spf(record) => {
                let others = [&record.exp, &record.redirect].into_iter().flatten();
                record.directives.as_ref().size() + others.map(Size::size).sum::<usize>()
            }
            Self::Dmarc(record) => record.rua.as_slice().size() + record.ruf.as_slice().size(),
            Self::DomainKey(_) => KEY,
            _ => 0,
        }
    }
}

impl Size for URI {
    fn size(&self) -> usize {
        self.uri.len()
    }
}

impl Size for Directive {
    fn size(&self) -> usize {
        match &self.mechanism {
            Mechanism::Include { macro_string }
            | Mechanism::A { macro_string, .. }
            | Mechanism::Mx { macro_string, .. }
            | Mechanism::Ptr { macro_string }
            | Mechanism::Exists { macro_string } => macro_string.size(),
            Mechanism::All | Mechanism::Ip4 { .. } | Mechanism::Ip6 { .. } => 0,
        }
    }
}

impl Size for Macro {
    fn size(&self) -> usize {
        match self {
            Self::Literal(text) => text.len(),
            Self::List(parts) => parts.as_ref().size(),
            Self::Variable { .. } | Self::None => 0,
        }
    }
}
