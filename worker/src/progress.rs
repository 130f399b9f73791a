//! What this worker has done so far, and the time that its pushes took.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use pedidos_core::order::Priority;
use tokio::time::Instant;

#[derive(Debug, Default)]
pub(crate) struct Progress {
    generated: AtomicU64,
    processed: AtomicU64,
    /// Since the last claim, by priority.
    pushing_us: [AtomicU64; 2],
}

/// Orders that this worker has generated and processed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub generated: u64,
    pub processed: u64,
}

impl Progress {
    pub fn add_generated(&self, orders: u64) {
        self.generated.fetch_add(orders, Relaxed);
    }

    pub fn add_processed(&self, orders: u64) {
        self.processed.fetch_add(orders, Relaxed);
    }

    pub fn totals(&self) -> Totals {
        Totals { generated: self.generated.load(Relaxed), processed: self.processed.load(Relaxed) }
    }

    pub fn add_pushing(&self, priority: Priority, started: Instant) {
        let spent = started.elapsed().as_micros() as u64;
        self.pushing_us[priority as usize].fetch_add(spent, Relaxed);
    }

    /// The time that pushes of VIP and of NORMAL orders took since this was asked last: the next
    /// claim reports it.
    pub fn take_pushing(&self) -> [Duration; 2] {
        self.pushing_us.each_ref().map(|spent| Duration::from_micros(spent.swap(0, Relaxed)))
    }
}
