//! ISO-2022-KR (RFC 1557).

use encoding_rs::EUC_KR;

/// Shifts to KS X 1001, and back to ASCII.
const SO: u8 = 0x0e;
const SI: u8 = 0x0f;
/// Stands once at the start: the target of SO.
const DESIGNATION: &[u8] = b"\x1b$)C";

pub(super) fn is_name(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"iso-2022-kr") || name.eq_ignore_ascii_case(b"csiso2022kr")
}

/// Decodes the text. Shifted text is EUC-KR without the high bits; a line end ends the shift.
pub(super) fn decode(octets: &[u8], into: &mut String) {
    let mut shifted = false;
    let mut euc = Vec::with_capacity(octets.len());
    let mut rest = octets;
    while let [first, after @ ..] = rest {
        if let Some(after) = rest.strip_prefix(DESIGNATION) {
            rest = after;
            continue;
        }
        rest = after;
        match *first {
            SO => shifted = true,
            SI => shifted = false,
            octet @ 0x21..=0x7e if shifted => euc.push(octet | 0x80),
            octet => {
                shifted &= octet != b'\n';
                euc.push(octet);
            }
        }
    }
    into.push_str(&EUC_KR.decode_without_bom_handling(&euc).0);
}

#[cfg(test)]
mod tests {
    #[test]
    fn shifted_octets_are_korean_and_others_ascii() {
        for (octets, text) in [
            (&b"evil.exe"[..], "evil.exe"),
            (b"\x1b$)C\x0e0!\x0f.exe", "\u{ac00}.exe"),
            (b"\x0e0!\n.exe", "\u{ac00}\n.exe"),
        ] {
            let mut decoded = String::new();
            super::decode(octets, &mut decoded);
            assert_eq!(decoded, text, "{octets:?}");
        }
    }
}
