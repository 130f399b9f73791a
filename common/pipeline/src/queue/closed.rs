//! The answer of the scripts that close a lease: `push_chunk`, `push_normal` and `ack`.

use fred::types::Value;
use pedidos_core::run::Phase;

use super::error::{QueueError, Result, unexpected};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// The call was counted, once; the phase after it.
    Applied(Phase),
    /// The lease was lost, and nothing changed. The caller stops, and deletes nothing.
    Stale,
}

impl Closed {
    pub(super) fn read(answer: &Value) -> Result<Self> {
        let text = answer.as_str().ok_or_else(|| unexpected(answer))?;
        if text == "stale" {
            return Ok(Self::Stale);
        }
        text.parse().map(Self::Applied).map_err(QueueError::Answer)
    }
}
