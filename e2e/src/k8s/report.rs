//! What is printed of each check, and of a failure.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{
    checked::Checked,
    kubectl::{Kubectl, WORKER},
};
use crate::wait::poll;

/// How often something is asked for while it is waited for: each question is a process.
const PAUSE: Duration = Duration::from_millis(500);

/// Says which part of the test begins.
pub fn section(name: &str) {
    eprintln!("== {name}");
}

/// Counts the checks that passed.
#[derive(Default)]
pub struct Report {
    passed: Cell<u32>,
}

impl Report {
    pub fn ok(&self, what: &str) {
        self.passed.set(self.passed.get() + 1);
        println!("ok    {what}");
    }

    pub fn check(&self, what: &str, checked: Checked) {
        match checked {
            Ok(()) => self.ok(what),
            Err(why) => panic!("{what}: {why}"),
        }
    }

    pub async fn eventually(
        &self,
        seconds: u64,
        what: &str,
        mut condition: impl AsyncFnMut() -> Checked,
    ) {
        let (began, mut last) = (Instant::now(), String::new());
        let asked = poll(PAUSE, async || match condition().await {
            Ok(()) => Some(()),
            Err(why) => {
                last = why;
                None
            }
        });
        let in_time = tokio::time::timeout(Duration::from_secs(seconds), asked).await.is_ok();
        let took = began.elapsed().as_secs();
        assert!(in_time, "{what}: not within {took} s: {last}");
        self.ok(&format!("{what} ({took} s)"));
    }

    pub fn passed(&self) {
        println!("{} passed, 0 failed", self.passed.get());
    }

    /// Says what failed, and what the cluster knows of it.
    pub async fn failed(&self, why: &str, kubectl: &Kubectl) {
        println!("FAIL  {why}");
        println!("{}", kubectl.try_k("get pods --output wide").await.text);
        let events = kubectl.try_k("get events --sort-by=.metadata.creationTimestamp").await;
        println!("{}", last_lines(&events.text, 30));
        let logs = kubectl.try_k(&format!("logs --selector {WORKER} --tail 5")).await;
        for line in logs.text.lines() {
            println!("{}", line.chars().take(300).collect::<String>());
        }
        for restarted in restarted(kubectl).await {
            println!("{}", restarted.told);
            let previous = format!(
                "logs {} --container {} --previous --tail 20",
                restarted.pod, restarted.container
            );
            println!("{}", kubectl.try_k(&previous).await.text);
        }
        println!("{} passed, 1 failed", self.passed.get());
    }
}

fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

/// A container that has ended and was started again.
struct Restarted {
    pod: String,
    container: String,
    /// How often, and how it ended the last time.
    told: String,
}

/// Events tell of a container that was started again, but not why it had ended.
async fn restarted(kubectl: &Kubectl) -> Vec<Restarted> {
    let pods = kubectl.try_k("get pods --output json").await;
    let pods: Value = serde_json::from_str(&pods.out).unwrap_or_default();
    let mut all = Vec::new();
    for pod in pods["items"].as_array().into_iter().flatten() {
        let pod_name = pod["metadata"]["name"].as_str().unwrap_or_default();
        let containers = ["initContainerStatuses", "containerStatuses"]
            .into_iter()
            .flat_map(|kind| pod["status"][kind].as_array().into_iter().flatten());
        for container in containers {
            let restarts = container["restartCount"].as_u64().unwrap_or(0);
            if restarts == 0 {
                continue;
            }
            let name = container["name"].as_str().unwrap_or_default();
            let last = &container["lastState"]["terminated"];
            all.push(Restarted {
                pod: pod_name.to_owned(),
                container: name.to_owned(),
                told: format!(
                    "{pod_name}, container {name}, restarts: {restarts}; last termination: {} \
                     (exit code {}) at {}; the last lines before it:",
                    last["reason"].as_str().unwrap_or("reason unknown"),
                    last["exitCode"],
                    last["finishedAt"].as_str().unwrap_or("an unknown time"),
                ),
            });
        }
    }
    all
}
