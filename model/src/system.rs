//! The protocol of runs, as the search sees it.

use crate::{
    invariants::{is_settled, violation, violation_at_rest},
    scenario::Scenario,
    search::System,
    state::{Actor, State, Step, Steps},
    steps::steps,
};

impl System for Scenario {
    type State = State;
    type Actor = Actor;

    fn first(&self) -> State {
        State::first(self)
    }

    fn steps(&self, state: &State, next: &mut Vec<Step>) {
        steps(self, state, &mut Steps(next));
    }

    fn violation(&self, state: &State) -> Option<&'static str> {
        violation(self, state)
    }

    fn is_settled(&self, state: &State) -> bool {
        is_settled(self, state)
    }

    fn violation_at_rest(&self, state: &State) -> Option<&'static str> {
        violation_at_rest(self, state)
    }

    fn describe(&self, state: &State) -> Vec<String> {
        vec![format!("{:?}", state.store), format!("{:?}", state.redis)]
    }
}
