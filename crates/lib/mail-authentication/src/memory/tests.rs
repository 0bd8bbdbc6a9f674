#![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

use std::time::Duration;

use hickory_resolver::proto::op::ResponseCode;
use mail_auth::DnssecStatus;
use mail_auth::common::parse::TxtRecordParser as _;
use mail_auth::dmarc::Dmarc;
use mail_auth::spf::Spf;

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

/// The longest answers that there can be are many times as long as they were when they have been read.
#[test]
fn strangers_do_not_choose_how_much_memory_is_used() {
    let memory = Memory::new();
    let reports = "v=DMARC1; p=none; rua=mailto:a@b.c".to_owned() + &",mailto:a@b.c".repeat(4000);
    let servers = MX {
        exchanges: vec!["mail.example.test.".into(); 3000].into(),
        preference: 10,
    };
    for n in 0..100 {
        let name = || format!("{n}.evil.test.").into_boxed_str();
        let record = match n % 3 {
            0 => "v=spf1".to_owned() + &" a".repeat(32_000),
            1 => "v=spf1 exists:".to_owned() + &"%{i}".repeat(16_000) + " -all",
            _ => "v=spf1 redirect=".to_owned() + &"%{i}".repeat(16_000),
        };
        let record = Spf::parse(record.as_bytes()).unwrap();
        memory.spf.insert(name(), record.into(), soon());
        let record = Dmarc::parse(reports.as_bytes()).unwrap();
        memory.dmarc.insert(name(), record.into(), soon());
        let servers = RecordSet {
            rrset: vec![servers.clone()].into(),
            dnssec_status: DnssecStatus::Indeterminate,
        };
        memory.mx.insert(name(), servers, soon());
    }
    let kept = [
        kept(&memory.spf.known),
        kept(&memory.dmarc.known),
        kept(&memory.mx),
    ];
    assert!(kept[0] < 20 && kept[1] < 60 && kept[2] < 90, "{kept:?}");
}

#[test]
fn there_is_room_for_many_ordinary_answers() {
    let memory = Memory::new();
    for n in 0..5000 {
        let record =
            b"v=spf1 ip4:192.0.2.0/24 include:_spf.example.test a:mail.example.test mx -all";
        let record = Spf::parse(record).unwrap();
        let name = format!("{n}.example.test.");
        memory.spf.insert(name.into(), record.into(), soon());
    }
    assert_eq!(kept(&memory.spf.known), 5000);
}

fn kept<V: Clone + Size>(remembered: &Remembered<Box<str>, V>) -> usize {
    remembered.0.len()
}
