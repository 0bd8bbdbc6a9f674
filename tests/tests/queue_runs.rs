//! A server has come back after an outage: its waiting mail is delivered at once on request.

use crate::harness::{SOON, Sink, Smtp, System, eventually};

#[test]
fn at_the_word_of_etrn_and_of_a_command_what_waits_goes_out() {
    let sink = Sink::start(0);
    sink.go_away();
    let system = System::start();
    system.apply_policy(&format!(
        "[[gateway]]\nname = \"there\"\nhosts = [\"127.0.0.1:{}\"]\n\n\
         [[domain]]\nname = \"*\"\ndeliver = {{ gateway = \"there\" }}\nfrom = \"trusted\"\n",
        sink.port()
    ));
    let put_off = |recipient: &str| {
        let reply = Smtp::hello(system.smtp())
            .unwrap()
            .send(
                "alice@here.test",
                &[recipient],
                b"Subject: x\r\n\r\nHello\r\n",
            )
            .unwrap();
        assert_eq!(reply.code, 250, "{}", reply.text);
        eventually("the first attempt", SOON, || {
            let listed = system.json(&["queue", "list", "--recipient", recipient]);
            let waits = &listed[0]["recipients"][0];
            (waits["attempts"] == 1 && waits["under_way"] == false).then_some(())
        });
    };
    put_off("bob@there.test");
    put_off("eve@below.there.test");

    // A moment ago delivery found the server unreachable.
    sink.come_back();
    let mut smtp = Smtp::hello(system.external()).unwrap();
    let reply = smtp.command("ETRN there.test").unwrap();
    assert_eq!(reply.code, 459, "{}", reply.text);
    let mut smtp = Smtp::hello(system.smtp()).unwrap();
    let reply = smtp.command("ETRN nowhere.test").unwrap();
    assert_eq!(reply.code, 251, "{}", reply.text);
    let reply = smtp.command("ETRN there.test").unwrap();
    assert_eq!(reply.code, 253, "{}", reply.text);
    assert!(reply.text.contains(" 1 pending "), "{}", reply.text);
    assert!(sink.next().contains("<bob@there.test>"));

    let said = system.json(&["queue", "retry", "--domain", "There.test", "--subdomains"]);
    assert_eq!(said["recipients"], 1);
    assert!(sink.next().contains("<eve@below.there.test>"));
    system.await_empty_queue();
    let said = system.postern(&["queue", "retry"], "");
    assert!(said.starts_with("No matching recipient waits"), "{said}");
}
