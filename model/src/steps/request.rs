//! The steps of a request. The API may die between any two of them.

use super::letters;
use crate::{
    ending::{Ending, StepResult},
    request::{Request, Step},
    scenario::{Broken, Command, RUNS, Scenario},
    state::{State, Steps},
    store::{Control, Intent, Progress, Store, bit},
};

/// Every step that this request may take now.
pub fn steps(scenario: &Scenario, state: &State, me: usize, next: &mut Steps<'_>) {
    let command = scenario.commands[me];
    let request = state.requests[me];
    if let Some(late) = request.late {
        next.add_request(me, command, state, |after| {
            after.requests[me].late = None;
            after.store.set_control(late);
            "its lost write happens"
        });
    }
    match request.step {
        Step::Over => {}
        Step::Unasked => {
            if me == 0 || state.requests[me - 1].step != Step::Unasked {
                next.add_choice(me, command, state, |after| {
                    after.requests[me].control = after.store.control;
                    after.requests[me].step = Step::Compare;
                    "arrives; reads control"
                });
            }
        }
        // Redis is behind. This API or another process updates it, see `background::compare`.
        Step::Compare | Step::Agree if state.redis.version < request.control.version => {}
        _ => next.add_request(me, command, state, |after| step(scenario, after, me, command)),
    }
}

fn step(scenario: &Scenario, after: &mut State, me: usize, command: Command) -> &'static str {
    let by_state = scenario.is(Broken::RunDocumentByState);
    let mark = me as u8 + 1;
    let mut request = after.requests[me];
    let store = &mut after.store;
    let what = match request.step {
        Step::Unasked | Step::Over => "",
        Step::Read | Step::Decide => {
            request.control = store.control;
            request.step = if request.step == Step::Read { Step::Compare } else { Step::Agree };
            "reads control"
        }
        Step::Compare if after.redis.version > request.control.version => {
            request.step = Step::Read;
            "Redis is ahead: tries again"
        }
        Step::Agree if after.redis.version > request.control.version => {
            request.step = Step::Decide;
            "Redis is ahead: tries again"
        }
        Step::Compare => {
            request.step = begin(scenario, &mut request, command);
            "compares with Redis"
        }
        Step::Replace => {
            store.ensure_run(&request.control, by_state);
            request.step = Step::Settle;
            "writes the run document of the run before"
        }
        Step::Agree | Step::Mark | Step::Settle | Step::Count | Step::Carry => {
            letters::step(scenario, store, after.redis.phase, &mut request, command, mark)
        }
        Step::Set => {
            let next = change(scenario, &request, command, mark);
            if store.set_control(next) {
                request.control = next;
                request.step = request.accepted(command);
                "sets control"
            } else {
                request.step = request.tries_again();
                "another change was faster: tries again"
            }
        }
        Step::Unsure | Step::Raise => unsure(scenario, store, &mut request, command, mark),
        Step::Ensure => {
            store.ensure_run(&request.control, by_state);
            request.step = Step::Adopt;
            "writes the run document"
        }
        Step::Adopt => {
            after.redis.adopt(scenario, &request.control, request.patch);
            request.patch = 0;
            request.step = request.after_adopt(scenario, command);
            "adopts control in Redis"
        }
        Step::End(ending) => match ending.go(scenario, store, &mut after.redis) {
            StepResult::Continue(ending, what) => {
                request.step = Step::End(ending);
                what
            }
            StepResult::Ended(what) => {
                after.redis.adopt(scenario, &ending.control, 0);
                request.step = Step::Over;
                what
            }
            // The other process ends the run.
            StepResult::Lost(what) => {
                request.step = Step::Over;
                what
            }
        },
        Step::DeleteOrders => {
            store.delete_below(request.control.reset_below);
            request.step = Step::DeleteRuns;
            "deletes orders"
        }
        Step::DeleteRuns => {
            store.delete_runs_below(request.control.reset_below);
            request.step = Step::Over;
            "deletes the history"
        }
    };
    if request.step == Step::Over {
        request = Request { late: request.late, ..Request::over() };
    }
    after.requests[me] = request;
    what
}

/// `Controller::was_set`: the answer to a compare-and-set was lost.
fn unsure(
    scenario: &Scenario,
    store: &mut Store,
    request: &mut Request,
    command: Command,
    mark: u8,
) -> &'static str {
    let is_in = |store: &Store| store.control.changes & bit(mark) != 0;
    if request.step == Step::Unsure {
        let (wanted, now) = (request.control, store.control);
        let by_version = scenario.is(Broken::LostAnswerByVersion);
        request.step = if now.version < wanted.version {
            Step::Raise
        } else if is_in(store) || by_version {
            request.accepted(command)
        } else {
            request.tries_again()
        };
        if now.version >= wanted.version && by_version && !is_in(store) {
            store.record_bug("a command was answered as accepted, but no process carries it out");
        }
        return "reads whether its change is recorded";
    }
    let raised = store.control.next();
    if raised.version > request.control.version || !store.set_control(raised) {
        request.step = Step::Unsure;
        return "another raised the version";
    }
    request.step = Step::Over;
    let may_begin = request.late.is_some_and(|late| late.version == raised.version + 1);
    if may_begin || is_in(store) {
        store.record_bug("I7: a command was answered 503, but its change is recorded");
    }
    "raises the version: 503"
}

/// The next step when control and Redis have the same version.
fn begin(scenario: &Scenario, request: &mut Request, command: Command) -> Step {
    let control = &request.control;
    let refused = Step::Over;
    match command {
        Command::Generate if control.active() || usize::from(control.last_run) == RUNS => refused,
        Command::Generate if control.run == 0 => Step::Set,
        Command::Generate => Step::Replace,
        // Joins a cancel in progress.
        Command::Cancel if control.intent == Intent::Cancel => {
            Step::End(Ending::cancel(scenario, *control, false))
        }
        // If another process ended the run, the history must show that before this answers.
        Command::Cancel if control.intent != Intent::Run => Step::Ensure,
        Command::Pause if control.paused => refused,
        Command::Resume if !control.paused => refused,
        Command::Cancel | Command::Reset | Command::Pause | Command::Resume => Step::Set,
        Command::Retry | Command::Clean => {
            let done = control.end.is_some_and(|end| !end.aborted);
            let able = control.intent == Intent::Run || done || command == Command::Clean;
            if control.run > 0 && able { Step::Mark } else { refused }
        }
    }
}

/// The control that this request wants.
pub(crate) fn change(
    scenario: &Scenario,
    request: &Request,
    command: Command,
    mark: u8,
) -> Control {
    let mut next = request.control.next();
    match command {
        Command::Generate => {
            next.last_run += 1;
            next.run = next.last_run;
            next.created_by = mark;
            next.orders_version = next.version;
            next.intent = Intent::Run;
            next.end = None;
            next.letters = [0; 3];
            next.forget();
        }
        Command::Cancel => {
            next = request.control.next_attempt(Progress::default());
            next.intent = Intent::Cancel;
            (next.put_back, next.base, next.put) = Default::default();
        }
        Command::Reset => {
            next = Control {
                version: next.version,
                orders_version: next.version,
                last_run: next.last_run,
                reset_below: next.last_run + 1,
                attempt: next.attempt,
                changes: next.changes,
                ..Control::default()
            };
        }
        Command::Pause => next.paused = true,
        Command::Resume => next.paused = false,
        Command::Retry | Command::Clean => {
            letters::decide(scenario, request, command, mark, &mut next);
        }
    }
    next.changes |= bit(mark);
    next
}
