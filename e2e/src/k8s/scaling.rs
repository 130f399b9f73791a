//! Pods that come, go and vanish during a run; the autoscaler; evictions.

use std::{collections::BTreeMap, fs, time::Duration};

use super::{
    checked::holds,
    kubectl::{API, NAMESPACE, Said, WORKER},
    place::text,
    report::section,
    test::Test,
};
use crate::process::Process;

/// Pods of a worker, with the exit code of each that has ended.
const ENDS: &str = concat!(
    "jsonpath={.metadata.name} {.status.containerStatuses[0].state.terminated.exitCode}",
    r#"{"\n"}"#
);
/// How long the last end may be on its way.
const TO_BE_TOLD: Duration = Duration::from_secs(20);
const NOT_CHECKED: &str = "NOT CHECKED: this cluster has no metrics-server";

impl Test<'_> {
    pub async fn scaled_up_and_down(&self) {
        section("kubectl scale, up and down, during a run");
        self.begin(1).await;
        self.kubectl.k("scale deployment/pedidos-worker --replicas 4").await;
        let four = async || self.api.status_is("/workers/alive", &4.into()).await;
        self.report.eventually(120, "four workers alive in GET /pedidos", four).await;
        self.still_running().await;
        let watch = ["get", "pods", "--selector", WORKER, "--watch", "--output", ENDS];
        let watch = self.kubectl.command(&watch);
        let watch = Process::run("the watch", watch, &self.kubectl.shell.environment);
        self.kubectl.k("scale deployment/pedidos-worker --replicas 1").await;
        self.workers_are(50, "one worker's pod is left", 1).await;
        self.still_running().await;
        watch.said_in(TO_BE_TOLD, |lines| ends(lines).len() >= 3).await;
        let said = watch.said();
        let ended = ends(&said);
        self.report.check(
            "three workers ended with exit code 0",
            holds(ended.values().copied().eq(["0", "0", "0"]), || format!("{ended:?}")),
        );
        drop(watch);
        self.ends("scaled").await;
        let logs = self.api.logs().await;
        self.report
            .check("every process' log lines", logs.as_ref().map(drop).map_err(Clone::clone));
        let logs = logs.unwrap_or_default();
        let expired = logs.lines().find(|line| line.contains("expired leases given back"));
        let expired = expired.map_or(Ok(()), |line| Err(line.to_owned()));
        self.report.check("no lease had to expire", expired);
    }

    pub async fn rolled_out(&self) {
        section("kubectl rollout restart of both during a run");
        self.kubectl.k("scale deployment/pedidos-worker --replicas 2").await;
        self.check("two workers", "rollout status deployment/pedidos-worker --timeout 120s").await;
        self.begin(1).await;
        let old = [self.kubectl.pods(API).await, self.kubectl.pods(WORKER).await].concat();
        let answers = self.api.under_load(async {
            let restart = "rollout restart deployment/pedidos-api deployment/pedidos-worker";
            self.kubectl.k(restart).await;
            self.still_running().await;
            for deployment in ["pedidos-api", "pedidos-worker"] {
                let what = format!("{deployment} is rolled out");
                let status = format!("rollout status deployment/{deployment} --timeout 240s");
                self.check(&what, &status).await;
            }
            // The old pods go on ending.
            let old = old.join(" ");
            self.kubectl.k(&format!("wait --for delete {old} --timeout 60s")).await;
        });
        let answers = answers.await;
        self.report.check(
            "the Service was asked",
            holds(!answers.is_empty(), || "no request was made".to_owned()),
        );
        let bad: Vec<_> = answers.iter().filter(|status| **status != 200).collect();
        self.report.check(
            &format!("every one of {} requests was answered with 200", answers.len()),
            holds(bad.is_empty(), || format!("others, 0 for no answer: {bad:?}")),
        );
        self.ends("rolled out").await;
    }

    pub async fn pods_vanish(&self) {
        section("pods that vanish during a run, and both stores");
        self.begin(1).await;
        let (workers, apis) = (self.kubectl.pods(WORKER).await, self.kubectl.pods(API).await);
        let both = format!("{} {}", workers[0], apis[0]);
        self.kubectl.k(&format!("delete --force --grace-period 0 {both}")).await;
        self.still_running().await;
        self.kubectl.k("delete pod redis-0 mongodb-0").await;
        for store in ["redis", "mongodb"] {
            let status = format!("rollout status statefulset/{store} --timeout 180s");
            self.check(&format!("{store} is back"), &status).await;
        }
        self.ends("killed").await;
    }

    pub async fn autoscaled(&self) {
        section("the horizontal autoscaler");
        let metrics = ["get", "--raw", "/apis/metrics.k8s.io/v1beta1"];
        if !self.kubectl.try_cluster(&metrics).await.ok {
            eprintln!("{NOT_CHECKED}");
            return;
        }
        self.kubectl.apply(&self.place.folder.join("hpa")).await;
        let idle = async || {
            let (busy, desired) = self.autoscaler().await;
            let idle = busy.is_some_and(|busy| busy < 15) && desired == Some(2);
            holds(idle, || autoscaler_text(busy, desired))
        };
        self.report.eventually(240, "with nothing to do it is content with two", idle).await;
        // CPU is measured every quarter of a minute.
        self.begin(3).await;
        let raised = async || {
            let (busy, desired) = self.autoscaler().await;
            holds(desired > Some(2), || autoscaler_text(busy, desired))
        };
        self.report.eventually(180, "with work it wants more", raised).await;
        self.kubectl.k("delete horizontalpodautoscaler pedidos-worker").await;
        self.ends("autoscaled").await;
    }

    /// How busy the workers are, in percent, and how many it wants; none as long as it does not
    /// know.
    async fn autoscaler(&self) -> (Option<u32>, Option<u32>) {
        let figures = "jsonpath={.status.currentMetrics[0].resource.current.averageUtilization} \
                       {.status.desiredReplicas}";
        let get = ["get", "horizontalpodautoscaler", "pedidos-worker", "--output", figures];
        let said = self.kubectl.try_words(&get).await.out;
        let (busy, desired) = said.split_once(' ').unwrap_or_default();
        (busy.parse().ok(), desired.parse().ok())
    }

    pub async fn disruption_budget(&self) {
        section("the disruption budget");
        let two =
            "wait --for jsonpath={.status.readyReplicas}=2 deployment/pedidos-api --timeout 120s";
        self.check("two APIs", two).await;
        let both = self.kubectl.pods(API).await;
        self.report.check("one API can be evicted", self.evict(&both[0]).await.checked());
        self.report.check(
            "the other then cannot",
            self.evict(&both[1]).await.refused("disruption budget"),
        );
    }

    async fn evict(&self, pod: &str) -> Said {
        let name = pod.trim_start_matches("pod/");
        let eviction = serde_json::json!({
            "apiVersion": "policy/v1", "kind": "Eviction", "metadata": { "name": name },
        });
        let file = self.place.folder.join("eviction");
        fs::write(&file, eviction.to_string()).expect("a file can be written");
        let path = format!("/api/v1/namespaces/{NAMESPACE}/pods/{name}/eviction");
        self.kubectl.try_cluster(&["create", "--raw", &path, "--filename", text(&file)]).await
    }

    /// So many workers are there, those that are about to end among them.
    pub async fn workers_are(&self, seconds: u64, what: &str, count: usize) {
        let there = async || self.count_is(WORKER, count).await;
        self.report.eventually(seconds, what, there).await;
    }
}

/// Pods that have ended, by name, with their exit codes.
fn ends(lines: &[String]) -> BTreeMap<&str, &str> {
    lines
        .iter()
        .filter_map(|line| line.split_once(' '))
        .filter(|(_, code)| !code.is_empty())
        .collect()
}

fn autoscaler_text(busy: Option<u32>, desired: Option<u32>) -> String {
    let text = |figure: Option<u32>| figure.map_or("unknown".to_owned(), |it| it.to_string());
    format!("busy, %: {}; workers wanted: {}", text(busy), text(desired))
}
