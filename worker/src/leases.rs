//! The leases that this worker holds. Heartbeats extend all of them; work under one stops when
//! a heartbeat finds it lost.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use ::metrics::gauge;
use pedidos_pipeline::queue::Token;
use pedidos_service::metrics as names;
use tokio_util::sync::CancellationToken;

/// Each lease with the token that is cancelled when it is lost. A lease is removed explicitly and
/// not on drop: the leases of slots that are aborted at shutdown are still here to be given back.
#[derive(Debug, Default)]
pub(crate) struct Leases(Mutex<HashMap<Token, CancellationToken>>);

impl Leases {
    /// Answers what is cancelled when the lease is lost.
    pub fn add(&self, lease: &Token) -> CancellationToken {
        let lost = CancellationToken::new();
        let mut leases = self.lock();
        leases.insert(lease.clone(), lost.clone());
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
        if let Some(lost) = self.lock().get(lease) {
            lost.cancel();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Token, CancellationToken>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
