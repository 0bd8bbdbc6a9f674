//! Access rights of mailbox-store's services.

use api::rights::{CALLERS, SERVICES, callers, is_refused};
use service_kit::Service;

use crate::running::Running;

#[tokio::test]
async fn each_call_is_open_to_those_who_may_make_it_and_to_nobody_else() {
    let running = Running::start(test_kit::Postgres::start().database().await).await;
    let ours = SERVICES.iter().filter(|(service, _)| {
        service.starts_with("postern.directory.") || service.starts_with("postern.mailbox.")
    });
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
            .channel(&running.listen())
            .unwrap();
        for path in &paths {
            let refused = is_refused(channel.clone(), path).await.unwrap();
            let may = callers(path).contains(&process);
            assert_eq!(!refused, may, "{process}: {path}");
        }
    }
}
