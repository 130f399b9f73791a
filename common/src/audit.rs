//! The audit: holds an ended run, document by document, against the generator,
//! the ledger and the fence. It reads every order of the run, in order, in
//! constant memory; it writes nothing.

use std::collections::HashSet;

use mongodb::bson::{Bson, Document};

use crate::{
    control::{Control, RunSpec},
    order::{CANCELADO, FALHOU, Order, OrderId, PENDENTE, PROCESSADO, Priority, REMOVIDO},
    queue::{Queue, QueueError, Snapshot},
    run::Phase,
    store::{Store, StoreError},
};

/// Why an audit could not be made.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// Redis did not answer.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// MongoDB did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no run to look at.
    #[error("there is no run to audit")]
    NoRun,
    /// The run goes on.
    #[error("run {0} has not ended")]
    NotEnded(String),
}

/// One thing that was looked at.
#[derive(Debug, Clone)]
pub struct Check {
    /// What should be so.
    pub name: &'static str,
    /// What was found.
    pub figure: String,
    /// Is it so?
    pub ok: bool,
}

/// What an audit found.
#[derive(Debug, Clone)]
pub struct Report {
    /// The run.
    pub run_id: String,
    /// How many orders it was to have.
    pub quantity: u64,
    /// All that was looked at.
    pub checks: Vec<Check>,
}

impl Report {
    /// Is everything as it should be?
    #[must_use]
    pub fn holds(&self) -> bool {
        self.checks.iter().all(|check| check.ok)
    }
}

/// What the documents of one priority come to.
#[derive(Debug, Default)]
struct Tally {
    processed: u64,
    dead: u64,
    removed: u64,
    first_processed: Option<i64>,
    last_processed: Option<i64>,
}

/// What the documents of a run come to.
#[derive(Debug, Default)]
struct Tallies {
    by_priority: [Tally; 2],
    strays: u64,
    pending: u64,
    missing: Examples,
    surplus: Examples,
    altered: Examples,
    wrong_note: Examples,
}

/// How many, and the first few by name.
#[derive(Debug, Default)]
struct Examples {
    count: u64,
    first: Vec<String>,
}

impl Examples {
    fn add(&mut self, what: &impl ToString) {
        self.count += 1;
        if self.first.len() < 3 {
            self.first.push(what.to_string());
        }
    }

    fn check(self, name: &'static str) -> Check {
        let ok = self.count == 0;
        let figure =
            if ok { "0".into() } else { format!("{}: {}", self.count, self.first.join(", ")) };
        Check { name, figure, ok }
    }
}

/// Audits the current run, which must have ended.
///
/// # Errors
/// There is none, it goes on, or a store does not answer.
pub async fn audit(store: &Store, queue: &Queue) -> Result<Report, AuditError> {
    let control = store.control().await?;
    let Some(run) = control.run.clone() else {
        return Err(AuditError::NoRun);
    };
    if run.end.is_none() {
        return Err(AuditError::NotEnded(run.run_id));
    }
    let tallies = read_orders(store, &run).await?;
    let snapshot = queue.snapshot().await?;
    let saved = store.run(&run.run_id).await?;
    let mut checks = check_orders(&run, tallies, &snapshot);
    checks.extend(check_queue(&control, &run, &snapshot));
    let history = saved.as_ref().map(|saved| (saved.phase, &saved.figures));
    let end = run.end.as_ref().map(|end| (end.phase, &end.figures));
    checks.push(Check {
        name: "the history says the same as control",
        figure: saved.as_ref().map_or("no such run".to_owned(), |saved| saved.status.clone()),
        ok: history == end,
    });
    Ok(Report { run_id: run.run_id, quantity: run.quantity as u64, checks })
}

/// Reads every document of the run's id range beside the order that the
/// generator makes for it.
async fn read_orders(store: &Store, run: &RunSpec) -> Result<Tallies, AuditError> {
    // Everything that could belong to the run, also what should not be there.
    let all = run.ids();
    let apart = store.letters_kept_apart(&all).await?;
    let mut expected = run.generator().orders(0..run.quantity as u32).peekable();
    // A cancelled run has not generated everything.
    let complete = run.end.as_ref().is_some_and(|end| end.phase == Phase::Done);
    let mut tallies = Tallies::default();
    let behind_the_last = run.pages().last().map_or(all.start, |page| page.end)..all.end;
    for page in run.pages().chain([behind_the_last]) {
        for document in store.documents(&page).await? {
            let id = document.get_str("_id").unwrap_or_default().to_owned();
            while let Some(order) = expected.next_if(|order| order.id.to_string() < id) {
                tallies.without_document(&order, complete, &apart);
            }
            match expected.next_if(|order| order.id.to_string() == id) {
                Some(order) => tallies.count(&order, &document, run, &apart),
                None => tallies.surplus.add(&id),
            }
        }
    }
    expected.for_each(|order| tallies.without_document(&order, complete, &apart));
    Ok(tallies)
}

impl Tallies {
    /// Of a run that was cancelled, most were never made.
    fn without_document(&mut self, order: &Order, complete: bool, apart: &HashSet<OrderId>) {
        if apart.contains(&order.id) {
            self.by_priority[order.priority() as usize].dead += 1;
        } else if complete {
            self.missing.add(&order.id);
        }
    }

    fn count(
        &mut self,
        order: &Order,
        document: &Document,
        run: &RunSpec,
        apart: &HashSet<OrderId>,
    ) {
        let fixed = order.fixed_fields(&run.run_id);
        if fixed.iter().any(|(field, value)| document.get(field) != Some(value))
            || !matches!(document.get("createdAt"), Some(Bson::DateTime(_)))
        {
            self.altered.add(&order.id);
        }
        let status = document.get_str("status").unwrap_or_default();
        let attempt = run.end.as_ref().map(|end| end.attempt);
        if status == CANCELADO && document.get_i64("cancelAttempt").ok() != attempt {
            self.strays += 1;
            return;
        }
        let note = document.get_str("observacoes").unwrap_or_default();
        let due = if status == PROCESSADO { order.priority().processed_note() } else { order.note };
        if note != due {
            self.wrong_note.add(&order.id);
        }
        let tally = &mut self.by_priority[order.priority() as usize];
        match status {
            PROCESSADO => tally.processed += 1,
            FALHOU => tally.dead += 1,
            REMOVIDO | CANCELADO => tally.removed += 1,
            // The server takes it in no other form: its letter says what became of it.
            PENDENTE if apart.contains(&order.id) => tally.dead += 1,
            PENDENTE => self.pending += 1,
            other => self.altered.add(&format!("{} ({other})", order.id)),
        }
        let late = document.contains_key("retriedAt");
        if let (PROCESSADO, false, Ok(at)) = (status, late, document.get_datetime("processedAt")) {
            let at = at.timestamp_millis();
            tally.first_processed = Some(tally.first_processed.map_or(at, |first| first.min(at)));
            tally.last_processed = Some(tally.last_processed.map_or(at, |last| last.max(at)));
        } else if status == PROCESSADO && !late {
            self.altered.add(&format!("{} (no processedAt)", order.id));
        }
    }
}

fn check_orders(run: &RunSpec, tallies: Tallies, snapshot: &Snapshot) -> Vec<Check> {
    let mut checks = Vec::new();
    let [vip, normal] = &tallies.by_priority;
    let found: u64 = tallies.by_priority.iter().map(|t| t.processed + t.dead + t.removed).sum();
    let generated: u64 =
        Priority::ALL.iter().map(|priority| snapshot.ledger(*priority).generated).sum();
    let complete = run.end.as_ref().is_some_and(|end| end.phase == Phase::Done);
    checks.push(Check {
        name: "every order generated has one document that is terminal",
        figure: format!("{found} of {generated}"),
        ok: found == generated && (!complete || found == run.quantity as u64),
    });
    for (priority, tally) in Priority::ALL.into_iter().zip([vip, normal]) {
        let ledger = snapshot.ledger(priority);
        checks.push(Check {
            name: match priority {
                Priority::Vip => "VIP: documents = ledger (processed, dead, removed)",
                Priority::Normal => "NORMAL: documents = ledger (processed, dead, removed)",
            },
            figure: format!(
                "{} {} {} = {} {} {}",
                tally.processed,
                tally.dead,
                tally.removed,
                ledger.processed,
                ledger.dead,
                ledger.removed
            ),
            ok: (tally.processed, tally.dead, tally.removed)
                == (ledger.processed, ledger.dead, ledger.removed)
                && ledger.is_balanced(),
        });
    }
    // By the clock of the one server that stamped both.
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
        // Cancelled late, outside the counts: allowed, and said.
        let figure = tallies.strays.to_string();
        checks.push(Check { name: "strays, cancelled after the count", figure, ok: true });
    }
    checks
}

fn check_queue(control: &Control, run: &RunSpec, snapshot: &Snapshot) -> Vec<Check> {
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
