//! The last answer about readiness: many probes may ask, the stores are asked once in a while.

use std::{sync::Arc, time::Duration};

use tokio::{sync::Mutex, time::Instant};

#[derive(Clone, Default)]
pub(super) struct Readiness(Arc<Mutex<Option<(Instant, Ready)>>>);

/// The error says what is wrong.
pub(super) type Ready = Result<(), String>;

/// How long an answer is used.
const VALID_FOR: Duration = Duration::from_millis(500);

impl Readiness {
    /// The last answer, or a new one if that is too old. One caller asks, the others wait for it.
    pub(super) async fn or_ask(&self, ask: impl Future<Output = Ready>) -> Ready {
        let mut last = self.0.lock().await;
        if let Some((at, ready)) = &*last
            && at.elapsed() < VALID_FOR
        {
            return ready.clone();
        }
        let ready = ask.await;
        *last = Some((Instant::now(), ready.clone()));
        ready
    }
}
