//! Lines of the audit trail.

use pedidos_api_types::audit::{Line, OutcomeName, Parameter};
use pedidos_core::time::iso;
use pedidos_pipeline::store::{AuditLine, AuditOutcome};

#[must_use]
pub const fn outcome(name: OutcomeName) -> AuditOutcome {
    match name {
        OutcomeName::Begun => AuditOutcome::Begun,
        OutcomeName::Done => AuditOutcome::Done,
        OutcomeName::Refused => AuditOutcome::Refused,
        OutcomeName::Failed => AuditOutcome::Failed,
    }
}

#[must_use]
pub fn line(line: AuditLine) -> Line {
    let parameters = line.parameters.into_iter();
    Line {
        id: line.id,
        at: iso(line.at.timestamp_millis()),
        call: line.call,
        outcome: match line.outcome {
            AuditOutcome::Begun => OutcomeName::Begun,
            AuditOutcome::Done => OutcomeName::Done,
            AuditOutcome::Refused => OutcomeName::Refused,
            AuditOutcome::Failed => OutcomeName::Failed,
        },
        status: line.status,
        name: line.name,
        role: line.role,
        via: line.via,
        address: line.address,
        operation: line.operation,
        method: line.method,
        path: line.path,
        parameters: parameters
            .map(|parameter| Parameter { name: parameter.name, value: parameter.value })
            .collect(),
        request_id: line.request_id,
        detail: line.detail,
    }
}
