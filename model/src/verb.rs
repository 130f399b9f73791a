//! A verb: the steps of one API for one client. It may die between any two of them.

mod letters;

use crate::{
    closing::{Came, Closing},
    scenario::{Ask, Broken, RUNS, Scenario},
    state::{Next, State},
    store::{Control, Intent, Store},
};

/// The next step.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Step {
    /// The client has not asked yet.
    #[default]
    Unasked,
    /// Read control.
    Read,
    /// Does Redis have this version of it?
    Compare,
    /// Generate: make sure of the run document that it replaces.
    Replace,
    /// Letters: mark them.
    Mark,
    /// Letters: read control again, to decide.
    Decide,
    /// Letters: does Redis have this version?
    Agree,
    /// Carry out what was decided before.
    Settle,
    /// Letters: count those that carry the mark.
    Count,
    /// Change control.
    Set,
    /// The answer to that was lost: look.
    Unsure,
    /// Raise the version of control, so that the lost write comes to nothing.
    Raise,
    /// Letters: carry out what was decided now.
    Carry,
    /// Make sure of the run document.
    Ensure,
    /// Tell Redis.
    Adopt,
    /// Cancel: carry it out.
    Close(Closing),
    /// Reset: delete orders.
    DeleteOrders,
    /// Reset: delete the history.
    DeleteRuns,
    /// The client has its answer, or the API died.
    Over,
}

/// One verb.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Verb {
    /// The next step.
    pub step: Step,
    /// Control, as it was read or written last.
    pub control: Control,
    /// Letters: the run they are of.
    pub run: u8,
    /// Letters: every chunk had been read when Redis was looked at.
    pub all_read: bool,
    /// Letters: how many carry the mark.
    pub counted: [u8; 2],
    /// A write whose answer was lost, and that may still happen.
    pub late: Option<Control>,
}

impl Verb {
    /// It is being carried out.
    #[must_use]
    pub const fn is_busy(&self) -> bool {
        !matches!(self.step, Step::Unasked | Step::Over)
    }

    /// Redis knows this control: the next step.
    pub(crate) fn told(&self, scenario: &Scenario, ask: Ask) -> Step {
        match ask {
            Ask::Cancel if self.control.intent == Intent::Cancel => {
                Step::Close(Closing::cancel(scenario, self.control, true))
            }
            Ask::Reset => Step::DeleteOrders,
            _ => Step::Over,
        }
    }

    /// Its compare-and-set failed.
    pub(crate) fn tries_again(&self) -> Step {
        if self.run == 0 { Step::Read } else { Step::Decide }
    }

    pub(crate) fn over() -> Self {
        Self { step: Step::Over, ..Self::default() }
    }
}

/// Every step that this verb may take now.
pub fn steps(scenario: &Scenario, state: &State, me: usize, next: &mut Next) {
    let ask = scenario.asks[me];
    let verb = state.verbs[me];
    if let Some(late) = verb.late {
        next.add_verb(me, ask, state, |after| {
            after.verbs[me].late = None;
            after.store.set_control(late);
            "its lost write happens"
        });
    }
    match verb.step {
        Step::Over => {}
        Step::Unasked => {
            if me == 0 || state.verbs[me - 1].step != Step::Unasked {
                next.add_choice(me, ask, state, |after| {
                    after.verbs[me].control = after.store.control;
                    after.verbs[me].step = Step::Compare;
                    "is asked for; reads control"
                });
            }
        }
        // Redis is behind: this API or another process tells it, see `State::keeper`.
        Step::Compare | Step::Agree if state.redis.version < verb.control.version => {}
        _ => next.add_verb(me, ask, state, |after| step(scenario, after, me, ask)),
    }
}

fn step(scenario: &Scenario, after: &mut State, me: usize, ask: Ask) -> &'static str {
    let by_state = scenario.is(Broken::RunDocumentByState);
    let mark = me as u8 + 1;
    let mut verb = after.verbs[me];
    let store = &mut after.store;
    let what = match verb.step {
        Step::Unasked | Step::Over => "",
        Step::Read | Step::Decide => {
            verb.control = store.control;
            verb.step = if verb.step == Step::Read { Step::Compare } else { Step::Agree };
            "reads control"
        }
        Step::Compare if after.redis.version > verb.control.version => {
            verb.step = Step::Read;
            "Redis knows more: again"
        }
        Step::Agree if after.redis.version > verb.control.version => {
            verb.step = Step::Decide;
            "Redis knows more: again"
        }
        Step::Compare => {
            verb.step = begin(scenario, &mut verb, ask);
            "compares with Redis"
        }
        Step::Replace => {
            store.ensure_run(&verb.control, by_state);
            verb.step = Step::Settle;
            "makes sure of the run before"
        }
        Step::Agree | Step::Mark | Step::Settle | Step::Count | Step::Carry => {
            letters::step(scenario, store, after.redis.phase, &mut verb, ask, mark)
        }
        Step::Set => {
            let next = change(scenario, &verb, ask, mark);
            let letters = matches!(ask, Ask::Retry | Ask::Clean);
            if store.set_control(next) {
                verb.control = next;
                verb.step = if letters { Step::Carry } else { Step::Ensure };
                "sets control"
            } else {
                verb.step = verb.tries_again();
                "another was faster: again"
            }
        }
        Step::Unsure | Step::Raise => unsure(store, &mut verb),
        Step::Ensure => {
            store.ensure_run(&verb.control, by_state);
            verb.step = Step::Adopt;
            "makes sure of the run document"
        }
        Step::Adopt => {
            after.redis.adopt(scenario, &verb.control);
            verb.step = verb.told(scenario, ask);
            "tells Redis"
        }
        Step::Close(closing) => match closing.go(scenario, after) {
            Came::On(closing, what) => {
                verb.step = Step::Close(closing);
                what
            }
            Came::Ended(what) => {
                after.redis.adopt(scenario, &closing.control);
                verb.step = Step::Over;
                what
            }
            // The other ends it.
            Came::Lost(what) => {
                verb.step = Step::Over;
                what
            }
        },
        Step::DeleteOrders => {
            store.delete_below(verb.control.reset_below);
            verb.step = Step::DeleteRuns;
            "deletes orders"
        }
        Step::DeleteRuns => {
            store.delete_runs_below(verb.control.reset_below);
            verb.step = Step::Over;
            "deletes the history"
        }
    };
    if verb.step == Step::Over {
        verb = Verb { late: verb.late, ..Verb::over() };
    }
    after.verbs[me] = verb;
    what
}

/// The answer to a generate's compare-and-set was lost: `Controller::was_set`.
fn unsure(store: &mut Store, verb: &mut Verb) -> &'static str {
    if verb.step == Step::Unsure {
        let (wanted, now) = (verb.control, store.control);
        verb.step = if now.version < wanted.version {
            Step::Raise
        } else if now.run == wanted.run && now.created_by == wanted.created_by {
            Step::Ensure
        } else {
            Step::Read
        };
        return "reads what became of it";
    }
    let raised = store.control.next();
    if raised.version > verb.control.version || !store.set_control(raised) {
        verb.step = Step::Unsure;
        return "another raised the version";
    }
    verb.step = Step::Over;
    let may_begin = verb.late.is_some_and(|late| late.version == raised.version + 1);
    if may_begin || store.control.created_by == verb.control.created_by {
        store.blame("I7: a 503 was answered, and the run is there");
    }
    "raises the version: 503"
}

/// What follows when control and Redis agree.
fn begin(scenario: &Scenario, verb: &mut Verb, ask: Ask) -> Step {
    let control = &verb.control;
    let refused = Step::Over;
    match ask {
        Ask::Generate if control.active() || usize::from(control.last_run) == RUNS => refused,
        Ask::Generate if control.run == 0 => Step::Set,
        Ask::Generate => Step::Replace,
        // Joins a cancel that is being carried out.
        Ask::Cancel if control.intent == Intent::Cancel => {
            Step::Close(Closing::cancel(scenario, *control, false))
        }
        // What another ended is in the history before this says so.
        Ask::Cancel if control.intent != Intent::Run => Step::Ensure,
        Ask::Pause if control.paused => refused,
        Ask::Resume if !control.paused => refused,
        Ask::Cancel | Ask::Reset | Ask::Pause | Ask::Resume => Step::Set,
        Ask::Retry | Ask::Clean => {
            let done = control.end.is_some_and(|end| !end.aborted);
            let able = control.intent == Intent::Run || done || ask == Ask::Clean;
            if control.run > 0 && able { Step::Mark } else { refused }
        }
    }
}

/// The control that this verb wants.
pub(crate) fn change(scenario: &Scenario, verb: &Verb, ask: Ask, mark: u8) -> Control {
    let mut next = verb.control.next();
    match ask {
        Ask::Generate => {
            next.last_run += 1;
            next.run = next.last_run;
            next.created_by = mark;
            next.orders_version = next.version;
            next.intent = Intent::Run;
            next.end = None;
            next.letters = [0; 3];
        }
        Ask::Cancel => {
            next = verb.control.next_attempt();
            next.intent = Intent::Cancel;
        }
        Ask::Reset => {
            next = Control {
                version: next.version,
                orders_version: next.version,
                last_run: next.last_run,
                reset_below: next.last_run + 1,
                attempt: next.attempt,
                ..Control::default()
            };
        }
        Ask::Pause => next.paused = true,
        Ask::Resume => next.paused = false,
        Ask::Retry | Ask::Clean => letters::decide(scenario, verb, ask, mark, &mut next),
    }
    next
}
