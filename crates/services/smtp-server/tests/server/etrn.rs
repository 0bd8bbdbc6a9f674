use crate::fakes::Answer;
use crate::system::{Port, System};

#[tokio::test]
async fn at_the_word_of_the_trusted_mail_is_tried_now() {
    let system = System::start().await;
    let mut client = system.connect(Port::Internal).await;
    let greeting = client.say("EHLO client.test", 250).await;
    assert!(greeting.contains("ETRN"), "{greeting}");
    let reply = client.say("ETRN Three.Test", 253).await;
    assert_eq!(reply, "253 2.0.0 3 pending messages started\n");
    client.say("ETRN nothing.test", 251).await;
    let runs = system.queue.runs();
    assert_eq!(runs[0].domain, "three.test");
    assert!(!runs[0].subdomains && runs.len() == 2);
    // The name may be international, and may include subdomains.
    client.say("ETRN @xn--bcher-kva.test", 251).await;
    let run = system.queue.runs().pop().unwrap();
    assert_eq!(run.domain, "xn--bcher-kva.test");
    assert!(run.subdomains);
    client.say("ETRN [192.0.2.1]", 501).await;
    client.say("ETRN #queue", 458).await;
}

#[tokio::test]
async fn a_run_is_bounded_and_not_begun_again_at_once() {
    let system = System::start().await;
    let mut client = system.connect(Port::Internal).await;
    client.say("ETRN many.test", 252).await;
    assert_eq!(system.queue.runs().len(), 10, "so many pages at a time");
    client.say("ETRN MANY.test", 250).await;
    assert_eq!(system.queue.runs().len(), 10);
    // Subdomains are a separate request.
    client.say("ETRN @many.test", 252).await;
    assert_eq!(system.queue.runs().len(), 20);
}

#[tokio::test]
async fn at_the_word_of_others_nothing_is_done() {
    let system = System::start().await;
    let mut client = system.connect(Port::External).await;
    let greeting = client.say("EHLO client.test", 250).await;
    assert!(!greeting.contains("ETRN"), "{greeting}");
    let reply = client.say("ETRN three.test", 459).await;
    assert_eq!(reply, "459 4.7.1 ETRN is not available to this client\n");
    let refusals = system.refusals.told(1).await;
    assert_eq!(refusals[0].verdict, "queue-run-denied");
    assert_eq!(refusals[0].reasons[0], "ETRN for three.test");
    let mut client = system.connect(Port::Submission).await;
    client.say("ETRN three.test", 530).await;
    assert!(system.queue.runs().is_empty());
}

#[tokio::test]
async fn a_queue_that_is_away_is_said_to_be_and_may_be_asked_again() {
    let system = System::start().await;
    let mut client = system.connect(Port::Internal).await;
    system.queue.answer.send_replace(Answer::Unavailable);
    let reply = client.say("ETRN three.test", 458).await;
    assert!(!reply.contains("secret"), "{reply}");
    system.queue.answer.send_replace(Answer::Accept);
    client.say("ETRN three.test", 253).await;
}
