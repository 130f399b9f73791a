//! The commands that change control, and what finishes them. Every command, and the end of a run,
//! is one compare-and-set of control, then its effect in Redis, then the answer. If a process dies
//! in between, another one finishes the rest.
//!
//! - What a person asks for: `generate`, `cancel`, `pause`, `clean`, `retry_failed`, `reset`,
//!   `delete_run`, `flow`, `fail_order`.
//! - `change`: the compare-and-set that all of them make. `controller`: raises Redis to control.
//! - What finishes them: `finish` ends a run, `finish_cancel` carries a cancel out, `repair` has a
//!   run replayed, `sweep` deletes what is left.
//! - Dead letters: `letter_decision`, `reopen` and `put_back`, for `clean` and `retry_failed`.
//! - `ready` waits for the stores and asks whether they take writes; `readiness` keeps the last
//!   answer. `history` reads the runs.

mod cancel;
mod change;
mod clean;
mod controller;
mod delete_run;
mod error;
mod fail_order;
mod finish;
mod finish_cancel;
mod flow;
mod generate;
mod history;
mod imports;
mod letter_decision;
mod pause;
mod put_back;
mod readiness;
mod ready;
mod reopen;
mod repair;
mod reset;
mod retry_failed;
mod sweep;

pub use self::{
    cancel::{Cancel, Cancelled, CancelledSoFar},
    clean::{Clean, Cleaned},
    controller::Controller,
    delete_run::DeleteRun,
    error::{CommandError, Result},
    fail_order::FailOrder,
    flow::{NewFlow, NewLimits, Set},
    generate::{Accepted, Generate},
    imports::{CreateImport, Created, DryRun, ImportError, StartImport, Started, Upload},
    reset::ResetDone,
    retry_failed::Retried,
};
