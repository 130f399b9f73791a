//! Reads the orders of a generated run.

use pedidos_core::{control::RunSpec, order::Order, run::Phase};

use super::tally::{Known, Tallies};
use crate::store::{Store, StoreError};

/// Compares every document of the run's id range with the order that the generator makes.
pub(super) async fn read(store: &Store, run: &RunSpec) -> Result<Tallies, StoreError> {
    // Every id that could belong to the run, also those that should not exist.
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
                tallies.without_document(known(&order), complete, &apart);
            }
            match expected.next_if(|order| order.id.to_string() == id) {
                Some(order) => {
                    let fixed = order.fixed_fields(&run.run_id);
                    if fixed.iter().any(|(field, value)| document.get(field) != Some(value)) {
                        tallies.altered.add(&order.id);
                    }
                    tallies.count(known(&order), &document, run, &apart);
                }
                None => tallies.surplus.add(&id),
            }
        }
    }
    expected.for_each(|order| tallies.without_document(known(&order), complete, &apart));
    Ok(tallies)
}

fn known(order: &Order) -> Known<'_> {
    Known { id: order.id, priority: order.priority(), note: Some(order.note) }
}
