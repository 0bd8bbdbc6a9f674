//! The processes of a system, and whether they serve, as far as they can be reached from here.

use futures::future::join_all;
use serde::Serialize;
use service_kit::survey::Condition;

use crate::System;

/// A process, or all replicas of it.
#[derive(Clone, Debug, Serialize)]
pub struct ProcessState {
    /// Its section of the configuration.
    pub name: String,
    /// The address that was checked.
    pub endpoint: String,
    /// The best state of its replicas.
    pub state: State,
    /// At least one replica serves.
    pub serving: bool,
    /// The number of replicas checked.
    pub replicas: usize,
    /// The number of replicas that serve.
    pub serving_replicas: usize,
    /// The reason why a replica does not serve.
    pub error: Option<String>,
    /// The configuration lists it at this address.
    #[serde(skip)]
    expected: bool,
}

/// The state of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It serves.
    Serving,
    /// It runs, but a dependency is missing.
    NotReady,
    /// It does not answer.
    Down,
    /// Not reachable from here; its state is unknown.
    Unreachable,
}

impl State {
    fn of(condition: &Condition) -> (Self, Option<&str>) {
        match condition {
            Condition::Serving => (Self::Serving, None),
            Condition::NotReady(why) => (Self::NotReady, Some(why)),
            Condition::Down(why) => (Self::Down, Some(why)),
            Condition::Unreachable(why) => (Self::Unreachable, Some(why)),
        }
    }
}

/// Checks all in parallel: several hanging processes cost one timeout.
pub(super) async fn ask(system: &System) -> Vec<ProcessState> {
    join_all(system.processes().into_iter().map(async |process| {
        let conditions = system.health(&process).await;
        ProcessState::new(
            process.name,
            process.endpoint,
            !process.perhaps_elsewhere,
            &conditions,
        )
    }))
    .await
}

impl ProcessState {
    /// Its state from the conditions of its replicas. `expected`: it should be reachable from here.
    pub fn new(name: String, endpoint: String, expected: bool, conditions: &[Condition]) -> Self {
        let states: Vec<_> = conditions.iter().map(State::of).collect();
        let serving = states.iter().filter(|(state, _)| *state == State::Serving);
        let serving_replicas = serving.count();
        let best = states.iter().map(|(state, _)| *state).min();
        Self {
            name,
            endpoint,
            state: best.unwrap_or(State::Unreachable),
            serving: serving_replicas > 0,
            replicas: conditions.len(),
            serving_replicas,
            error: states.iter().find_map(|(_, why)| why.map(str::to_owned)),
            expected,
        }
    }

    /// Whether a known problem explains its missing answers.
    pub(super) fn is_silent(&self) -> bool {
        matches!(self.state, State::Down | State::Unreachable)
    }

    /// Whether it is down on this machine.
    pub fn is_down_here(&self) -> bool {
        self.state == State::Down && self.endpoint.starts_with("unix:")
    }

    /// The problem, in a sentence. A process that need not be reachable is no problem.
    pub(super) fn trouble(&self) -> Option<String> {
        let why = self.error.as_deref()?;
        let name = match self.replicas {
            1 => self.name.clone(),
            all => format!("{} of {all} {}", all - self.serving_replicas, self.name),
        };
        match self.state {
            State::Unreachable if !self.expected => None,
            State::Unreachable => Some(format!("{name} cannot be reached from here: {why}")),
            State::NotReady => Some(format!("{name} is not ready: {why}")),
            State::Serving | State::Down => Some(format!("{name} does not serve: {why}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(expected: bool, conditions: &[Condition]) -> ProcessState {
        let endpoint = "https://delivery:7100".to_owned();
        ProcessState::new("delivery".to_owned(), endpoint, expected, conditions)
    }

    fn down() -> Condition {
        Condition::Down("connection refused".to_owned())
    }

    fn unreachable() -> Condition {
        Condition::Unreachable("the name delivery is not known here".to_owned())
    }

    #[test]
    fn a_process_that_cannot_be_reached_is_not_called_down() {
        let unknown = process(false, &[unreachable()]);
        assert_eq!(unknown.state, State::Unreachable);
        assert!(!unknown.serving);
        assert_eq!(unknown.trouble(), None);
        // If the configuration lists it, it is missing.
        let missed = process(true, &[unreachable()]);
        assert_eq!(missed.state, State::Unreachable);
        assert_eq!(
            missed.trouble().as_deref(),
            Some("delivery cannot be reached from here: the name delivery is not known here")
        );
    }

    #[test]
    fn replicas_are_counted() {
        let all = process(true, &[Condition::Serving, Condition::Serving]);
        assert_eq!((all.serving_replicas, all.trouble()), (2, None));
        let some = process(true, &[down(), Condition::Serving, Condition::Serving]);
        assert_eq!((some.serving_replicas, some.replicas), (2, 3));
        assert_eq!(
            some.trouble().as_deref(),
            Some("1 of 3 delivery does not serve: connection refused")
        );
        let none = process(true, &[down(), down()]);
        assert_eq!(none.state, State::Down);
        assert!(!none.serving && none.is_silent());
    }

    #[test]
    fn one_that_is_not_ready_says_why() {
        let waiting = process(true, &[Condition::NotReady("the queue is away".to_owned())]);
        assert_eq!(waiting.state, State::NotReady);
        assert_eq!(
            waiting.trouble().as_deref(),
            Some("delivery is not ready: the queue is away")
        );
        assert!(!waiting.is_silent());
    }
}
