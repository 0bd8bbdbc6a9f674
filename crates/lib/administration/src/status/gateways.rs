//! The gateways.

use api::queue::v1::GatewayState;
use jiff::Timestamp;
use rules::Policy;
use serde::Serialize;

use crate::{Times, time};

/// A gateway of the policy.
#[derive(Clone, Debug, Serialize)]
pub struct Gateway {
    /// The name in the policy.
    pub name: String,
    /// The newest attempts failed.
    pub failing: bool,
    /// The time of the first of these failures.
    pub failing_since: Option<Timestamp>,
    /// The reason for the last failure; the gateway may have worked since.
    pub last_failure: String,
    /// The time of the last failure.
    pub last_failure_at: Option<Timestamp>,
    /// To the minute; none if it has never worked.
    pub last_success: Option<Timestamp>,
}

/// The gateways of the policy, by name. Others no longer exist.
pub(super) fn of_policy<'a>(
    policy: &Policy,
    known: impl Iterator<Item = &'a GatewayState>,
) -> Vec<Gateway> {
    let known: Vec<&GatewayState> = known.collect();
    let mut gateways = Vec::new();
    for gateway in policy.gateways() {
        let state = known.iter().find(|state| state.gateway == *gateway.name);
        let unused = || GatewayState {
            gateway: gateway.name.to_string(),
            ..GatewayState::default()
        };
        let state = state.map_or_else(unused, |state| (*state).clone());
        gateways.push(Gateway::from(state));
    }
    gateways.sort_by(|a, b| a.name.cmp(&b.name));
    gateways
}

/// The failing gateways, each a sentence.
pub(super) fn troubles(gateways: &[Gateway], times: &Times) -> Vec<String> {
    let trouble = |gateway: &Gateway| {
        let failing_since = gateway.failing_since?;
        let since = times.local(Some(failing_since));
        let ago = times.distance(failing_since);
        let never = if gateway.last_success.is_none() {
            ", and has never worked"
        } else {
            ""
        };
        Some(format!(
            "the gateway {} fails since {since} ({ago}){never}: {}",
            gateway.name, gateway.last_failure
        ))
    };
    gateways.iter().filter_map(trouble).collect()
}

impl From<GatewayState> for Gateway {
    fn from(state: GatewayState) -> Self {
        Self {
            name: state.gateway,
            failing: state.failing_since_ms > 0,
            failing_since: time(state.failing_since_ms),
            last_failure: state.last_failure,
            last_failure_at: time(state.last_failure_ms),
            last_success: time(state.last_success_ms),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
    use jiff::tz::TimeZone;

    use super::*;

    fn policy() -> Policy {
        Policy::parse(
            "[[gateway]]\nname = \"isp\"\nhosts = [\"smtp.isp.test\"]\n\
             [[gateway]]\nname = \"backup\"\nhosts = [\"smtp.backup.test\"]\n",
        )
        .unwrap()
    }

    fn state(gateway: &str, failing_since_ms: i64, last_success_ms: i64) -> GatewayState {
        GatewayState {
            gateway: gateway.to_owned(),
            failing_since_ms,
            last_failure: "smtp.isp.test refused the login: 535 5.7.8 no".to_owned(),
            last_failure_ms: 1_030_000,
            last_success_ms,
        }
    }

    #[test]
    fn gateways_of_the_policy_that_fail_are_named_with_cause_and_time() {
        let times = Times {
            now: jiff::Timestamp::from_millisecond(1_060_000).unwrap(),
            zone: TimeZone::UTC,
        };
        for (failing_since_ms, last_success_ms, expected) in [
            (
                1_000_000,
                900_000,
                Some(
                    "the gateway isp fails since 1970-01-01 00:16:40 (1 min ago): smtp.isp.test refused the \
                     login: 535 5.7.8 no",
                ),
            ),
            (
                1_000_000,
                0,
                Some(
                    "the gateway isp fails since 1970-01-01 00:16:40 (1 min ago), and has never worked: \
                     smtp.isp.test refused the login: 535 5.7.8 no",
                ),
            ),
            (0, 1_050_000, None),
        ] {
            let known = [
                state("removed", 1_000_000, 0),
                state("isp", failing_since_ms, last_success_ms),
            ];
            let gateways = of_policy(&policy(), known.iter());
            let names: Vec<_> = gateways.iter().map(|gateway| &*gateway.name).collect();
            assert_eq!(names, ["backup", "isp"]);
            let troubles = troubles(&gateways, &times);
            assert_eq!(troubles.first().map(String::as_str), expected);
            assert!(troubles.len() <= 1, "{troubles:?}");
        }
    }
}
