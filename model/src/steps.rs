//! Every step that leads from a state to the next one.

mod background;
mod broken;
mod chunk;
mod claim;
mod drain;
mod faults;
mod letters;
mod request;
mod worker;

use crate::{
    scenario::Scenario,
    state::{State, Steps},
};

/// Adds every step that may be taken from this state.
pub fn steps(scenario: &Scenario, state: &State, next: &mut Steps<'_>) {
    for me in 0..scenario.workers {
        worker::steps(scenario, state, me, next);
    }
    for me in 0..scenario.commands.len() {
        request::steps(scenario, state, me, next);
    }
    background::compare(scenario, state, next);
    background::reclaim(scenario, state, next);
    background::sweep(scenario, state, next);
    background::sweep_strays(scenario, state, next);
    faults::of_imports(scenario, state, next);
    broken::fence_in_two_steps(scenario, state, next);
    broken::sweep_by_missing_run(scenario, state, next);
    faults::faults(scenario, state, next);
    faults::go_back(state, next);
    faults::heal(state, next);
    for step in next.0.iter_mut() {
        step.after.canonical(scenario);
    }
}
