use crate::fakes::Answer;
use crate::system::{Port, System};

#[tokio::test]
async fn a_drain_finishes_the_message_under_way_and_sends_the_others_away() {
    let mut system = System::start().await;
    let mut idle = system.connect(Port::Internal).await;
    let mut sending = system.connect(Port::Internal).await;
    let mut waiting = system.connect(Port::Internal).await;
    sending.envelope("a@client.test", "bob@example.test").await;
    sending.say("DATA", 354).await;
    sending.send("A: b\r\n").await;
    waiting.envelope("a@client.test", "bob@example.test").await;
    system.queue.answer.send_replace(Answer::Hold);
    waiting.say("DATA", 354).await;
    waiting.send("x\r\n.\r\n").await;
    let mut arrived = system.queue.arrived.subscribe();
    arrived.wait_for(|count| *count == 1).await.unwrap();

    system.shutdown.cancel();
    idle.expect(421).await;
    idle.expect_end().await;
    system.queue.answer.send_replace(Answer::Accept);
    waiting.expect(250).await;
    waiting.expect(421).await;
    waiting.expect_end().await;
    sending.send("\r\nx\r\n.\r\n").await;
    sending.expect(250).await;
    sending.expect(421).await;
    sending.expect_end().await;
    (&mut system.served).await.unwrap().unwrap();
    assert_eq!(system.queue.accepted().len(), 2);
}
