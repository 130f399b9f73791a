//! Retry and clean of dead letters: `control/letters.rs`.

use super::{Step, Verb};
use crate::{
    queue::Phase,
    scenario::{Ask, Broken, ORDERS, Scenario},
    store::{Control, Figures, Intent, REMOVE, Status, Store, bit},
};

/// `Controller::settle_letters`: of a run that has ended.
fn settle(store: &mut Store, control: &Control) {
    if control.run > 0 && control.end.is_some() {
        store.settle(control.run, 0..ORDERS, control.letters);
    }
}

/// The steps that only these two take, and generate before it replaces a run.
pub fn step(
    scenario: &Scenario,
    store: &mut Store,
    phase: Phase,
    verb: &mut Verb,
    ask: Ask,
    mark: u8,
) -> &'static str {
    let run = verb.control.run;
    match verb.step {
        Step::Agree => {
            let aborted = verb.control.end.is_some_and(|end| end.aborted);
            let retry = ask == Ask::Retry;
            verb.all_read = !matches!(phase, Phase::Generating);
            let gone = run != verb.run || verb.control.intent == Intent::Cancel;
            verb.step = if gone || aborted && retry { Step::Over } else { Step::Settle };
            "compares with Redis"
        }
        Step::Settle => {
            settle(store, &verb.control);
            let count = ask == Ask::Clean && verb.control.end.is_some();
            verb.step = if count { Step::Count } else { Step::Set };
            "settles older letters"
        }
        Step::Mark => {
            verb.run = run;
            let mut marked = false;
            for order in &mut store.orders[usize::from(run) - 1] {
                if order.status == Status::Dead {
                    order.marks |= bit(mark);
                    marked = true;
                    if scenario.is(Broken::RetryClearsBefore) {
                        (order.status, order.retried) = (Status::Pending, true);
                    }
                }
            }
            verb.step = if marked { Step::Decide } else { Step::Over };
            "marks dead letters"
        }
        Step::Count => {
            verb.counted = [0; 2];
            for (i, order) in store.orders[usize::from(run) - 1].iter().enumerate() {
                if order.status == Status::Dead && order.marks & bit(mark) != 0 {
                    verb.counted[usize::from(!scenario.vip[i])] += 1;
                }
            }
            verb.step = Step::Set;
            "counts the marked"
        }
        Step::Carry => {
            if scenario.is(Broken::RetryClearsAfter) && ask == Ask::Retry {
                let letters = [mark, 0, 0];
                store.settle(run, 0..ORDERS, letters);
            }
            settle(store, &verb.control);
            verb.step = Step::Ensure;
            "carries its letters out, if the run has ended"
        }
        _ => "",
    }
}

/// `Controller::decide`: what control says then.
pub fn decide(scenario: &Scenario, verb: &Verb, ask: Ask, mark: u8, next: &mut Control) {
    if verb.all_read {
        next.letters = [0; 3];
    }
    let letter = if ask == Ask::Clean { mark | REMOVE } else { mark };
    let outside = ask == Ask::Retry
        && (scenario.is(Broken::RetryClearsBefore) || scenario.is(Broken::RetryClearsAfter));
    if let Some(free) = next.letters.iter_mut().find(|letter| **letter == 0 && !outside) {
        *free = letter;
    }
    match &mut next.end {
        Some(end) if ask == Ask::Clean => {
            let Figures { dead, removed, .. } = &mut end.figures;
            for (i, counted) in verb.counted.into_iter().enumerate() {
                dead[i] = dead[i].saturating_sub(counted);
                removed[i] += counted;
            }
        }
        end => {
            *end = None;
            next.intent = Intent::Run;
            next.orders_version = next.version;
        }
    }
}
