//! Runs that are long in one phase, so that it can be hit.

use pedidos_common::run::Phase;

use crate::{Cluster, POLL, Status, in_time};

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

impl Cluster {
    /// Starts runs until one is seen in this phase; answers its id and that
    /// status. Those that passed it unseen are run to their end and audited.
    pub async fn run_into(&self, phase: Phase) -> (String, Status) {
        for _ in 0..ROUNDS {
            let run_id = self.client().generate(QUANTITY).await;
            // Asked for without a pause: a phase may be short.
            let reached = in_time("a phase, or the end", async {
                loop {
                    if let Some(status) = self.client().try_status().await
                        && (status.phase == phase || status.phase.is_ended())
                    {
                        break status;
                    }
                }
            });
            let status = reached.await;
            if status.phase == phase {
                return (run_id, status);
            }
            self.audit().await;
        }
        panic!("phase {phase} was missed {ROUNDS} times");
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
        in_time("nothing in flight", async {
            loop {
                let queue = self.client().queue_status().await;
                if queue["paused"] == true {
                    assert_eq!(queue["active"], 0, "{queue:#}");
                    break;
                }
                tokio::time::sleep(POLL).await;
            }
        })
        .await;
        self.client().status().await
    }
}
