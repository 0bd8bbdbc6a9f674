use super::*;

#[test]
fn received_tells_who_when_and_how_in_short_lines() {
    let field = received(&Received {
        helo: "client.example.test",
        peer: "2001:db8::7".parse().ok(),
        peer_name: None,
        by: "mx.example.test",
        protocol: "ESMTPS",
        tls: Some("TLSv1.3 TLS_AES_256_GCM_SHA384"),
        id: "0193f2c4a1",
        recipient: Some("bob@example.test"),
        priority: None,
        at: 837_595_405,
    });
    assert_eq!(
        field,
        "Received: from client.example.test ([IPv6:2001:db8::7]) by mx.example.test\r\n \
         with ESMTPS (TLSv1.3 TLS_AES_256_GCM_SHA384) id 0193f2c4a1\r\n \
         for <bob@example.test>; Wed, 17 Jul 1996 09:23:25 +0000\r\n"
    );
    assert!(field.lines().all(|line| line.len() <= FOLD_AT));
}

#[test]
fn received_tells_the_priority() {
    let field = received(&Received {
        by: "mx.example.test",
        protocol: "ESMTPA",
        id: "1",
        recipient: Some("bob@example.test"),
        priority: Some(-4),
        at: 837_595_405,
        ..Received::default()
    });
    assert!(
        field.contains(" id 1 for <bob@example.test>\r\n PRIORITY -4; Wed,"),
        "{field}"
    );
}

#[test]
fn a_helo_cannot_break_out_of_its_field() {
    let field = received(&Received {
        helo: "evil\r\nSubject: x (",
        by: "mx",
        protocol: "SMTP",
        id: "1",
        ..Received::default()
    });
    assert!(field.starts_with("Received: from evil??Subject:?x?? by mx"));
    assert!(field.lines().skip(1).all(|line| line.starts_with(' ')));
}

#[test]
fn the_prefix_is_two_whole_fields_and_those_of_the_message() {
    assert_eq!(
        &prefix("", "bob@example.test", b"Received: a\r\n")[..],
        b"Return-Path: <>\r\nDelivered-To: bob@example.test\r\nReceived: a\r\n"
    );
}

#[test]
fn hops_are_received_fields() {
    let header = b"Received: a\r\n b\r\nreceived: c\r\nX-Received: d\r\n\r\nReceived: e\r\n";
    assert_eq!(hops(header), 2);
}
