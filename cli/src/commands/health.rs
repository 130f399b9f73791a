//! `pedidos health`: whether all is well, and if not, why.

use pedidos_api_types::health::{Health, HealthStatus};
use pedidos_core::{
    run::Phase,
    text::{count, one_line},
};

use super::show;
use crate::{
    client::Client,
    failure::{Failure, Result},
    holds,
};

/// Fails unless all is well, or a person wants it as it is: for scripts.
pub async fn run(client: &Client) -> Result<()> {
    let answer = client.health().await?;
    show::answer(&answer, text)?;
    let Health { status, error, .. } = answer.read()?;
    let why = error.map_or_else(String::new, |why| format!(": {}", one_line(&why)));
    match status {
        HealthStatus::Healthy | HealthStatus::Paused | HealthStatus::Aborted => Ok(()),
        HealthStatus::Degraded | HealthStatus::Error => {
            Err(Failure::Failed(format!("the queue is {}{why}", name(status))))
        }
        HealthStatus::Unhealthy => {
            Err(Failure::Unreachable(format!("the queue is unhealthy{why}")))
        }
    }
}

const fn name(status: HealthStatus) -> &'static str {
    match status {
        HealthStatus::Healthy => "healthy",
        HealthStatus::Degraded => "degraded",
        HealthStatus::Paused => "paused",
        HealthStatus::Aborted => "aborted",
        HealthStatus::Error => "in error",
        HealthStatus::Unhealthy => "unhealthy",
    }
}

fn text(health: &Health) -> String {
    let (counts, checks) = (&health.queue.counts, &health.checks);
    let phase = Phase::from(health.processor.phase);
    let mut lines = vec![format!("{} · {phase}", name(health.status))];
    if !health.queue.connected {
        lines.extend(health.error.as_deref().map(one_line));
        return lines.join("\n");
    }
    lines.push(format!(
        "waiting {} · active {} · delayed {} · completed {} · failed {}",
        count(counts.waiting),
        count(counts.active),
        count(counts.delayed),
        count(counts.completed),
        count(counts.failed)
    ));
    if checks.has_failed_jobs {
        lines.push(
            "there are dead letters: `pedidos jobs failed`,\n  `pedidos retry-failed`, `pedidos clean \
             failed`"
                .to_owned(),
        );
    }
    if !checks.has_workers {
        lines.push("no worker is alive".to_owned());
    }
    if checks.is_stuck {
        lines.push("nothing moves: `pedidos logs --level error`".to_owned());
    }
    lines.extend(health.error.as_deref().map(one_line));
    lines.extend(health.held_order.as_ref().map(holds::held_order));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::{Value, json};

    use super::*;

    fn health() -> Value {
        json!({
            "status": "healthy", "timestamp": "2026-03-01T12:00:00.000Z",
            "queue": {
                "connected": true, "paused": false, "waiting": 12000, "active": 5, "completed": 7,
                "failed": 3, "delayed": 0
            },
            "processor": {
                "phase": "WAITING_VIP_DRAIN", "isProcessing": true, "enqueueVipTimeMs": 0,
                "enqueueNormalTimeMs": 0, "aborting": false
            },
            "checks": {
                "queueResponsive": true, "hasFailedJobs": false, "isStuck": false,
                "aborted": false, "hasWorkers": true, "processor": true
            },
            "error": null
        })
    }

    fn said(health: &Value) -> String {
        text(&serde_json::from_value(health.clone()).unwrap())
    }

    #[test]
    fn what_is_well_is_two_lines() {
        assert_eq!(
            said(&health()),
            "healthy · WAITING_VIP_DRAIN\n\
             waiting 12,000 · active 5 · delayed 0 · completed 7 · failed 3"
        );
    }

    #[test]
    fn what_is_wrong_is_told_with_what_to_do() {
        let mut health = health();
        health["status"] = json!("degraded");
        health["checks"]["hasFailedJobs"] = json!(true);
        health["checks"]["hasWorkers"] = json!(false);
        health["checks"]["isStuck"] = json!(true);
        health["error"] = json!("no worker has \u{1b}[2J");
        let text = said(&health);
        for part in ["degraded", "pedidos retry-failed", "no worker is alive", "nothing moves"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(text.contains("no worker has") && !text.contains('\u{1b}'), "{text}");
    }

    #[test]
    fn without_redis_there_are_no_counts() {
        let mut health = health();
        health["status"] = json!("unhealthy");
        health["queue"]["connected"] = json!(false);
        health["error"] = json!("Redis does not answer");
        assert_eq!(said(&health), "unhealthy · WAITING_VIP_DRAIN\nRedis does not answer");
    }
}
