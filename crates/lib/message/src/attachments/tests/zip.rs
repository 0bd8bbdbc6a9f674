//! Archives as programs write them and as attackers do.

use crate::attachments::zip::{Budget, ZipNames};

/// The header in front of a file, or its line of the directory.
fn entry(signature: &[u8; 2], name: &[u8], extra: &[u8], method: u8, flags: u8) -> Vec<u8> {
    let local = signature == b"\x03\x04";
    let mut entry = [b"PK", signature.as_slice()].concat();
    if !local {
        entry.extend_from_slice(&[20, 0]);
    }
    entry.extend_from_slice(&[20, 0, flags, 0, method, 0]);
    // Time, checksum and sizes are not believed anyway.
    entry.extend_from_slice(&[0xff; 16]);
    entry.extend_from_slice(&(name.len() as u16).to_le_bytes());
    entry.extend_from_slice(&(extra.len() as u16).to_le_bytes());
    if !local {
        entry.extend_from_slice(&[0; 14]);
    }
    [entry.as_slice(), name, extra].concat()
}

const LOCAL: &[u8; 2] = b"\x03\x04";
const DIRECTORY: &[u8; 2] = b"\x01\x02";

fn names(archive: &[u8], size: usize) -> Vec<String> {
    let mut zip = ZipNames::default();
    let mut budget = Budget::default();
    let mut found = Vec::new();
    for piece in archive.chunks(size) {
        zip.push(piece, &mut budget, &mut found).unwrap();
    }
    found
}

fn deflated(octets: &[u8]) -> Vec<u8> {
    miniz_oxide::deflate::compress_to_vec(octets, 6)
}

#[test]
fn names_are_read_off_local_headers_and_the_directory_however_the_archive_is_cut() {
    let unicode = [b"\x75\x70\x0c\0\x01abcd", b"real.exe".as_slice()].concat();
    let unicode = [&unicode[..2], &[13, 0], &unicode[4..]].concat();
    let packed = deflated(&entry(LOCAL, b"deep.exe", b"", 0, 0));
    let archive = [
        b"junk P PK in front".to_vec(),
        // Encrypted, with a data descriptor; the sizes are unknown.
        entry(LOCAL, b"secret.scr", b"", 8, 9),
        b"data PK\x07\x08 descriptor".to_vec(),
        entry(LOCAL, b"shown.txt", &unicode, 0, 0),
        entry(LOCAL, b"inner.ZIP", b"", 8, 0),
        packed,
        entry(DIRECTORY, b"hidden.exe", b"\x01\0\x04\0zip6", 0, 0),
        b"PK".to_vec(),
    ]
    .concat();
    for size in 1..=archive.len() {
        let mut found = names(&archive, size);
        found.sort();
        let wanted = [
            "deep.exe",
            "hidden.exe",
            "inner.ZIP",
            "real.exe",
            "secret.scr",
            "shown.txt",
        ];
        assert_eq!(found, wanted, "in pieces of {size}");
    }
}

#[test]
fn a_header_that_claims_to_reach_over_others_hides_none() {
    let mut liar = entry(LOCAL, b"x", b"", 0, 0);
    // An extra field of 64 KiB, and one whose name takes in what follows.
    liar[28..30].copy_from_slice(&u16::MAX.to_le_bytes());
    let mut other = entry(LOCAL, b"y", b"", 0, 0);
    other[26..28].copy_from_slice(&100_u16.to_le_bytes());
    let archive = [
        liar,
        other,
        entry(LOCAL, b"evil.exe", b"", 0, 0),
        vec![b'.'; 5_000],
    ]
    .concat();
    for size in [1, 7, 64, 10_000] {
        let found = names(&archive, size);
        assert!(
            found.iter().any(|name| name == "evil.exe"),
            "{size}: {found:?}"
        );
    }
}

#[test]
fn only_so_many_octets_of_names_are_looked_at() {
    let mut zip = ZipNames::default();
    let mut budget = Budget::default();
    let archive = entry(LOCAL, &[b'a'; 4_000], b"", 0, 0).repeat(10);
    let taken = (0..1_000)
        .take_while(|_| zip.push(&archive, &mut budget, &mut Vec::new()).is_ok())
        .count();
    assert!((400..500).contains(&taken), "{taken}");
}

#[test]
fn only_so_many_archives_are_begun_to_be_unpacked() {
    let mut zip = ZipNames::default();
    let mut budget = Budget::default();
    // What follows is no deflated archive.
    let archive = [entry(LOCAL, b"x.zip", b"", 8, 0), vec![0xff; 8]].concat();
    let archives = archive.repeat(100);
    let taken = (0..1_000)
        .take_while(|_| zip.push(&archives, &mut budget, &mut Vec::new()).is_ok())
        .count();
    assert!((90..=100).contains(&taken), "{taken}");
}
