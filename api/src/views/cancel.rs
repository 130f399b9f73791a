//! The answer of a cancel.

use pedidos_api_types::commands::{CancelAnswer, CancelSummary};
use pedidos_pipeline::commands::{Cancelled, CancelledSoFar};

#[must_use]
pub fn nothing() -> CancelAnswer {
    CancelAnswer {
        message: "There is no active run to cancel.".to_owned(),
        ..CancelAnswer::default()
    }
}

#[must_use]
pub fn done(done: &Cancelled) -> CancelAnswer {
    let removed = done.end.cancelled as u64;
    let figures = &done.end.figures;
    let summary = CancelSummary {
        generated: (figures.vip_generated + figures.normal_generated) as u64,
        processed: (figures.vip_processed + figures.normal_processed) as u64,
        failed: (figures.vip_dead + figures.normal_dead) as u64,
        removed: (figures.vip_removed + figures.normal_removed) as u64,
        still_pending: 0,
    };
    CancelAnswer {
        aborted: true,
        queue_paused: true,
        removed_pending: removed,
        purged: done.end.purge,
        logs_reset: done.logs_reset,
        waited_for_stop_ms: done.waited.as_millis() as u64,
        still_active: done.still_active > 0,
        leases_held: done.still_active,
        summary: Some(summary),
        message: format!("Run {} is cancelled; {removed} orders were pending.", done.run_id),
    }
}

#[must_use]
pub fn so_far(so_far: &CancelledSoFar) -> CancelAnswer {
    let CancelledSoFar { run_id, waited, still_active, marked, ledgers, cause } = so_far;
    let [marked, of] = *marked;
    let summary = ledgers.map(|[vip, normal]| {
        let open = vip.open() + normal.open();
        CancelSummary {
            generated: vip.generated + normal.generated,
            processed: vip.processed + normal.processed,
            failed: vip.dead + normal.dead,
            // The ledger has cancelled orders as open until the cancel ends.
            removed: vip.removed + normal.removed + marked.min(open),
            still_pending: open - marked.min(open),
        }
    });
    let why = cause.as_ref().map_or_else(String::new, |cause| format!(" {cause}."));
    let message = format!(
        "Run {run_id} is being cancelled: {marked} of {of} orders are cancelled so far.{why} \
             GET /pedidos shows the progress."
    );
    CancelAnswer {
        aborted: true,
        queue_paused: true,
        removed_pending: marked,
        purged: false,
        logs_reset: false,
        waited_for_stop_ms: waited.as_millis() as u64,
        still_active: *still_active > 0,
        leases_held: *still_active,
        summary,
        message,
    }
}
