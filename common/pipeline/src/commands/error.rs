//! Why a command was not carried out.

use crate::{queue::QueueError, store::StoreError};

#[derive(Debug, Clone, thiserror::Error)]
pub enum CommandError {
    /// Redis failed. Other processes do what control says.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// MongoDB failed: nothing has changed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// MongoDB did not answer while control was changed.
    #[error("outcome unknown: MongoDB did not answer while the command was accepted ({cause})")]
    OutcomeUnknown { run_id: Option<String>, cause: StoreError },
    #[error("run {run_id} is active")]
    Active { run_id: String },
    /// The idempotency key of the call started this run, and the call asks for another one. `has`:
    /// what the run has, and what was asked for.
    #[error("this Idempotency-Key started run {run_id}, which has {has}")]
    KeyUsed { run_id: String, has: String },
    /// Redis has a later version of control than MongoDB.
    #[error(
        "Redis has version {redis} of the control document, MongoDB has {mongo}: wait while MongoDB \
         catches up; if it was emptied, delete the queue's keys in Redis, too"
    )]
    StaleStore { redis: i64, mongo: i64 },
}

pub type Result<T> = std::result::Result<T, CommandError>;
