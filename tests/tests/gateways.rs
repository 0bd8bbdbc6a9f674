//! A failing gateway: `postern status` names it until it works again.

use crate::harness::{SOON, Sink, Smtp, System, eventually};

/// The exit code and the output.
fn status(system: &System, arguments: &[&str]) -> (Option<i32>, String) {
    let status = system.command(&[&["status"], arguments].concat(), "");
    let text = String::from_utf8_lossy(&status.stdout).into_owned();
    (status.status.code(), text)
}

#[test]
fn a_gateway_that_fails_is_told_of_until_it_works() {
    let sink = Sink::start(0);
    sink.go_away();
    let system = System::start();
    let gateway = |host: &str| {
        format!(
            "[[gateway]]\nname = \"isp\"\nhosts = [\"{host}\"]\ntls = \"none\"\n\n\
             [[domain]]\nname = \"*\"\ndeliver = {{ gateway = \"isp\" }}\nfrom = \"trusted\"\n"
        )
    };
    let there = format!("127.0.0.1:{}", sink.port());
    system.apply_policy(&gateway(&there));
    let (code, text) = status(&system, &[]);
    assert_eq!(code, Some(0), "{text}");

    let mut smtp = Smtp::hello(system.smtp()).unwrap();
    let content = b"Subject: x\r\n\r\nHello\r\n";
    let reply = smtp.send("alice@here.test", &["bob@there.test"], content);
    assert_eq!(reply.unwrap().code, 250);
    eventually("a gateway that fails", SOON, || {
        let (code, text) = status(&system, &[]);
        (code == Some(1) && text.contains("- the gateway isp fails since ")).then_some(())
    });
    let (code, text) = status(&system, &["--json"]);
    assert_eq!(code, Some(1));
    let told: serde_json::Value = serde_json::from_str(&text).unwrap();
    let isp = &told["gateways"][0];
    assert_eq!(
        (&isp["name"], &isp["failing"]),
        (&"isp".into(), &true.into())
    );
    assert!(isp["failing_since"].is_string(), "{text}");
    let cause = isp["last_failure"].as_str().unwrap();
    assert!(cause.contains("127.0.0.1"), "{text}");

    sink.come_back();
    system.postern(&["queue", "retry"], "");
    assert!(sink.next().contains("<bob@there.test>"));
    system.await_empty_queue();
    let (code, text) = status(&system, &["--json"]);
    assert_eq!(code, Some(0), "{text}");
    let told: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(told["gateways"][0]["failing"], false, "{text}");
    assert!(told["gateways"][0]["last_success"].is_string(), "{text}");
}
