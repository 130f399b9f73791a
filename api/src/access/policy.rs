//! What each operation requires: the one table that decides. An operation that is not in it
//! requires an admin; a test compares the table with the OpenAPI document, so there is none.

use pedidos_core::role::Role;

/// What an operation requires of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// No credentials: probes.
    Public,
    Read(Role),
    /// Tighter rate limits, and lines in the audit trail.
    Write(Role),
}

impl Permission {
    #[must_use]
    pub const fn role(self) -> Option<Role> {
        match self {
            Self::Public => None,
            Self::Read(role) | Self::Write(role) => Some(role),
        }
    }

    #[must_use]
    pub const fn is_write(self) -> bool {
        matches!(self, Self::Write(_))
    }
}

use Permission::{Public, Read, Write};
use Role::{Admin, Operator, Viewer};

/// Every operation, by its `operationId`.
pub const POLICY: &[(&str, Permission)] = &[
    ("getLiveness", Public),
    ("getReadiness", Public),
    ("getMetrics", Read(Viewer)),
    ("getStatus", Read(Viewer)),
    ("getLogs", Read(Viewer)),
    ("getEvents", Read(Viewer)),
    ("listRuns", Read(Viewer)),
    ("getRun", Read(Viewer)),
    ("getQueueStatus", Read(Viewer)),
    ("getQueueHealth", Read(Viewer)),
    ("getLimits", Read(Viewer)),
    ("listJobs", Read(Viewer)),
    ("getOrder", Read(Viewer)),
    ("listImports", Read(Viewer)),
    ("getImport", Read(Viewer)),
    ("getSession", Read(Viewer)),
    // Always answers 410.
    ("process", Read(Viewer)),
    ("signIn", Write(Viewer)),
    ("signOut", Write(Viewer)),
    ("generate", Write(Operator)),
    ("createImport", Write(Operator)),
    ("uploadOrders", Write(Operator)),
    ("startImport", Write(Operator)),
    // What others have sent: who reads it is in the trail.
    ("listRejects", Write(Operator)),
    ("exportOrders", Write(Operator)),
    ("discardImport", Write(Admin)),
    ("cancel", Write(Operator)),
    ("pauseQueue", Write(Operator)),
    ("resumeQueue", Write(Operator)),
    ("retryFailed", Write(Operator)),
    ("setLimits", Write(Operator)),
    ("changeRun", Write(Operator)),
    ("failOrder", Write(Operator)),
    ("deleteRun", Write(Admin)),
    ("cleanQueue", Write(Admin)),
    ("closeQueue", Write(Admin)),
    ("reset", Write(Admin)),
    ("listAudit", Read(Admin)),
];

#[must_use]
pub fn permission(operation: &str) -> Permission {
    let known = POLICY.iter().find(|(id, _)| *id == operation);
    known.map_or(Write(Admin), |(_, permission)| *permission)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_in_the_table_needs_an_admin() {
        assert_eq!(permission("somethingNew"), Write(Admin));
    }
}
