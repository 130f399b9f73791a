//! The leases that this worker holds. Heartbeats extend all of them; work under one stops when
//! a heartbeat finds it lost.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use ::metrics::gauge;
use pedidos_pipeline::queue::Token;
use pedidos_service::metrics as names;
use tokio::{sync::Notify, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::error::WorkError;

/// A lease is removed explicitly and not on drop: the leases of slots that are aborted at shutdown are
/// still here to be given back.
#[derive(Debug, Default)]
pub(crate) struct Leases {
    held: Mutex<HashMap<Token, Held>>,
    /// Leases are extended.
    beaten: Notify,
}

#[derive(Debug)]
struct Held {
    /// Cancelled when it is lost.
    lost: CancellationToken,
    /// Before its claim was sent.
    claimed: Instant,
    /// It is ours at least until then, by this machine's monotonic clock.
    until: Instant,
}

impl Leases {
    /// Answers what is cancelled when the lease is lost. `claimed`: before its claim was sent.
    pub fn add(&self, lease: &Token, claimed: Instant, lasts: Duration) -> CancellationToken {
        let lost = CancellationToken::new();
        let mut leases = self.lock();
        let held = Held { lost: lost.clone(), claimed, until: claimed + lasts };
        leases.insert(lease.clone(), held);
        gauge!(names::BUSY).set(leases.len() as f64);
        lost
    }

    pub fn remove(&self, lease: &Token) {
        let mut leases = self.lock();
        leases.remove(lease);
        gauge!(names::BUSY).set(leases.len() as f64);
    }

    pub fn tokens(&self) -> Vec<Token> {
        self.lock().keys().cloned().collect()
    }

    pub fn count(&self) -> usize {
        self.lock().len()
    }

    /// Stops the work under a lease that is lost.
    pub fn stop(&self, lease: &Token) {
        if let Some(held) = self.lock().get(lease) {
            held.lost.cancel();
        }
    }

    /// These leases last until then: a heartbeat has extended them.
    pub fn extended(&self, tokens: &[Token], until: Instant) {
        let mut leases = self.lock();
        for token in tokens {
            if let Some(held) = leases.get_mut(token) {
                held.until = until;
            }
        }
        drop(leases);
        self.beaten.notify_waiters();
    }

    /// When the lease was claimed: a little before its `since` by Redis' clock.
    pub fn claimed(&self, lease: &Token) -> Instant {
        self.lock().get(lease).map_or_else(Instant::now, |held| held.claimed)
    }

    /// Waits until more than this is left of a lease. A worker that was frozen finds out here that
    /// its lease is over.
    pub async fn has_left(&self, lease: &Token, time: Duration) -> Result<(), WorkError> {
        loop {
            let beaten = self.beaten.notified();
            let until = self.lock().get(lease).map(|held| held.until);
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            match left {
                None | Some(Duration::ZERO) => return Err(WorkError::LeaseLost),
                Some(left) if left > time => return Ok(()),
                Some(left) => {
                    let _extended = tokio::time::timeout(left, beaten).await;
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Token, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
