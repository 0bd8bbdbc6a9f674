//! The whole process: it follows the policy, polls accounts, and reports.

use service_kit::Service;
use tokio::task::JoinHandle;

use super::{Bench, TIMEOUT, policy};
use crate::config::Config;

const MESSAGE: &[u8] = b"Message-ID: <1@x>\r\n\r\ntext\r\n";

fn start(bench: &Bench) -> (Service, JoinHandle<()>) {
    let mut service = Service::for_tests("collector");
    service.shared.endpoints.queue = Some(bench.queue.endpoint());
    service.shared.endpoints.mailbox_store = Some(bench.queue.endpoint());
    let running = service.clone();
    let task = tokio::spawn(async move {
        crate::run(Config::default(), running).await.unwrap();
    });
    (service, task)
}

fn document(bench: &Bench, account: &str, secret: &str) -> String {
    format!(
        r#"
        [[domain]]
        name = "example.test"
        deliver = "mailboxes"

        [[collect]]
        name = "{account}"
        server = "localhost:{}"
        protocol = "pop3"
        login = {{ user = "office", secret = "{secret}" }}
        deliver = {{ mailbox = "bob@example.test" }}
        "#,
        bench.server.port()
    )
}

#[tokio::test]
async fn an_account_is_polled_at_once_and_again_when_it_is_due() {
    let bench = Bench::new("pop3", "never", &[("u1", MESSAGE)]).await;
    let (service, task) = start(&bench);
    let follow = async {
        bench.queue.state().grants = 1;
        let policy = document(&bench, "isp", "isp-pop");
        bench.queue.document.send_replace(policy);
        let report = bench.queue.report().await;
        assert_eq!((&*report.account, &*report.error), ("isp", ""));
        assert_eq!((report.collected, report.left), (1, 0));

        bench.server.put("u2", MESSAGE);
        bench.queue.state().grants = 1;
        assert_eq!(bench.queue.report().await.collected, 1);

        // The policy has another account now, whose secret is missing.
        bench.queue.state().grants = 1;
        let policy = document(&bench, "other", "forgotten");
        bench.queue.document.send_replace(policy);
        let mut report = bench.queue.report().await;
        if report.account == "isp" {
            // The old account was quicker.
            bench.queue.state().grants = 1;
            report = bench.queue.report().await;
        }
        assert_eq!(report.account, "other");
        assert_eq!(report.error, "the secret `forgotten` is not set");
    };
    tokio::time::timeout(TIMEOUT, follow).await.unwrap();
    service.shutdown.cancel();
    tokio::time::timeout(TIMEOUT, task).await.unwrap().unwrap();
}

#[tokio::test]
async fn an_account_that_is_changed_is_polled_before_it_is_due() {
    let bench = Bench::new("pop3", "never", &[("u1", MESSAGE)]).await;
    let (service, task) = start(&bench);
    let follow = async {
        bench.queue.state().grants = 1;
        let policy = document(&bench, "isp", "forgotten");
        bench.queue.document.send_replace(policy);
        let report = bench.queue.report().await;
        assert_eq!(report.error, "the secret `forgotten` is not set");

        bench.queue.state().nothing_is_due = true;
        bench.queue.state().grants = 1;
        let policy = document(&bench, "isp", "isp-pop");
        bench.queue.document.send_replace(policy);
        let report = bench.queue.report().await;
        assert_eq!((&*report.error, report.collected), ("", 1));
    };
    tokio::time::timeout(TIMEOUT, follow).await.unwrap();
    service.shutdown.cancel();
    tokio::time::timeout(TIMEOUT, task).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_wrong_password_is_reported_in_the_servers_words() {
    let mut bench = Bench::new("pop3", "never", &[("u1", MESSAGE)]).await;
    let changed = policy(&bench.server, "pop3", "never", "5 min");
    let mut account = (*changed.collect_accounts()[0]).clone();
    account.login.secret = "nothing".to_owned();
    bench.account = std::sync::Arc::new(account);
    assert_eq!(
        bench.poll().await.error(),
        "the secret `nothing` is not set"
    );
    assert!(bench.server.state().commands.is_empty());
}
