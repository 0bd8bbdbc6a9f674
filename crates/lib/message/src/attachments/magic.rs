//! Types detected by the first octets of a content.

/// Maximum number of inspected octets.
pub(super) const MAX_HEAD: usize = 512;

/// A signature and its types; the first is the name used in reports.
struct Magic {
    at: usize,
    /// A text may begin like this too: the types apply only if the head is not text.
    is_word: bool,
    octets: &'static [u8],
    types: &'static [&'static str],
}

const fn magic(octets: &'static [u8], types: &'static [&'static str]) -> Magic {
    Magic {
        at: 0,
        is_word: false,
        octets,
        types,
    }
}

const fn word(octets: &'static [u8], types: &'static [&'static str]) -> Magic {
    Magic {
        is_word: true,
        ..magic(octets, types)
    }
}

/// The types, under the names that administrators know.
const TABLE: &[Magic] = &[
    word(
        b"MZ",
        &[
            "application/x-msdownload",
            "application/vnd.microsoft.portable-executable",
            "application/x-dosexec",
            "application/x-msdos-program",
            "application/x-executable",
        ],
    ),
    magic(
        b"\x7fELF",
        &[
            "application/x-elf",
            "application/x-executable",
            "application/x-sharedlib",
        ],
    ),
    magic(b"\xfe\xed\xfa\xce", MACH_O),
    magic(b"\xfe\xed\xfa\xcf", MACH_O),
    magic(b"\xce\xfa\xed\xfe", MACH_O),
    magic(b"\xcf\xfa\xed\xfe", MACH_O),
    // Java class files and Mach-O universal binaries begin alike.
    magic(
        b"\xca\xfe\xba\xbe",
        &[
            "application/java-vm",
            "application/x-java-vm",
            "application/x-mach-binary",
            "application/x-executable",
        ],
    ),
    magic(b"PK\x03\x04", ZIP),
    magic(b"PK\x05\x06", ZIP),
    magic(b"PK\x07\x08", ZIP),
    magic(b"%PDF-", &["application/pdf"]),
    magic(
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        &["application/x-ole-storage", "application/x-cfb"],
    ),
    magic(
        b"Rar!\x1a\x07",
        &[
            "application/vnd.rar",
            "application/x-rar-compressed",
            "application/x-rar",
        ],
    ),
    magic(b"7z\xbc\xaf\x27\x1c", &["application/x-7z-compressed"]),
    magic(b"\x1f\x8b", &["application/gzip", "application/x-gzip"]),
    magic(b"BZh", &["application/x-bzip2"]),
    magic(b"\xfd7zXZ\x00", &["application/x-xz"]),
    magic(b"\x28\xb5\x2f\xfd", &["application/zstd"]),
    word(
        b"MSCF",
        &["application/vnd.ms-cab-compressed", "application/x-cab"],
    ),
    magic(
        b"\x4c\x00\x00\x00\x01\x14\x02\x00",
        &["application/x-ms-shortcut"],
    ),
    word(b"ITSF", &["application/vnd.ms-htmlhelp"]),
    magic(
        b"\x78\x9f\x3e\x22",
        &["application/ms-tnef", "application/vnd.ms-tnef"],
    ),
    magic(b"{\\rtf", &["application/rtf", "text/rtf"]),
    magic(
        b"#!",
        &[
            "text/x-shellscript",
            "application/x-sh",
            "application/x-shellscript",
        ],
    ),
    magic(b"\x00asm", &["application/wasm"]),
    word(b"dex\n", &["application/x-dex"]),
    Magic {
        at: 257,
        is_word: false,
        octets: b"ustar",
        types: &["application/x-tar"],
    },
];

const MACH_O: &[&str] = &["application/x-mach-binary", "application/x-executable"];
const ZIP: &[&str] = &[
    "application/zip",
    "application/x-zip-compressed",
    "application/x-zip",
];

/// The types that match a content.
pub(super) fn types(head: &[u8]) -> impl Iterator<Item = &'static str> {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    TABLE
        .iter()
        .filter(|magic| {
            head.get(magic.at..)
                .is_some_and(|head| head.starts_with(magic.octets))
                && !(magic.is_word && is_text(head))
        })
        .flat_map(|magic| magic.types.iter().copied())
}

/// The range of the fixed fields of these formats.
const FIXED: usize = 64;

/// Whether a head may be text, in any charset (ISO 2022 uses control characters). The head of a program
/// never is: the position of its PE header is in the last four of the first 64 octets, and text octets
/// there would place it at 144 MiB or later.
fn is_text(head: &[u8]) -> bool {
    !head
        .iter()
        .take(FIXED)
        .any(|byte| matches!(byte, 0..=8 | 0x10..=0x19 | 0x1c..=0x1f))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_program(head: &[u8]) -> bool {
        types(head).any(|one| one == "application/x-msdownload")
    }

    #[test]
    fn programs_are_told_from_texts_that_begin_with_their_letters() {
        let dos = b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0\xb8\0\0\0";
        assert!(is_program(dos));
        // Everything is text except the position of the PE header.
        let mut filled = b"MZ".to_vec();
        filled.resize(60, b'A');
        assert!(!is_program(&filled));
        filled.extend_from_slice(&0x40_u32.to_le_bytes());
        filled.extend_from_slice(b"PE\0\0");
        assert!(is_program(&filled));
        for text in [
            "MZ",
            "MZone meeting today",
            "MZ,AB\r\n1,2\r\n",
            "\u{feff}MZ f\u{fc}r alle\r\n\tSeite 2\u{c}",
            "MZ \u{1b}$B4A;z\u{1b}(B",
        ] {
            assert!(!is_program(text.as_bytes()), "{text:?}");
        }
        assert!(types(b"MSCF report").next().is_none());
        assert!(types(b"MSCF\0\0\0\0").next().is_some());
    }
}
