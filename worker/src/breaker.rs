//! The breaker between a worker and its processor: after faults no call is made for a while.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use pedidos_core::backoff::doubled;
use pedidos_pipeline::queue::{BreakerState, ProcessorInfo, StuckOrder};
use tokio::time::Instant;

use crate::processor::Fault;

/// Faults in a row that open it.
const OPENS_AFTER: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// A lease that may make calls.
#[derive(Debug)]
pub(crate) struct Admission<'a> {
    breaker: &'a Breaker,
    is_probe: bool,
}

impl Drop for Admission<'_> {
    /// A probe that ends without an answer, because its lease was lost, is made again by the next.
    fn drop(&mut self) {
        let mut inner = self.breaker.lock();
        if let (true, State::Probing { times }) = (self.is_probe, inner.state) {
            inner.state = State::Open { until: Instant::now(), times };
        }
    }
}

/// Closed, open, or half open: then one lease makes calls, to see whether the processor works again.
#[derive(Debug, Default)]
pub(crate) struct Breaker(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    state: State,
    /// Since when, ms since the epoch by Redis' clock.
    since_ms: i64,
    last_error: Option<String>,
    stuck: Option<StuckOrder>,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Closed {
        faults: u32,
    },
    /// `times`: how often it opened in a row.
    Open {
        until: Instant,
        times: u32,
    },
    /// One lease makes calls.
    Probing {
        times: u32,
    },
}

impl Default for State {
    fn default() -> Self {
        Self::Closed { faults: 0 }
    }
}

impl Breaker {
    /// May a batch be claimed? If not, after how long it may.
    pub fn wait(&self) -> Option<Duration> {
        match self.lock().state {
            State::Closed { .. } => None,
            State::Open { until, .. } => {
                Some(until.saturating_duration_since(Instant::now())).filter(|left| !left.is_zero())
            }
            State::Probing { .. } => Some(FIRST_PAUSE),
        }
    }

    /// Lets a lease make calls; none: it may not. If the breaker is open and its pause is over, it lets
    /// one lease alone.
    pub fn admit(&self, now_ms: i64) -> Option<Admission<'_>> {
        let mut inner = self.lock();
        let is_probe = match inner.state {
            State::Closed { .. } => false,
            State::Open { until, times } if until <= Instant::now() => {
                (inner.state, inner.since_ms) = (State::Probing { times }, now_ms);
                true
            }
            State::Open { .. } | State::Probing { .. } => return None,
        };
        Some(Admission { breaker: self, is_probe })
    }

    /// The processor has judged orders.
    pub fn succeed(&self, now_ms: i64) {
        let mut inner = self.lock();
        if !matches!(inner.state, State::Closed { .. }) {
            inner.since_ms = now_ms;
            tracing::info!("the processor works again; the breaker is closed");
        }
        (inner.state, inner.stuck) = (State::Closed { faults: 0 }, None);
    }

    /// The processor is at fault. Answers whether the breaker is open now.
    pub fn fault(&self, fault: &Fault, now_ms: i64) -> bool {
        let mut inner = self.lock();
        inner.last_error = Some(fault.message.clone());
        let (faults, times) = match inner.state {
            State::Closed { faults } => (faults + 1, 0),
            State::Probing { times } => (OPENS_AFTER, times),
            // A call that was under way when it opened.
            State::Open { .. } => return true,
        };
        if faults < OPENS_AFTER && fault.retry_after.is_none() {
            inner.state = State::Closed { faults };
            return false;
        }
        let pause = || doubled(FIRST_PAUSE, times, LONGEST_PAUSE);
        let pause = fault.retry_after.unwrap_or_else(pause);
        inner.state = State::Open { until: Instant::now() + pause, times: times + 1 };
        inner.since_ms = now_ms;
        tracing::warn!(error = %fault, ?pause, "the processor is at fault; the breaker is open");
        true
    }

    /// This order faults, alone, and no other order vouches for the processor.
    pub fn hold(&self, mut order: StuckOrder) {
        let mut inner = self.lock();
        if let Some(before) = inner.stuck.as_ref().filter(|before| before.id == order.id) {
            order.since_ms = before.since_ms;
        }
        inner.stuck = Some(order);
    }

    /// What others may know of it.
    pub fn info(&self, name: String) -> ProcessorInfo {
        let inner = self.lock();
        let breaker = match inner.state {
            State::Closed { .. } => BreakerState::Closed,
            State::Open { .. } => BreakerState::Open,
            State::Probing { .. } => BreakerState::HalfOpen,
        };
        ProcessorInfo {
            name,
            breaker,
            since_ms: inner.since_ms,
            last_error: inner.last_error.clone(),
            stuck: inner.stuck.clone(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use pedidos_core::order::Priority;

    use super::*;
    use crate::processor::FaultKind;

    fn shown(breaker: &Breaker) -> ProcessorInfo {
        breaker.info("p".to_owned())
    }

    fn away() -> Fault {
        Fault::new(FaultKind::Connection, "no connection")
    }

    /// So much of a pause goes by.
    fn pass(breaker: &Breaker, time: Duration) {
        if let State::Open { until, .. } = &mut breaker.lock().state {
            *until -= time;
        }
    }

    #[test]
    fn five_faults_in_a_row_open_it_and_one_probe_closes_it() {
        let breaker = Breaker::default();
        for _ in 0..4 {
            assert!(!breaker.fault(&away(), 1));
        }
        breaker.succeed(2);
        for at in 1..=5 {
            assert_eq!(breaker.fault(&away(), 3), at == 5);
        }
        assert!(breaker.admit(3).is_none());
        pass(&breaker, breaker.wait().unwrap_or_default());
        let probe = breaker.admit(4);
        assert!(probe.is_some() && breaker.admit(4).is_none(), "one probe alone");
        assert_eq!(shown(&breaker).breaker, BreakerState::HalfOpen);
        breaker.succeed(5);
        drop(probe);
        assert!(breaker.wait().is_none() && breaker.admit(5).is_some());
        assert_eq!((shown(&breaker).breaker, shown(&breaker).since_ms), (BreakerState::Closed, 5));
    }

    #[test]
    fn it_waits_longer_each_time_up_to_a_minute() {
        let breaker = Breaker::default();
        for _ in 0..OPENS_AFTER {
            breaker.fault(&away(), 0);
        }
        let mut longest = Duration::ZERO;
        for _ in 0..10 {
            let pause = breaker.wait().unwrap_or_default();
            longest = longest.max(pause);
            pass(&breaker, pause);
            let probe = breaker.admit(0);
            assert!(probe.is_some() && breaker.fault(&away(), 0));
        }
        assert!(longest > LONGEST_PAUSE / 2 && longest <= LONGEST_PAUSE, "{longest:?}");
    }

    #[test]
    fn a_processor_that_asks_for_a_pause_gets_it_at_once() {
        let breaker = Breaker::default();
        let asks = Fault { retry_after: Some(Duration::from_secs(90)), ..away() };
        assert!(breaker.fault(&asks, 0));
        let wait = breaker.wait().unwrap_or_default();
        assert!(wait > Duration::from_secs(80) && wait <= Duration::from_secs(90), "{wait:?}");
    }

    #[test]
    fn a_probe_that_ends_without_an_answer_is_made_again() {
        let breaker = Breaker::default();
        breaker.fault(&Fault { retry_after: Some(Duration::from_secs(1)), ..away() }, 0);
        pass(&breaker, Duration::from_secs(1));
        drop(breaker.admit(0));
        assert!(breaker.wait().is_none() && breaker.admit(0).is_some());
    }

    #[test]
    fn the_order_that_faults_alone_is_known_until_another_is_judged() {
        let breaker = Breaker::default();
        let stuck = |error: &str, since_ms| StuckOrder {
            id: "a".to_owned(),
            run_id: "r".to_owned(),
            priority: Priority::Vip,
            since_ms,
            error: error.to_owned(),
        };
        breaker.hold(stuck("no", 5));
        breaker.hold(stuck("still no", 9));
        let stuck = shown(&breaker).stuck.map(|stuck| (stuck.since_ms, stuck.error));
        assert_eq!(stuck, Some((5, "still no".to_owned())));
        breaker.succeed(10);
        assert_eq!(shown(&breaker).stuck, None);
    }
}
