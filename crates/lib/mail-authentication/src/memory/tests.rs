#![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

use hickory_resolver::proto::op::ResponseCode;

use super::*;

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(3600)
}

#[test]
fn nothing_is_remembered_longer_than_it_holds() {
    let remembered: Remembered<Box<str>, usize> = Remembered::new();
    remembered.remember("holds.test.".into(), 1, soon());
    remembered.remember("held.test.".into(), 2, Instant::now());
    assert_eq!(remembered.recall("holds.test."), Some(1));
    assert_eq!(remembered.recall("held.test."), None);
    // What is said anew counts.
    remembered.remember("holds.test.".into(), 3, Instant::now());
    assert_eq!(remembered.recall("holds.test."), None);
}

#[test]
fn a_name_is_remembered_for_one_use_only() {
    let memory = Memory::new();
    let error = Txt::Error(Error::Dns(DnsError::InvalidRecordType));
    memory.spf.insert("_dmarc.bank.test.".into(), error, soon());
    assert!(!memory.spf.knows("_dmarc.bank.test."));
    let absence = Absence {
        code: ResponseCode::NXDomain,
        until: soon(),
    };
    memory.dmarc.remember_absence("_dmarc.bank.test.", absence);
    assert!(memory.dmarc.knows("_dmarc.bank.test."));
    assert!(!memory.keys.knows("_dmarc.bank.test."));
}
