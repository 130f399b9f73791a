//! A worker that processes orders itself: no receiver, no HTTP.
//!
//! `PROCESSOR_NAME=shop cargo run --release --locked --example processor`, with the settings of
//! `pedidos-worker`. Runs that name the processor `shop` are for it then. docs/processing.md says more.

use std::process::ExitCode;

use pedidos_worker::processor::{Batch, BatchOrder, Fault, Processor, Verdict};

struct Shop;

impl Processor for Shop {
    async fn process(&self, batch: &Batch) -> Result<Vec<Verdict>, Fault> {
        Ok(batch.orders.iter().map(ship).collect())
    }
}

/// An order may come again: the work is to be done once for each `order.key()`.
fn ship(order: &BatchOrder) -> Verdict {
    if order.valor > 5_000.0 {
        return Verdict::fail(order, "more than one order may cost");
    }
    Verdict::ok(order)
}

fn main() -> ExitCode {
    pedidos_worker::main(Shop)
}
