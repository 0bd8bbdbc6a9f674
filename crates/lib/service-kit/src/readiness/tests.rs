use super::*;

#[test]
fn a_process_is_ready_once_it_is_set_up_and_everything_is_there() {
    let readiness = Readiness::new();
    assert_eq!(readiness.obstacle().as_deref(), Some("it is starting"));
    let database = readiness.needs("database", "no mail is accepted");
    readiness.set_up();
    assert_eq!(
        readiness.obstacle().as_deref(),
        Some("it waits for database")
    );
    assert!(!*readiness.subscribe().borrow());
    database.present();
    assert_eq!(readiness.obstacle(), None);
    assert!(*readiness.subscribe().borrow());
}

#[test]
fn what_is_lost_is_named_with_its_reason_and_comes_back() {
    let readiness = Readiness::new();
    let queue = readiness.needs("queue", "no mail is accepted");
    let policy = readiness.needs("policy", "no mail is accepted");
    readiness.set_up();
    queue.present();
    policy.present();
    let ready = readiness.subscribe();
    assert!(*ready.borrow());
    queue.absent("connection refused");
    policy.absent("nobody knows it");
    assert!(!*ready.borrow());
    assert_eq!(
        readiness.obstacle().as_deref(),
        Some("queue: connection refused; policy: nobody knows it")
    );
    queue.present();
    policy.present();
    assert!(*ready.borrow());
}

#[test]
fn a_process_that_ends_is_not_ready_again() {
    let readiness = Readiness::new();
    let queue = readiness.needs("queue", "no mail is accepted");
    readiness.set_up();
    queue.present();
    readiness.end();
    assert_eq!(readiness.obstacle().as_deref(), Some("it is ending"));
    queue.absent("it has ended, too");
    queue.present();
    assert!(!*readiness.subscribe().borrow());
}

/// Log lines at `info` or above.
fn logged(work: impl FnOnce()) -> Vec<String> {
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Lines {
        fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
            let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            lines.write(octets)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(move || writer.clone())
        .with_ansi(false)
        .without_time()
        .with_target(false)
        .finish();
    tracing::subscriber::with_default(subscriber, work);
    let octets = lines.0.lock().unwrap_or_else(PoisonError::into_inner);
    let text = String::from_utf8_lossy(&octets).into_owned();
    text.lines().map(|line| line.trim().to_owned()).collect()
}

#[test]
fn one_line_tells_the_loss_and_one_the_return() {
    let readiness = Readiness::new();
    let database = readiness.needs("database", "no mail is accepted");
    let lines = logged(|| {
        database.present();
        for reason in ["connection refused", "connection refused", "it is starting"] {
            database.absent(reason);
        }
        database.present();
        database.present();
        readiness.end();
        database.absent("it has ended, too");
    });
    assert_eq!(
        lines,
        [
            "WARN lost; until it is back no mail is accepted dependency=\"database\" reason=\"connection refused\"",
            "INFO there again dependency=\"database\"",
        ]
    );
}

#[test]
fn one_line_tells_that_a_process_waits_at_its_start() {
    let readiness = Readiness::new();
    let queue = readiness.needs("queue", "no mail is accepted");
    let lines = logged(|| {
        queue.absent("connection refused");
        queue.absent("no such file");
        queue.present();
    });
    assert_eq!(
        lines,
        [
            "WARN not ready: waiting; until then no mail is accepted dependency=\"queue\" reason=\"connection refused\"",
            "INFO there again dependency=\"queue\"",
        ]
    );
}
