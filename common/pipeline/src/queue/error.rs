//! Why a call to the queue failed.

use fred::{
    error::{Error, ErrorKind},
    types::Value,
};
use pedidos_core::redact::redacted;

/// How the answers of a server begin that is not the master, or not yet: a master that became a
/// replica, one that loads its data, a node that has lost its cluster, one that lost our login.
const NOT_THE_MASTER: [&str; 5] = ["READONLY", "MASTERDOWN", "LOADING", "CLUSTERDOWN", "NOAUTH"];

#[derive(Debug, Clone, thiserror::Error)]
pub enum QueueError {
    /// No answer, or a lost connection. It is safe to ask again: the scripts answer a repeated
    /// call like the first, or with *stale*.
    #[error("Redis cannot be reached: {0}")]
    Unavailable(String),
    /// This program cannot read the state in Redis.
    #[error("Redis holds the state of another version: {0}")]
    Format(String),
    /// Redis answered with an error: full, not permitted, a foreign key.
    #[error("Redis refused: {0}")]
    Refused(String),
    /// The settings name no server.
    #[error("REDIS_URL: {0}")]
    Settings(String),
    #[error("Redis gave an unexpected answer: {0}")]
    Answer(String),
}

impl From<Error> for QueueError {
    fn from(error: Error) -> Self {
        use ErrorKind as Kind;
        let details = redacted(error.details()).into_owned();
        match error.kind() {
            Kind::IO
            | Kind::Timeout
            | Kind::Canceled
            | Kind::Routing
            | Kind::Cluster
            | Kind::Sentinel
            | Kind::Backpressure => Self::Unavailable(details),
            _ if details.starts_with("FORMAT ") => Self::Format(details[7..].to_owned()),
            // Answers of a server that starts, fails over or is busy with a script.
            _ if is_not_the_master(&error)
                // The last is the driver's: the call was in flight on a connection that was closed.
                || ["BUSY", "TRYAGAIN", "Too many failed write attempts"]
                    .iter()
                    .any(|code| details.starts_with(code)) =>
            {
                Self::Unavailable(details)
            }
            _ => Self::Refused(details),
        }
    }
}

impl QueueError {
    pub(super) fn is_full(&self) -> bool {
        matches!(self, Self::Refused(details) if details.starts_with("OOM"))
    }

    /// The kind of failure, as a label of a metric.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Unavailable(_) => "unavailable",
            Self::Format(_) => "format",
            Self::Refused(_) => "refused",
            Self::Settings(_) => "settings",
            Self::Answer(_) => "answer",
        }
    }
}

pub type Result<T> = std::result::Result<T, QueueError>;

pub(super) fn is_not_the_master(error: &Error) -> bool {
    NOT_THE_MASTER.iter().any(|code| error.details().starts_with(code))
}

pub(super) fn unexpected(answer: &Value) -> QueueError {
    QueueError::Answer(format!("{answer:?}"))
}

#[cfg(test)]
mod tests {
    use fred::error::ErrorKind;

    use super::*;

    #[test]
    fn a_server_that_is_not_the_one_to_ask_is_known_by_what_it_says() {
        for (kind, said, is) in [
            (ErrorKind::Unknown, "READONLY You can't write against a read only replica.", true),
            (ErrorKind::Unknown, "MASTERDOWN Link with MASTER is down", true),
            (ErrorKind::Unknown, "LOADING Redis is loading the dataset in memory", true),
            (ErrorKind::Cluster, "CLUSTERDOWN The cluster is down", true),
            (ErrorKind::Auth, "NOAUTH Authentication required.", true),
            (ErrorKind::Auth, "WRONGPASS invalid username-password pair", false),
            (ErrorKind::Unknown, "OOM command not allowed when used memory > 'maxmemory'.", false),
            (ErrorKind::Unknown, "BUSY Redis is busy running a script.", false),
            (ErrorKind::Timeout, "", false),
        ] {
            let error = Error::new(kind, said);
            assert_eq!(is_not_the_master(&error), is, "{said}");
            let outage = matches!(QueueError::from(error), QueueError::Unavailable(_));
            assert!(outage || !is, "{said}");
        }
        // Of a call that was in flight when the connection was closed.
        let closed = Error::new(ErrorKind::Unknown, "Too many failed write attempts.");
        assert!(matches!(QueueError::from(closed), QueueError::Unavailable(_)));
    }
}
