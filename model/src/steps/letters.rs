//! Retry and clean of dead letters: `retry_failed.rs`, `clean.rs` and `letter_decision.rs` of
//! `common/pipeline/src/commands`.

use crate::{
    queue::Phase,
    request::{Request, Step},
    scenario::{Broken, Command, ORDERS, Scenario},
    store::{Control, Figures, Intent, REMOVE, Status, Store, bit},
};

/// Part of `Controller::adopt`: settles the letters of a run that has ended.
fn settle(store: &mut Store, control: &Control) {
    if control.run > 0 && control.end.is_some() {
        store.settle(control.run, 0..ORDERS, control.letters);
    }
}

/// The steps of retry and clean. Generate takes one of them before it replaces a run.
pub fn step(
    scenario: &Scenario,
    store: &mut Store,
    phase: Phase,
    request: &mut Request,
    command: Command,
    mark: u8,
) -> &'static str {
    let run = request.control.run;
    match request.step {
        Step::Agree => {
            let aborted = request.control.end.is_some_and(|end| end.aborted);
            let retry = command == Command::Retry;
            request.all_read = !matches!(phase, Phase::Generating);
            let gone = run != request.run || request.control.intent == Intent::Cancel;
            request.step = if gone || aborted && retry { Step::Over } else { Step::Settle };
            "compares with Redis"
        }
        Step::Settle => {
            settle(store, &request.control);
            let letters = matches!(command, Command::Retry | Command::Clean);
            let goes_on = scenario.is(Broken::PatchOfARunThatGoesOn);
            let count = letters && (request.control.end.is_some() || goes_on);
            request.step = if count { Step::Count } else { Step::Set };
            "settles older letters"
        }
        Step::Mark => {
            request.run = run;
            let made_up = scenario.is(Broken::LetterMakesAnOrderUp);
            let mut marked = false;
            for order in &mut store.orders[usize::from(run) - 1] {
                // A letter that is kept apart has no order that could be put back.
                if order.status == Status::Dead && (!order.gone || made_up) {
                    order.marks |= bit(mark);
                    marked = true;
                    if scenario.is(Broken::RetryClearsBefore) {
                        (order.status, order.retried) = (Status::Pending, true);
                    }
                }
            }
            request.step = if marked { Step::Decide } else { Step::Over };
            "marks dead letters"
        }
        Step::Count => {
            request.counted = [0; 2];
            for (i, order) in store.orders[usize::from(run) - 1].iter().enumerate() {
                if order.status == Status::Dead && order.marks & bit(mark) != 0 {
                    request.counted[usize::from(!scenario.vip[i])] += 1;
                }
            }
            request.step = Step::Set;
            "counts the marked letters"
        }
        Step::Carry => {
            if scenario.is(Broken::RetryClearsAfter) && command == Command::Retry {
                let letters = [mark, 0, 0];
                store.settle(run, 0..ORDERS, letters);
            }
            settle(store, &request.control);
            request.patch = store.put_back(scenario, &request.control);
            request.step = Step::Ensure;
            "carries out its decision, if the run has ended"
        }
        _ => "",
    }
}

/// `Controller::decide`: the control that a retry or clean wants.
pub fn decide(
    scenario: &Scenario,
    request: &Request,
    command: Command,
    mark: u8,
    next: &mut Control,
) {
    if request.all_read {
        next.letters = [0; 3];
    }
    let letter = if command == Command::Clean { mark | REMOVE } else { mark };
    let outside = command == Command::Retry
        && (scenario.is(Broken::RetryClearsBefore) || scenario.is(Broken::RetryClearsAfter));
    if let Some(free) = next.letters.iter_mut().find(|letter| **letter == 0 && !outside) {
        *free = letter;
    }
    match &mut next.end {
        Some(end) if command == Command::Clean => {
            let Figures { dead, removed, .. } = &mut end.figures;
            for (i, counted) in request.counted.into_iter().enumerate() {
                dead[i] = dead[i].saturating_sub(counted);
                removed[i] += counted;
            }
        }
        end => {
            let ended = end.is_some() || scenario.is(Broken::PatchOfARunThatGoesOn);
            *end = None;
            next.intent = Intent::Run;
            next.orders_version = next.version;
            next.forget();
            if ended && command == Command::Retry {
                next.put_back = mark;
                next.base = request.control.version;
                next.put = request.counted.iter().sum();
            }
        }
    }
}
