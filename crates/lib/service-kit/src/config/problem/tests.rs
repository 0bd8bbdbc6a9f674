use super::*;

#[test]
fn the_nearest_known_word_is_found() {
    let known = ["max-connections", "listener", "login-timeout-seconds"];
    for (word, near) in [
        ("max-conections", Some("max-connections")),
        ("max_connections", Some("max-connections")),
        ("maxConnections", Some("max-connections")),
        ("listner", Some("listener")),
        ("lsitener", Some("listener")),
        ("login-timeout-second", Some("login-timeout-seconds")),
        ("colour", None),
    ] {
        assert_eq!(nearest(word, &known), near, "{word}");
    }
}

#[test]
fn a_key_is_named_as_it_is_written() {
    for (path, key) in [
        (&["hostname"][..], "hostname"),
        (&["pop3", "threads"], "[pop3] threads"),
        (&["pop3", "listener", "1", "tls"], "[[pop3.listener]] tls"),
        (
            &["mailbox-store", "oauth", "keys"],
            "[mailbox-store.oauth] keys",
        ),
    ] {
        assert_eq!(Problem::new(path, String::new()).key(), key);
    }
}
