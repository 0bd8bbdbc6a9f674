//! `postern explain` and policy scripts predict the server's replies: logins and delivery options, by role
//! and class of the listener.

use rules::{
    Assumptions, ListenerClass, ListenerRole, Play, Policy, ReversePath, SessionFacts, Timing,
    Verdict, explain,
};

use crate::system::{POLICY, Port, System};

const AUTH: &str = "AUTH PLAIN AGJvYkBleGFtcGxlLnRlc3QAc2VjcmV0";
const BOB: &str = "bob@example.test";

const RULES: &str = r#"
[[trust]]
name = "newsletter"
action = "distrust"
where = { sender = "news@*" }

[[trust]]
name = "partner"
action = "trust"
where = { network = "127.0.0.0/8", sender = "*@partner.test" }

[receiving.trusted]
max-hold = "1 h"
min-deliver-by = "1 min"
max-priority = 4
"#;

/// The parameters of MAIL, and the options they request.
fn asked() -> Vec<(&'static str, Timing)> {
    let nothing = Timing::default();
    let hold = |seconds: i64| Timing {
        hold: Some(seconds * 1000),
        ..nothing
    };
    let by = |seconds: i64, or_return| Timing {
        deliver_by: Some(seconds * 1000),
        or_return,
        ..nothing
    };
    let priority = |priority| Timing {
        priority: Some(priority),
        ..nothing
    };
    let both = |held: i64, seconds: i64| Timing {
        hold: Some(held * 1000),
        ..by(seconds, true)
    };
    vec![
        ("", nothing),
        (" HOLDFOR=60", hold(60)),
        (" HOLDFOR=3601", hold(3601)),
        (" BY=60;R", by(60, true)),
        (" BY=59;R", by(59, true)),
        (" BY=1;N", by(1, false)),
        (" HOLDFOR=60 BY=120;R", both(60, 120)),
        (" HOLDFOR=120 BY=120;R", both(120, 120)),
        (" MT-PRIORITY=4", priority(4)),
        (" MT-PRIORITY=9", priority(9)),
        (" MT-PRIORITY=-3", priority(-3)),
    ]
}

fn played(policy: &Policy, facts: &SessionFacts, sender: &str, timing: Timing) -> Verdict {
    let story = explain(
        policy,
        &Play {
            facts,
            sender: &ReversePath::parse(sender).unwrap(),
            size: None,
            timing,
            recipients: &[],
            taken: 0,
            has_user: &|_| true,
            assumptions: &Assumptions::default(),
            screen: None,
        },
    );
    story.sender
}

#[tokio::test]
async fn what_is_played_is_what_is_answered() {
    let document = format!("{RULES}{POLICY}");
    let policy = Policy::parse(&document).unwrap();
    let system = System::start_with(&document, |config| config.max_bad_commands = 1000).await;
    let localhost = std::net::IpAddr::from([127, 0, 0, 1]);
    for (port, role, class) in [
        (Port::External, ListenerRole::Mx, ListenerClass::External),
        (Port::Internal, ListenerRole::Mx, ListenerClass::Internal),
        (
            Port::Plaintext,
            ListenerRole::Submission,
            ListenerClass::External,
        ),
    ] {
        // A listener for other servers accepts logins under TLS only.
        let logins: &[bool] = match role {
            ListenerRole::Mx => &[false],
            ListenerRole::Submission => &[false, true],
        };
        for login in logins {
            let mut facts = SessionFacts::new("listener", localhost, localhost);
            facts.role = role;
            facts.class = class;
            facts.login = login.then(|| BOB.to_owned());
            for sender in [BOB, "news@x.test", "a@partner.test", ""] {
                let mut client = system.connect(port).await;
                if *login {
                    client.say(AUTH, 235).await;
                }
                for (parameters, timing) in asked() {
                    let what = format!("{role:?} {class:?} {login} <{sender}>{parameters}");
                    let verdict = played(&policy, &facts, sender, timing);
                    let mail = format!("MAIL FROM:<{sender}>{parameters}");
                    let reply = client.say(&mail, verdict.code).await;
                    if verdict.is_accepted() {
                        client.say("RSET", 250).await;
                        continue;
                    }
                    let Verdict { enhanced, text, .. } = verdict;
                    let expected = format!("{} {enhanced} {text}", verdict.code);
                    assert_eq!(reply.trim_end(), expected, "{what}");
                }
            }
        }
    }
}
