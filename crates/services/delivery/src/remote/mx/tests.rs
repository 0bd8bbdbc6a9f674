#![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

use super::*;

#[tokio::test]
async fn names_are_looked_up_anew_once_for_each_wish() {
    let nobody = SocketAddr::from(([127, 0, 0, 1], 1));
    let resolver = Resolver::new(Some(nobody), "mail.example.test", SMTP).unwrap();
    let wish = Instant::now();
    assert!(resolver.is_older("x.test", wish));
    assert!(!resolver.is_older("x.test", wish));
    assert!(resolver.is_older("y.test", wish));
    let later = Instant::now() + std::time::Duration::from_secs(1);
    assert!(resolver.is_older("x.test", later));
    for n in 0..2 * MAX_RENEWED {
        resolver.is_older(&format!("{n}.test"), wish);
    }
    assert!(resolver.renewed.lock().unwrap().len() <= MAX_RENEWED);
}

#[test]
fn this_machine_is_known_by_its_addresses() {
    for ours in ["0.0.0.0", "::", "127.0.0.1", "127.0.0.9", "::1"] {
        assert!(is_this_machine(ours.parse().unwrap()), "{ours}");
    }
    // An IPv4 address in its IPv6 form.
    assert!(is_this_machine("::ffff:127.0.0.1".parse().unwrap()));
    for other in ["192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1"] {
        assert!(!is_this_machine(other.parse().unwrap()), "{other}");
    }
}
