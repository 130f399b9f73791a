//! Verifies an ended run: compares every document with the generator, or with the blocks of its
//! import, and all of them with the ledger and the fence; and the receipt of an import with the
//! ledger. Reads in order of id, in constant memory, and writes nothing.

mod generated;
mod imported;
mod receipt;
mod report;
mod tally;

use crate::{
    commands::Controller,
    queue::{Queue, QueueError, Snapshot},
    store::{Store, StoreError},
};
use pedidos_core::{
    control::{Control, End, RunSpec, Source},
    order::Priority,
    run::Phase,
};

pub use self::report::{Check, Report};
use self::tally::Tallies;

/// Why a run could not be verified.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    #[error(transparent)]
    Queue(#[from] QueueError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("there is no run to verify")]
    NoRun,
    #[error("run {0} has not ended: verify it after its end")]
    NotEnded(String),
    /// A command changed the run while it was read.
    #[error("run {0} was changed while it was read: verify it again")]
    Changed(String),
}

/// Verifies the current run, which must have ended.
pub async fn verify_run(store: &Store, queue: &Queue) -> Result<Report, VerifyError> {
    let (run, end, _) = ended(store).await?;
    let (tallies, own) = match run.source {
        Source::Generated => (generated::read(store, &run).await?, Vec::new()),
        Source::Import => {
            let (tallies, mut own) = imported::read(store, &run).await?;
            own.push(receipt::check(store, &run, &end).await?);
            (tallies, own)
        }
    };
    // A command may have changed the run meanwhile.
    let (now, now_end, control) = ended(store).await?;
    if (&now.run_id, &now_end) != (&run.run_id, &end) {
        return Err(VerifyError::Changed(run.run_id));
    }
    let snapshot = queue.snapshot().await?;
    let saved = store.run(&run.run_id).await?;
    // An hour after a cancel with removePending its orders are deleted, page by page.
    let due = snapshot.now_ms - Controller::SWEEP_AFTER_MS > end.figures.ended_at;
    let sweeps = due || saved.as_ref().is_some_and(|saved| !saved.remove_pending);
    let mut checks = check_orders(&run, &end, tallies, end.remove_pending && sweeps);
    checks.extend(own);
    checks.extend(check_queue(&control, &run, &end, &snapshot));
    let history = saved.as_ref().map(|saved| (saved.phase, &saved.figures));
    checks.push(Check {
        name: "the history says the same as control",
        figure: saved.as_ref().map_or("no such run".to_owned(), |saved| saved.status.clone()),
        ok: history == Some((end.phase, &end.figures)),
    });
    Ok(Report { run_id: run.run_id, quantity: run.quantity as u64, checks })
}

async fn ended(store: &Store) -> Result<(RunSpec, End, Control), VerifyError> {
    let control = store.control_if_any().await?.ok_or(VerifyError::NoRun)?;
    let run = control.run.clone().ok_or(VerifyError::NoRun)?;
    match run.end.clone() {
        Some(end) => Ok((run, end, control)),
        None => Err(VerifyError::NotEnded(run.run_id)),
    }
}

/// Compares with the figures of the run's end: Redis may be empty meanwhile.
fn check_orders(run: &RunSpec, end: &End, tallies: Tallies, sweeps: bool) -> Vec<Check> {
    let mut checks = Vec::new();
    let [vip, normal] = &tallies.by_priority;
    let ledgers = Priority::ALL.map(|priority| end.figures.ledger(priority));
    let found: u64 = tallies.by_priority.iter().map(|t| t.processed + t.dead + t.removed).sum();
    let generated: u64 = ledgers.iter().map(|ledger| ledger.generated).sum();
    let complete = end.phase == Phase::Done;
    let cancelled = vip.cancelled + normal.cancelled;
    let swept = if sweeps { (end.cancelled as u64).saturating_sub(cancelled) } else { 0 };
    let swept_said = if swept > 0 { format!(", {swept} swept") } else { String::new() };
    checks.push(Check {
        name: "every order generated has one document that is terminal",
        figure: format!("{found} of {generated}{swept_said}"),
        ok: found + swept == generated && (!complete || found == run.quantity as u64),
    });
    let mut left_to_sweep = swept;
    for ((priority, tally), ledger) in Priority::ALL.into_iter().zip([vip, normal]).zip(ledgers) {
        // Only the ledger has the priority of deleted orders.
        let gone = ledger.removed.saturating_sub(tally.removed).min(left_to_sweep);
        left_to_sweep -= gone;
        checks.push(Check {
            name: match priority {
                Priority::Vip => "VIP: documents = ledger (processed, dead, removed)",
                Priority::Normal => "NORMAL: documents = ledger (processed, dead, removed)",
            },
            figure: format!(
                "{} {} {} = {} {} {}{}",
                tally.processed,
                tally.dead,
                tally.removed + gone,
                ledger.processed,
                ledger.dead,
                ledger.removed,
                if gone > 0 { format!(", {gone} swept") } else { String::new() }
            ),
            ok: (tally.processed, tally.dead, tally.removed + gone)
                == (ledger.processed, ledger.dead, ledger.removed)
                && ledger.is_balanced(),
        });
    }
    // One server has stamped both.
    let fence = (vip.last_processed, normal.first_processed);
    checks.push(Check {
        name: "the fence: last VIP processed ≤ first NORMAL (ms between)",
        figure: match fence {
            (Some(vip), Some(normal)) => (normal - vip).to_string(),
            _ => "one of them is empty".to_owned(),
        },
        ok: !matches!(fence, (Some(vip), Some(normal)) if vip > normal),
    });
    checks.push(Check {
        name: "documents still pendente",
        figure: tallies.pending.to_string(),
        ok: tallies.pending == 0,
    });
    checks.push(tallies.missing.check("indexes without a document"));
    checks.push(tallies.surplus.check("documents that the generator does not make"));
    checks.push(tallies.altered.check("documents that differ from what was generated"));
    checks.push(tallies.wrong_note.check("documents with the wrong observacoes"));
    if !complete {
        // They are outside the counts, and allowed.
        let figure = tallies.strays.to_string();
        checks.push(Check { name: "strays, cancelled after the count", figure, ok: true });
    }
    checks
}

fn check_queue(control: &Control, run: &RunSpec, end: &End, snapshot: &Snapshot) -> Vec<Check> {
    let shown = snapshot.run.as_ref();
    let open: u64 =
        Priority::ALL.iter().map(|priority| snapshot.ledger(*priority).open()).sum::<u64>();
    let violations = shown.map_or(0, |run| run.figures.violations);
    vec![
        Check {
            name: "Redis shows this run, ended, at control's version",
            figure: format!("{} at {}", snapshot.phase(), snapshot.version),
            ok: shown.is_some_and(|shown| shown.run_id == run.run_id)
                && snapshot.phase().is_ended()
                && snapshot.version == control.version,
        },
        Check {
            name: "Redis shows the figures of control",
            figure: Priority::ALL
                .map(|priority| snapshot.ledger(priority).generated.to_string())
                .join(" + "),
            ok: shown.is_some_and(|shown| shown.figures == end.figures),
        },
        Check {
            name: "orders still waiting, leased, delayed or deferred",
            figure: open.to_string(),
            ok: open == 0 && snapshot.leases == 0,
        },
        Check {
            name: "fence violations counted",
            figure: violations.to_string(),
            ok: violations == 0,
        },
    ]
}
