//! Who may do what: the one table that decides. An operation that is not in it needs an
//! admin; a test holds it against the document, so there is none.

use pedidos_common::access::Role;

/// What an operation needs of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Nothing: probes.
    Nothing,
    /// It only looks.
    Looks(Role),
    /// It changes something: tighter limits, and lines in the audit trail.
    Changes(Role),
}

impl Need {
    /// The role that it takes.
    #[must_use]
    pub const fn role(self) -> Option<Role> {
        match self {
            Self::Nothing => None,
            Self::Looks(role) | Self::Changes(role) => Some(role),
        }
    }

    /// Does it change something?
    #[must_use]
    pub const fn changes(self) -> bool {
        matches!(self, Self::Changes(_))
    }
}

use Need::{Changes, Looks, Nothing};
use Role::{Admin, Operator, Viewer};

/// Every operation, by its `operationId`.
pub const POLICY: &[(&str, Need)] = &[
    ("getLiveness", Nothing),
    ("getReadiness", Nothing),
    ("getMetrics", Looks(Viewer)),
    ("getStatus", Looks(Viewer)),
    ("getLogs", Looks(Viewer)),
    ("getEvents", Looks(Viewer)),
    ("listRuns", Looks(Viewer)),
    ("getRun", Looks(Viewer)),
    ("getQueueStatus", Looks(Viewer)),
    ("getQueueHealth", Looks(Viewer)),
    ("listJobs", Looks(Viewer)),
    ("getOrder", Looks(Viewer)),
    ("getSession", Looks(Viewer)),
    // Answers that it is no more.
    ("process", Looks(Viewer)),
    ("signIn", Changes(Viewer)),
    ("signOut", Changes(Viewer)),
    ("generate", Changes(Operator)),
    ("cancel", Changes(Operator)),
    ("pauseQueue", Changes(Operator)),
    ("resumeQueue", Changes(Operator)),
    ("retryFailed", Changes(Operator)),
    ("cleanQueue", Changes(Admin)),
    ("closeQueue", Changes(Admin)),
    ("reset", Changes(Admin)),
    ("listAudit", Looks(Admin)),
];

/// What this operation needs.
#[must_use]
pub fn need(operation: &str) -> Need {
    let known = POLICY.iter().find(|(id, _)| *id == operation);
    known.map_or(Changes(Admin), |(_, need)| *need)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::openapi;

    #[test]
    fn the_table_has_the_operations_of_the_document_and_no_other() {
        let document = openapi::document(&openapi::service(), None, false);
        let paths = document["paths"].as_object().into_iter().flatten();
        let operations = paths.flat_map(|(_, path)| path.as_object().into_iter().flatten());
        let documented: BTreeSet<_> =
            operations.filter_map(|(_, operation)| operation["operationId"].as_str()).collect();
        let decided: BTreeSet<_> = POLICY.iter().map(|(id, _)| *id).collect();
        assert_eq!(documented, decided);
        assert_eq!(POLICY.len(), decided.len(), "an operation is in the table twice");
    }

    #[test]
    fn what_is_not_in_the_table_needs_an_admin() {
        assert_eq!(need("somethingNew"), Changes(Admin));
    }
}
