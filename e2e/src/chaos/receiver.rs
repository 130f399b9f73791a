//! The receiver of a run: what is drawn for it, and how it is at fault.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rand::{Rng, RngExt, seq::IndexedRandom};

use crate::receiver::{Call, Receiver, Reply, RetryAfter, Verdict};

/// How a receiver is at fault as a whole, for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outage {
    /// Its port is closed, and every connection ends.
    Down,
    /// No call is answered.
    Hangs,
    /// 503.
    Away,
    /// 429 with `Retry-After: 1`.
    Busy,
    /// Bytes that are no HTTP.
    Garbage,
    /// The connection ends in the middle of each answer.
    Half,
    /// The connection ends before each answer.
    Closes,
}

impl Outage {
    const ALL: [Self; 7] =
        [Self::Down, Self::Hangs, Self::Away, Self::Busy, Self::Garbage, Self::Half, Self::Closes];

    /// An outage, and how long it lasts.
    pub(super) fn draw(random: &mut impl Rng) -> (Self, Duration) {
        let outage = *Self::ALL.choose(random).expect("there are some");
        (outage, Duration::from_millis(random.random_range(200..1_200)))
    }

    pub fn kind(self) -> &'static str {
        match self {
            Self::Down => "receiver: down",
            Self::Hangs => "receiver: hangs",
            Self::Away => "receiver: 503",
            Self::Busy => "receiver: 429 with Retry-After",
            Self::Garbage => "receiver: garbage",
            Self::Half => "receiver: half an answer",
            Self::Closes => "receiver: closes the connection",
        }
    }

    /// What is answered meanwhile; none: there is nobody to answer.
    fn reply(self) -> Option<Reply> {
        Some(match self {
            Self::Down => return None,
            Self::Hangs => Reply::Hang,
            Self::Away => Reply::status(503),
            Self::Busy => Reply::later(429, RetryAfter::Seconds(1)),
            Self::Garbage => Reply::Garbage,
            Self::Half => Reply::Half,
            Self::Closes => Reply::Close,
        })
    }
}

/// Of which orders of a list something is said.
#[derive(Debug, Clone, Copy)]
pub enum Picked {
    None,
    /// The one with this number.
    One(u32),
    /// Those whose number leaves this rest: one in [`SHARE`].
    Share(u32),
}

const SHARE: u32 = 40;

impl Picked {
    fn share(random: &mut impl Rng) -> Self {
        Self::Share(random.random_range(0..SHARE))
    }

    pub(super) const fn has(self, number: u32) -> bool {
        match self {
            Self::None => false,
            Self::One(one) => one == number,
            Self::Share(rest) => number % SHARE == rest,
        }
    }

    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::One(_) => "one order",
            Self::Share(_) => "a share",
        }
    }
}

/// What is drawn for the receiver of a run.
#[derive(Debug, Clone)]
pub struct ReceiverPlan {
    /// Orders of a call, at most.
    pub(super) batch: u32,
    /// The fence stays shut while a VIP order is a dead letter, until a person lets the run go.
    pub(super) holds: bool,
    /// Orders that it answers `fail`, whenever they are called.
    pub(super) fails: Picked,
    /// Other orders that it answers `retry`, the first time that it answers for them.
    pub(super) retries: Picked,
}

impl ReceiverPlan {
    /// Of the run that has the orders of these numbers.
    pub(super) fn draw(random: &mut impl Rng, accepted: &[u32]) -> Self {
        let fails = match random.random_range(0..4) {
            0 => Picked::One(*accepted.choose(random).expect("orders are accepted")),
            1 => Picked::share(random),
            _ => Picked::None,
        };
        let retries = random.random_bool(0.4);
        Self {
            batch: random.random_range(25..=100),
            holds: random.random_bool(0.5),
            fails,
            retries: if retries { Picked::share(random) } else { Picked::None },
        }
    }

    /// The options of its run.
    pub(super) fn options(&self) -> String {
        let policy = if self.holds { "hold" } else { "continue" };
        format!("processor=default&onVipFailure={policy}")
    }
}

/// How it answers while there is no outage.
struct Usual {
    plan: ReceiverPlan,
    /// The orders that were answered `retry`.
    retried: Mutex<HashSet<String>>,
}

impl Usual {
    fn reply(&self, call: &Call) -> Reply {
        Reply::each(call, |order| {
            let number = order.number();
            if self.plan.fails.has(number) {
                Verdict::Fail("no such address".to_owned())
            } else if self.plan.retries.has(number) && self.is_first(&order.id) {
                Verdict::Retry(None)
            } else {
                Verdict::OK
            }
        })
    }

    fn is_first(&self, id: &str) -> bool {
        let mut retried = self.retried.lock().unwrap_or_else(PoisonError::into_inner);
        retried.insert(id.to_owned())
    }
}

/// The receiver, with the outage that it has.
pub(super) struct Posted {
    pub(super) receiver: Receiver,
    usual: Arc<Usual>,
    outage: Option<Outage>,
}

impl Posted {
    pub(super) async fn start(plan: &ReceiverPlan) -> Self {
        let usual = Usual { plan: plan.clone(), retried: Mutex::default() };
        let posted =
            Self { receiver: Receiver::start().await, usual: Arc::new(usual), outage: None };
        posted.answer_as_usual();
        posted
    }

    fn answer_as_usual(&self) {
        let usual = Arc::clone(&self.usual);
        self.receiver.answer(move |call| usual.reply(call));
    }

    /// The outage begins, in place of one that there may be.
    pub(super) async fn fall(&mut self, outage: Outage) {
        self.mend().await;
        match outage.reply() {
            Some(reply) => self.receiver.answer(move |_| reply.clone()),
            None => self.receiver.down().await,
        }
        self.outage = Some(outage);
    }

    /// The outage, if there is one, is over.
    pub(super) async fn mend(&mut self) {
        let Some(outage) = self.outage.take() else { return };
        if outage == Outage::Down {
            self.receiver.up().await;
        }
        self.answer_as_usual();
        self.receiver.let_go();
    }
}
