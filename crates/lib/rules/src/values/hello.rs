//! The client's name in EHLO and HELO (RFC 5321 §4.1.1.1).

/// Octets of a domain (RFC 5321 §4.5.3.1.2).
const LONGEST: usize = 255;

/// Whether the name may be a domain or an address literal, as accepted from every client.
pub(crate) fn is_hello_name(name: &str) -> bool {
    let is_of_a_name = |octet: u8| octet.is_ascii_alphanumeric() || b"-._:[]".contains(&octet);
    (1..=LONGEST).contains(&name.len()) && name.bytes().all(is_of_a_name)
}

/// Whether the name is accepted from leniently treated clients: any text, or none.
pub(crate) fn is_lenient_hello_name(name: &str) -> bool {
    name.len() <= LONGEST && !name.contains(char::is_control)
}
