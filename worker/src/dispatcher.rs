//! The processor of a worker, and what is known of it.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use pedidos_core::order::OrderId;
use pedidos_pipeline::{queue::ProcessorInfo, store::PendingOrder};

use crate::{
    breaker::Breaker,
    processor::{AnyProcessor, ProcessorSettings},
};

/// Orders whose faults are remembered; with more, all are forgotten, and are called once more.
const FAULTED_KEPT: usize = 100_000;

/// The processor of a worker, and what is known of it.
pub(crate) struct Dispatcher {
    pub settings: ProcessorSettings,
    pub processor: Box<dyn AnyProcessor>,
    pub breaker: Breaker,
    faulted: Mutex<HashMap<OrderId, Faulted>>,
}

/// Calls with an order that failed as a whole, since it was last judged.
#[derive(Debug, Clone, Copy, Default)]
struct Faulted {
    times: u32,
    /// When it last failed alone, ms since the epoch; none: it never did. A call of several blames none
    /// of them.
    alone: Option<i64>,
    /// When it last failed, ms since the epoch.
    last: i64,
}

impl Dispatcher {
    pub fn new(settings: ProcessorSettings, processor: Box<dyn AnyProcessor>) -> Self {
        let (breaker, faulted) = (Breaker::default(), Mutex::default());
        Self { settings, processor, breaker, faulted }
    }

    /// What others may know of it.
    pub fn info(&self) -> ProcessorInfo {
        self.breaker.info(self.settings.name.clone())
    }

    /// Notes that a call with these orders failed. Answers when one of them last did so before: of a
    /// single order, alone.
    pub fn note_fault(&self, orders: &[PendingOrder], now: i64) -> Option<i64> {
        let mut faulted = self.faulted();
        if faulted.len() > FAULTED_KEPT {
            faulted.clear();
        }
        let alone = orders.len() == 1;
        let before = orders.iter().map(|order| {
            let known = faulted.entry(order.id).or_default();
            let before = if alone { known.alone } else { (known.times > 0).then_some(known.last) };
            let alone = if alone { Some(now) } else { known.alone };
            *known = Faulted { times: known.times + 1, alone, last: now };
            before
        });
        before.max().flatten()
    }

    /// How often calls with one of these orders failed.
    pub fn faults(&self, orders: &[PendingOrder]) -> u32 {
        let faulted = self.faulted();
        let times = orders.iter().filter_map(|order| faulted.get(&order.id));
        times.map(|known| known.times).max().unwrap_or(0)
    }

    pub fn forget_faults(&self, orders: &[PendingOrder]) {
        let mut faulted = self.faulted();
        for order in orders {
            faulted.remove(&order.id);
        }
    }

    fn faulted(&self) -> MutexGuard<'_, HashMap<OrderId, Faulted>> {
        self.faulted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
