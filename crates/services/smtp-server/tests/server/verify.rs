use crate::system::{Port, System};

#[tokio::test]
async fn the_trusted_are_told_who_has_a_mailbox() {
    let system = System::start().await;
    let mut client = system.connect(Port::Internal).await;
    let reply = client.say("VRFY Bob@Example.test", 250).await;
    assert_eq!(reply, "250 2.1.5 <bob@example.test>\n");
    client.say("VRFY <eve@example.test>", 250).await;
    client.say("VRFY nobody@example.test", 550).await;
    // Another server knows, or none does.
    client.say("VRFY x@elsewhere.test", 252).await;
    client.say("VRFY nobody@silent.test", 252).await;
    client.say("VRFY bob", 501).await;
    client.say("EXPN list", 502).await;
    system.set_away(true);
    client.say("VRFY other@example.test", 451).await;
}

#[tokio::test]
async fn others_are_not() {
    let system = System::start().await;
    let mut client = system.connect(Port::External).await;
    for name in ["bob@example.test", "nobody@example.test", "bob", "<@,"] {
        let reply = client.say(&format!("VRFY {name}"), 252).await;
        assert_eq!(reply, "252 2.1.5 Send some mail, and see\n", "{name}");
    }
    assert_eq!(system.directory.state().asked, 0);
}
