//! The fake name server answers over real sockets.
#![allow(clippy::unwrap_used, reason = "tests")]

use hickory_server::proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_server::proto::rr::{Name, RecordType};
use test_kit::FakeDns;
use tokio::net::UdpSocket;

async fn ask(dns: &FakeDns, name: &str, kind: RecordType) -> Message {
    let mut question = Message::new(7, MessageType::Query, OpCode::Query);
    question.add_query(Query::query(Name::from_ascii(name).unwrap(), kind));
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket
        .send_to(&question.to_vec().unwrap(), dns.address())
        .await
        .unwrap();
    let mut buffer = [0; 1500];
    let length = socket.recv(&mut buffer).await.unwrap();
    Message::from_vec(&buffer[..length]).unwrap()
}

#[tokio::test]
async fn records_failures_and_names_that_do_not_exist() {
    let dns = FakeDns::start(
        "example.test MX 10 mx1.example.test\n example.test MX 20 mx2.example.test\n\
         mx1.example.test A 127.0.0.1\n broken.test SERVFAIL\n null.test MX 0 .",
    )
    .await;
    let mx = ask(&dns, "Example.TEST.", RecordType::MX).await;
    let answers: Vec<String> = mx.answers.iter().map(|r| r.data.to_string()).collect();
    assert_eq!(answers, ["10 mx1.example.test.", "20 mx2.example.test."]);
    assert!(
        ask(&dns, "example.test.", RecordType::A)
            .await
            .answers
            .is_empty()
    );
    assert_eq!(
        ask(&dns, "null.test.", RecordType::MX).await.answers.len(),
        1
    );
    let broken = ask(&dns, "broken.test.", RecordType::MX).await;
    assert_eq!(broken.response_code, ResponseCode::ServFail);
    let missing = ask(&dns, "nowhere.test.", RecordType::MX).await;
    assert_eq!(missing.response_code, ResponseCode::NXDomain);
}
