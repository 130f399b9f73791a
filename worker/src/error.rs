//! Why the work of a lease was not done.

use pedidos_pipeline::{commands::CommandError, queue::QueueError, store::StoreError};

#[derive(Debug, thiserror::Error)]
pub(crate) enum WorkError {
    /// Another worker has the work now.
    #[error("lease lost")]
    LeaseLost,
    #[error("the run is not active any more")]
    RunInactive,
    /// A claim gives such a batch to nobody else.
    #[error("this worker does not have the processor of the run")]
    NoProcessor,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Queue(#[from] QueueError),
    #[error(transparent)]
    Command(#[from] CommandError),
}

impl WorkError {
    /// Did a store only not answer?
    pub const fn is_outage(&self) -> bool {
        matches!(
            self,
            Self::Store(StoreError::Unavailable(_))
                | Self::Queue(QueueError::Unavailable(_))
                | Self::Command(
                    CommandError::Store(StoreError::Unavailable(_))
                        | CommandError::Queue(QueueError::Unavailable(_))
                )
        )
    }

    /// The store that failed, and the kind of failure; none: no store did.
    pub const fn failed_store(&self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Store(error) | Self::Command(CommandError::Store(error)) => {
                Some(("mongodb", error.kind()))
            }
            Self::Queue(error) | Self::Command(CommandError::Queue(error)) => {
                Some(("redis", error.kind()))
            }
            Self::Command(CommandError::OutcomeUnknown { cause, .. }) => {
                Some(("mongodb", cause.kind()))
            }
            Self::Command(CommandError::StaleStore { .. }) => Some(("mongodb", "stale")),
            Self::Command(CommandError::Active { .. } | CommandError::KeyUsed { .. })
            | Self::LeaseLost
            | Self::RunInactive
            | Self::NoProcessor => None,
        }
    }
}
