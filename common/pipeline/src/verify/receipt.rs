//! Reads the receipt of a run, as whoever downloads it does, and counts its lines.

use pedidos_core::{
    control::{End, RunSpec},
    order::{CANCELADO, FALHOU, PROCESSADO, Priority, REMOVIDO},
};

use super::{VerifyError, report::Check};
use crate::{
    receipt::{Receipt, ReceiptError, ReceiptFilter},
    store::{Store, StoredOrder},
};

/// Lines of one priority: processed, dead, removed.
type Counts = [u64; 3];

/// I15: the lines add up to the ledger of the run's end.
pub(super) async fn check(store: &Store, run: &RunSpec, end: &End) -> Result<Check, VerifyError> {
    let (mut counts, mut others) = ([Counts::default(); 2], 0);
    let mut receipt = Receipt::new(store.clone(), run.clone(), ReceiptFilter::default(), None);
    loop {
        let orders = receipt.next().await.map_err(|error| match error {
            ReceiptError::Store(error) => error.into(),
            ReceiptError::Gone => VerifyError::Changed(run.run_id.clone()),
        })?;
        let Some(orders) = orders else { break };
        for order in &orders {
            match place(order) {
                Some((priority, state)) => counts[priority][state] += 1,
                None => others += 1,
            }
        }
    }
    let ledgers = Priority::ALL.map(|priority| {
        let ledger = end.figures.ledger(priority);
        [ledger.processed, ledger.dead, ledger.removed]
    });
    let lines = counts.iter().flatten().sum::<u64>() + others;
    let differs = if others > 0 { format!(", {others} of no such order") } else { String::new() };
    Ok(Check {
        name: "lines of the receipt = ledger (processed, dead, removed)",
        figure: format!("{lines}: {counts:?} = {ledgers:?}{differs}"),
        ok: counts == ledgers && others == 0,
    })
}

/// By priority and state; none: the order is not terminal, or has no priority.
fn place(order: &StoredOrder) -> Option<(usize, usize)> {
    let of = order.priority.as_deref();
    let priority = Priority::ALL.into_iter().find(|it| Some(it.as_str()) == of)?;
    let state = match order.status.as_deref()? {
        PROCESSADO => 0,
        FALHOU => 1,
        REMOVIDO | CANCELADO => 2,
        _ => return None,
    };
    Some((priority as usize, state))
}
