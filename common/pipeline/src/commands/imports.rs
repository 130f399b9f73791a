//! Imports: lists of a client's own orders, from their creation to the start of their run (I11).
//!
//! `create` takes a range of ids. `upload` reads a list line by line (`line`), and `block`
//! stores it.
//! `start` seals an import and makes it a run; `discard` takes it back; `sweep` finishes what
//! others began, and deletes what was never accepted. `dry_run` only counts.
//!
//! The protocol is searched in `model/src/imports`.

mod block;
mod create;
mod discard;
mod dry_run;
mod line;
mod start;
mod sweep;
mod upload;

use pedidos_core::import::{ImportState, MOST_REJECTS};

pub use self::{
    create::{CreateImport, Created},
    dry_run::DryRun,
    start::{StartImport, Started},
    upload::Upload,
};
use super::error::CommandError;
use crate::{queue::QueueError, store::StoreError};

/// Why a command about an import was not carried out.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ImportError {
    #[error(transparent)]
    Command(#[from] CommandError),
    #[error("no import has this id; GET /pedidos/imports lists the imports")]
    NotFound,
    #[error("{0}")]
    Changed(String),
    #[error(
        "another upload of this import goes on: wait for its end, then send the whole list again"
    )]
    Superseded,
    #[error("the import is {}: {}", .0.as_str(), what_a_state_allows(*.0))]
    State(ImportState),
    #[error("the import has {found} lines, not {expected}: read it again before you start it")]
    OtherLines { expected: u64, found: u64 },
    #[error(
        "{0} lines are rejected: mend them and import the whole list anew, or start the import \
         with onRejects=skip"
    )]
    Rejected(u64),
    #[error("the import has no accepted line: there is nothing to start")]
    Empty,
    #[error("more than {0} orders: MAX_ORDERS limits an import; what was stored before stays")]
    TooMany(u32),
    #[error(
        "more than {MOST_REJECTS} lines are rejected: look at the first ones with GET \
         /pedidos/imports/{{importId}}/rejects, mend the list and import it anew"
    )]
    TooManyRejects,
}

const fn what_a_state_allows(state: ImportState) -> &'static str {
    match state {
        ImportState::Open => "start it first",
        ImportState::Sealed => "it takes no more lines; start or discard it",
        ImportState::Started => "it is a run now; cancel that",
        ImportState::Discarded => "create another one",
        ImportState::Deleted => "its run was deleted; create another one",
    }
}

impl From<StoreError> for ImportError {
    fn from(error: StoreError) -> Self {
        Self::Command(error.into())
    }
}

impl From<QueueError> for ImportError {
    fn from(error: QueueError) -> Self {
        Self::Command(error.into())
    }
}

type Result<T> = std::result::Result<T, ImportError>;
