//! Lanes without a reachable destination.

#![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

use session_io::ClientTls;

use super::super::mx::Resolver;
use super::super::state::Setup;
use super::*;
use crate::fixture;
use crate::leases::Leases;

#[tokio::test]
async fn a_panic_leaves_its_job_to_be_leased_anew_and_the_lane_goes_on() {
    let leases = Leases::new(10);
    let (clock, mut asked) = fixture::panicking_clock();
    let remote = Remote::new(Setup {
        finisher: fixture::finisher(clock),
        queue: fixture::nowhere(),
        resolver: Resolver::new(Some(([127, 0, 0, 1], 1).into()), "us.test", 25).unwrap(),
        hostname: "us.test".to_owned(),
        connections: 1,
        connections_per_destination: 1,
        any_tls: ClientTls::opportunistic().unwrap(),
        verified_tls: ClientTls::opportunistic().unwrap(),
    });
    // This machine: a permanent failure, without a connection.
    let target = Target::Direct(rules::Host::Literal([127, 0, 0, 1].into()));
    for times in 1..=2 {
        let lease = fixture::lease(&leases, 7, times);
        deliver(&remote, &target, Job::new(&fixture::work(), vec![lease]));
        asked
            .wait_for(|asked| *asked == times as usize)
            .await
            .unwrap();
        if times == 1 {
            leases.idle().await;
        }
    }
}
