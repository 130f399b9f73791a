//! Runs that are long in one phase, so that it can be hit.

use pedidos_core::run::Phase;

use crate::{
    cluster::Cluster,
    status::Status,
    wait::{POLL, eventually, in_time},
};

/// The phases of a run that goes on.
pub const ACTIVE: [Phase; 5] = [
    Phase::Generating,
    Phase::EnqueueVip,
    Phase::WaitingVipDrain,
    Phase::EnqueueNormal,
    Phase::WaitingNormalDrain,
];

/// How often a phase may be missed before that is a failure.
const ROUNDS: u32 = 20;

/// Orders of such a run.
pub const QUANTITY: u32 = 4_000;

/// Settings with which a run of [`QUANTITY`] orders is long in this phase.
pub const fn long_in(phase: Phase) -> &'static [(&'static str, &'static str)] {
    match phase {
        // Chunk after chunk.
        Phase::Generating | Phase::EnqueueVip => &[("GENERATION_CHUNK_SIZE", "50")],
        // All chunks are pushed together; then there is a lot to drain.
        Phase::WaitingVipDrain => &[
            ("GENERATION_CHUNK_SIZE", "1000"),
            ("ORDERS_BATCH_SIZE", "10"),
            ("ORDERS_QUEUE_CONCURRENCY", "2"),
        ],
        // Range after range, each drained before the next is pushed.
        Phase::EnqueueNormal => &[
            ("NORMAL_ENQUEUE_BATCH_SIZE", "50"),
            ("ORDERS_BATCH_SIZE", "25"),
            ("ORDERS_QUEUE_CONCURRENCY", "2"),
        ],
        // All ranges are pushed together; then there is a lot to drain.
        _ => &[
            ("NORMAL_ENQUEUE_BATCH_SIZE", "1000"),
            ("ORDERS_BATCH_SIZE", "25"),
            ("ORDERS_QUEUE_CONCURRENCY", "2"),
        ],
    }
}

/// In each phase of a run that goes on: starts a cluster, and runs on it until one is in this
/// phase; does something to it, as whoever has that run's id and status; and ends the cluster.
pub async fn in_each_phase(
    mut start: impl AsyncFnMut(Phase) -> Cluster,
    mut act: impl AsyncFnMut(&mut Cluster, (String, Status)),
) {
    for phase in ACTIVE {
        eprintln!("{phase}");
        let mut cluster = start(phase).await;
        let run = cluster.run_into(phase).await;
        act(&mut cluster, run).await;
        cluster.finish().await;
    }
}

impl Cluster {
    /// Starts runs until one is seen in this phase; answers its id and that
    /// status. Those that passed it unseen are run to their end and audited.
    pub async fn run_into(&self, phase: Phase) -> (String, Status) {
        for _ in 0..ROUNDS {
            let run_id = self.client().generate(QUANTITY).await;
            let reached = in_time(
                "a phase, or the end",
                self.next_status(|status| status.phase == phase || status.phase.is_ended()),
            );
            let status = reached.await;
            if status.phase == phase {
                return (run_id, status);
            }
            self.audit().await;
        }
        panic!("phase {phase} was missed {ROUNDS} times");
    }

    /// The first status that is as wanted, asked for at every event of the queue: a phase may
    /// be shorter than any pause between two questions.
    async fn next_status(&self, wanted: impl Fn(&Status) -> bool) -> Status {
        let mut events = self.stores.queue.events().await.ok();
        loop {
            if let Some(status) = self.client().try_status().await
                && wanted(&status)
            {
                return status;
            }
            // Events may be lost, with the server or on the way.
            let event = async {
                match &mut events {
                    Some(events) => drop(events.recv().await),
                    None => std::future::pending().await,
                }
            };
            tokio::time::timeout(POLL, event).await.ok();
        }
    }

    /// As [`Self::run_into`], and paused there, with nothing in flight.
    pub async fn hold(&self, phase: Phase) -> (String, Status) {
        for _ in 0..ROUNDS {
            let (run_id, _) = self.run_into(phase).await;
            let status = self.pause().await;
            if status.phase == phase {
                return (run_id, status);
            }
            // The last leases ended the phase.
            self.client().resume().await;
            self.done().await;
        }
        panic!("phase {phase} never held still, {ROUNDS} times");
    }

    /// Pauses, and waits until nothing is in flight.
    pub async fn pause(&self) -> Status {
        let answer = self.client().pause().await;
        assert_eq!(answer["paused"], true, "{answer:#}");
        assert_eq!(answer["global"], true, "{answer:#}");
        assert!(answer["inFlight"].is_u64(), "{answer:#}");
        eventually("nothing in flight", async || {
            let queue = self.client().queue_status().await;
            let paused = queue["paused"] == true;
            assert!(!paused || queue["active"] == 0, "{queue:#}");
            paused
        })
        .await;
        self.client().status().await
    }
}
