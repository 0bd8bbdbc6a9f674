//! I8: fail closed. I1: 250 only after the queue's commit.

use crate::fakes::Answer;
use crate::system::{Port, System};

#[tokio::test]
async fn without_a_policy_nobody_is_served() {
    let system = System::start_with("", |_| {}).await;
    let mut client = system.connect_raw(Port::Internal).await;
    client.expect(421).await;
    client.expect_end().await;
    system.policy.send_replace(crate::system::POLICY.to_owned());
    system.policy_in_force().await;
}

#[tokio::test]
async fn a_message_that_the_queue_does_not_take_is_not_accepted() {
    let system = System::start().await;
    let mut client = system.connect(Port::Internal).await;
    let rows = [
        (Answer::Unavailable, 451),
        (Answer::Break, 451),
        (Answer::Refuse, 554),
        (Answer::Accept, 250),
    ];
    for (answer, code) in rows {
        system.queue.answer.send_replace(answer);
        client.envelope("a@client.test", "bob@example.test").await;
        let reply = client.data("", code).await;
        assert!(!reply.contains("secret"), "{reply}");
    }
    assert_eq!(system.queue.accepted().len(), 1);
}

#[tokio::test]
async fn i8_until_the_queue_has_been_reached_nobody_is_served() {
    let system = System::start_before_the_queue().await;
    // The policy comes meanwhile.
    let mut opened = system.queue.opened.subscribe();
    opened.wait_for(|times| *times > 1).await.unwrap();
    assert!(!system.is_ready().await);
    system.connect_raw(Port::External).await.expect(421).await;
    system.queue.reachable.send_replace(true);
    test_kit::in_time("the service is ready", async {
        while !system.is_ready().await {
            tokio::task::yield_now().await;
        }
    })
    .await;
    system.connect_raw(Port::External).await.expect(220).await;
}
