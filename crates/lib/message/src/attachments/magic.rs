//! Types that are told by the first octets of a content.

/// Octets that are looked at.
pub(super) const MAX_HEAD: usize = 512;

/// What begins so is of these types; the first is the one it is called by.
struct Magic {
    at: usize,
    octets: &'static [u8],
    types: &'static [&'static str],
}

const fn magic(octets: &'static [u8], types: &'static [&'static str]) -> Magic {
    Magic {
        at: 0,
        octets,
        types,
    }
}

/// Each type in the names that administrators know it by.
const TABLE: &[Magic] = &[
    magic(
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
    // Java's class files and Mach-O for several processors begin alike.
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
    magic(
        b"MSCF",
        &["application/vnd.ms-cab-compressed", "application/x-cab"],
    ),
    magic(
        b"\x4c\x00\x00\x00\x01\x14\x02\x00",
        &["application/x-ms-shortcut"],
    ),
    magic(b"ITSF", &["application/vnd.ms-htmlhelp"]),
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
    magic(b"dex\n", &["application/x-dex"]),
    Magic {
        at: 257,
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

/// The types that a content is of.
pub(super) fn types(head: &[u8]) -> impl Iterator<Item = &'static str> {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    TABLE
        .iter()
        .filter(|magic| {
            head.get(magic.at..)
                .is_some_and(|head| head.starts_with(magic.octets))
        })
        .flat_map(|magic| magic.types.iter().copied())
}
