//! Runs that are long in one phase, so that it can be hit.

use pedidos_common::run::Phase;

use crate::{Cluster, Status};

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
            loop {
                let status = self.client().status().await;
                if status.phase == phase {
                    return (run_id, status);
                }
                if status.phase.is_ended() {
                    break;
                }
            }
            self.audit().await;
        }
        panic!("phase {phase} was missed {ROUNDS} times");
    }
}
