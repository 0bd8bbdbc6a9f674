//! Access rights of the queue's services.

use api::rights::{CALLERS, SERVICES, callers, is_refused};
use service_kit::Service;

use crate::harness::Queue;

#[tokio::test]
async fn each_call_is_open_to_those_who_may_make_it_and_to_nobody_else() {
    let queue = Queue::start().await;
    let ours = SERVICES
        .iter()
        .filter(|(service, _)| !of_mailbox_store(service));
    let paths: Vec<String> = ours
        .flat_map(|(service, calls)| {
            calls
                .iter()
                .map(move |(call, _)| format!("/{service}/{call}"))
        })
        .collect();
    assert!(paths.len() > 20);
    for process in CALLERS {
        let channel = Service::for_tests(process)
            .channel(&queue.listen())
            .unwrap();
        for path in &paths {
            let refused = is_refused(channel.clone(), path).await.unwrap();
            let may = callers(path).contains(&process);
            assert_eq!(!refused, may, "{process}: {path}");
        }
    }
}

fn of_mailbox_store(service: &str) -> bool {
    service.starts_with("postern.directory.") || service.starts_with("postern.mailbox.")
}
