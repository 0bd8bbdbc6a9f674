//! A message is found by the id that its client read.

use crate::harness::{SOON, Smtp, System, eventually};

#[test]
fn the_id_of_the_reply_leads_through_logs_queue_and_history() {
    let system = System::start();
    system.add_domain("example.test");
    system.add_users(&["bob@example.test"]);
    let unknown = system.command(&["queue", "show", "01M8PP6D2X9Q7"], "");
    assert_eq!(unknown.status.code(), Some(1));
    let before = system.json(&["queue", "history", "--recipient", "bob@example.test"]);
    assert_eq!(before, serde_json::json!([]));
    let reply = Smtp::hello(system.smtp())
        .unwrap()
        .send(
            "alice@example.test",
            &["bob@example.test"],
            b"Subject: x\r\n\r\nHello\r\n",
        )
        .unwrap();
    assert_eq!(reply.code, 250, "{}", reply.text);
    let id = reply.text.rsplit(' ').next().unwrap().trim().to_owned();
    system.await_empty_queue();

    // In any form in which the id may be pasted.
    let lower = id.to_lowercase();
    let pasted = [id.as_str(), &lower, &reply.text];
    let mut numbers = Vec::new();
    for text in pasted {
        let shown = system.json(&["queue", "show", text]);
        assert_eq!(shown["history"][0]["outcome"], "delivered", "{text}");
        assert_eq!(shown["history"][0]["id"], id.as_str());
        numbers.push(shown["message"].as_i64().unwrap());
    }
    numbers.dedup();
    assert_eq!(numbers.len(), 1);

    let after = system.json(&["queue", "history", "--recipient", "BOB@example.test"]);
    assert_eq!(after.as_array().unwrap().len(), 1);
    let by_id = system.json(&["queue", "history", "--id", &lower]);
    assert_eq!(by_id[0]["message"], numbers[0]);
    assert_eq!(by_id.as_array().unwrap().len(), 1);

    eventually("both lines", SOON, || {
        let logs = system.logs();
        let lines: Vec<&str> = logs.lines().filter(|line| line.contains(&id)).collect();
        let said = |what: &str| lines.iter().any(|line| line.contains(what));
        (said(" INFO mail: accepted ") && said(" INFO mail: delivered ")).then_some(())
    });
}
