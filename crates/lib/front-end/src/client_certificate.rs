//! Whom a client's certificate stands for.

use rules::EmailAddress;

/// Those of a certificate's mail addresses by which a user can be known, as the directory writes them.
#[must_use]
pub fn user_addresses(names: &[String]) -> Vec<String> {
    let usable = |name: &String| {
        let address = EmailAddress::parse(name).ok()?;
        address.domain()?;
        Some(address.folded().to_string())
    };
    names.iter().filter_map(usable).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_known_by_an_address_with_a_domain_in_lower_case() {
        let names = ["Bob@X.test", "bob", "bob@[192.0.2.1]", "eve@y.test"].map(str::to_owned);
        assert_eq!(user_addresses(&names), ["bob@x.test", "eve@y.test"]);
    }
}
