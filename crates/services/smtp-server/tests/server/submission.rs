use crate::client::Client;
use crate::system::{Port, System};

async fn logged_in(system: &System) -> Client {
    let mut client = system.connect(Port::Plaintext).await;
    client
        .say("AUTH PLAIN AGJvYkBleGFtcGxlLnRlc3QAc2VjcmV0", 235)
        .await;
    client
        .envelope("bob@example.test", "eve@example.test")
        .await;
    client
}

fn header(system: &System) -> String {
    let content = system.queue.only().content.unwrap();
    String::from_utf8(content.header.to_vec()).unwrap()
}

#[tokio::test]
async fn what_a_program_leaves_out_is_added() {
    let system = System::start().await;
    let mut client = logged_in(&system).await;
    client.data("Subject: x\r\n\r\ntext", 250).await;
    let header = header(&system);
    let lines: Vec<_> = header
        .lines()
        .filter(|line| !line.starts_with(' '))
        .collect();
    assert!(lines[0].starts_with("Received: "), "{header}");
    assert!(lines[1].starts_with("Date: "), "{header}");
    assert!(lines[2].starts_with("Message-ID: <"), "{header}");
    assert!(lines[2].ends_with("@mail.example.test>"), "{header}");
    assert_eq!(lines[3], "Subject: x");
}

#[tokio::test]
async fn what_it_says_is_left_alone() {
    let system = System::start().await;
    let mut client = logged_in(&system).await;
    client
        .data("date: today\r\nMESSAGE-ID: <1@x>\r\n\r\ntext", 250)
        .await;
    let header = header(&system);
    assert!(
        header.contains("\r\ndate: today\r\nMESSAGE-ID: <1@x>\r\n\r\n"),
        "{header}"
    );
    assert_eq!(header.to_lowercase().matches("\r\ndate:").count(), 1);
}

#[tokio::test]
async fn a_message_without_a_header_section_gets_one() {
    let system = System::start().await;
    let mut client = logged_in(&system).await;
    client.data("\r\njust text", 250).await;
    let header = header(&system);
    assert!(
        header.contains("Date: ") && header.ends_with(">\r\n\r\n"),
        "{header}"
    );
}
