//! Why a call to the store failed.

use mongodb::error::{Error, ErrorKind, WriteFailure};
use pedidos_core::redact::redacted;

/// The server's code for a duplicate key.
pub(super) const DUPLICATE_KEY: i32 = 11000;

#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// No answer, a lost connection, no primary, a full disk. It is safe to ask again.
    #[error("MongoDB cannot be reached: {0}")]
    Unavailable(String),
    /// The server refused this write: the document is at fault.
    #[error("MongoDB refused the write: {0}")]
    Rejected(String),
    #[error("MONGO_URI: {0}")]
    Settings(String),
    /// The server refuses an index, and will as long as the collection is as it is.
    #[error("MongoDB cannot create an index: {0}")]
    Indexes(String),
    #[error("MongoDB has a document that cannot be read: {0}")]
    Corrupt(String),
}

impl StoreError {
    /// The kind of failure, as a label of a metric.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Unavailable(_) => "unavailable",
            Self::Rejected(_) => "rejected",
            Self::Settings(_) => "settings",
            Self::Indexes(_) => "indexes",
            Self::Corrupt(_) => "corrupt",
        }
    }

    /// Is it useless to try again before a person has changed something?
    #[must_use]
    pub const fn is_final(&self) -> bool {
        matches!(self, Self::Settings(_) | Self::Indexes(_))
    }
}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        match error.kind.as_ref() {
            ErrorKind::Write(WriteFailure::WriteError(write)) => {
                Self::Rejected(format!("{} (code {})", write.message, write.code))
            }
            ErrorKind::InvalidArgument { message, .. }
            | ErrorKind::InvalidTlsConfig { message, .. } => {
                Self::Settings(redacted(message).into_owned())
            }
            ErrorKind::BsonDeserialization(_) | ErrorKind::Bson(_) => {
                Self::Corrupt(error.to_string())
            }
            _ => Self::Unavailable(redacted(&error.to_string()).into_owned()),
        }
    }
}

pub type Result<T> = std::result::Result<T, StoreError>;

pub(crate) fn corrupt(error: impl std::fmt::Display) -> StoreError {
    StoreError::Corrupt(error.to_string())
}
