//! The processes in `postern status`.

use administration::status::{ProcessState, State};

use crate::screen::{columns, written};

fn name(state: State) -> &'static str {
    match state {
        State::Serving => "serving",
        State::NotReady => "NOT READY",
        State::Down => "DOWN",
        State::Unreachable => "not reachable from here",
    }
}

fn state(process: &ProcessState) -> String {
    let name = name(process.state);
    match (process.replicas, process.serving_replicas) {
        (1, _) | (_, 0) => name.to_owned(),
        (all, serving) if all == serving => format!("{all} {name}"),
        (all, serving) => format!("{serving} of {all} {name}"),
    }
}

pub(super) fn table(processes: &[ProcessState]) -> String {
    let mut table = columns(&["process", "state", "where"]);
    for process in processes {
        table.add_row([
            process.name.clone(),
            state(process),
            process.endpoint.clone(),
        ]);
    }
    written(&table)
}

#[cfg(test)]
mod tests {
    use service_kit::survey::Condition;

    use super::*;

    #[test]
    fn replicas_that_serve_are_counted() {
        let shown = |conditions: &[Condition]| {
            let endpoint = "https://delivery:7100".to_owned();
            let process = ProcessState::new("delivery".to_owned(), endpoint, true, conditions);
            state(&process)
        };
        let down = || Condition::Down("connection refused".to_owned());
        let not_ready = Condition::NotReady("the queue is away".to_owned());
        let unreachable = Condition::Unreachable("the name delivery is not known".to_owned());
        assert_eq!(shown(&[Condition::Serving]), "serving");
        assert_eq!(
            shown(&[Condition::Serving, Condition::Serving]),
            "2 serving"
        );
        assert_eq!(
            shown(&[down(), Condition::Serving, Condition::Serving]),
            "2 of 3 serving"
        );
        assert_eq!(shown(&[down(), down()]), "DOWN");
        assert_eq!(shown(&[not_ready]), "NOT READY");
        assert_eq!(shown(&[unreachable]), "not reachable from here");
    }
}
