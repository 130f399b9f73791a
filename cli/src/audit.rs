//! `pedidos audit`: the one verb that goes to the stores themselves.

use std::fmt::Write as _;

use pedidos_common::{
    audit::{AuditError, Report, audit},
    config::Settings,
    queue::{Queue, QueueError},
    store::{Store, StoreError},
};

use crate::{client::Result, failure::Failure, figure::count, output};

/// Audits the ended run; fails unless every check holds.
pub async fn run(settings: &Settings) -> Result<()> {
    let report = look(settings).await.map_err(|error| failure(&error))?;
    output::line(&text(&report))?;
    let broken = report.checks.iter().filter(|check| !check.ok).count();
    if report.holds() {
        Ok(())
    } else {
        Err(Failure::Failed(format!("{broken} of {} checks do not hold", report.checks.len())))
    }
}

async fn look(settings: &Settings) -> std::result::Result<Report, AuditError> {
    let store = Store::connect(&settings.mongo, &settings.queue.name).await?;
    let queue = Queue::connect(&settings.redis, &settings.queue)?;
    let report = audit(&store, &queue).await;
    queue.close().await;
    store.close().await;
    report
}

fn failure(error: &AuditError) -> Failure {
    let text = error.to_string();
    match error {
        AuditError::Queue(QueueError::Unavailable(_))
        | AuditError::Store(StoreError::Unavailable(_)) => Failure::Unreachable(text),
        _ => Failure::Failed(text),
    }
}

fn text(report: &Report) -> String {
    let mut text = format!("audit of run {} · {} orders", report.run_id, count(report.quantity));
    for check in &report.checks {
        let mark = if check.ok { '✓' } else { '✗' };
        let _ = write!(text, "\n{mark} {}: {}", check.name, check.figure);
    }
    text
}

#[cfg(test)]
mod tests {
    use pedidos_common::audit::Check;

    use super::*;

    #[test]
    fn each_check_is_marked_and_has_its_figure() {
        let check = |name, figure: &str, ok| Check { name, figure: figure.to_owned(), ok };
        let report = Report {
            run_id: "r".into(),
            quantity: 50_000,
            checks: vec![check("fence violations", "0", true), check("pendente", "3", false)],
        };
        assert_eq!(
            text(&report),
            "audit of run r · 50,000 orders\n✓ fence violations: 0\n✗ pendente: 3"
        );
    }

    #[test]
    fn a_store_out_of_reach_is_told_from_a_run_that_cannot_be_audited() {
        let code = |error: AuditError| failure(&error).exit_code();
        assert_eq!(code(StoreError::Unavailable("x".into()).into()), 4);
        assert_eq!(code(QueueError::Unavailable("x".into()).into()), 4);
        assert_eq!(code(QueueError::Refused("x".into()).into()), 1);
        assert_eq!(code(AuditError::NoRun), 1);
    }
}
