//! `make test-k8s`: shows on a real cluster, with real pods, what `k8s/README.md` promises.
//!
//! - `place`: the cluster that the test runs on, and what it leaves there.
//! - `images`: the images of the programs, and what stands in for Redis and MongoDB.
//! - `manifests`: the kustomizations that are applied.
//! - `kubectl`: child processes: kubectl, and scripts.
//! - `checked`: what a check comes to.
//! - `report`: what is printed of each check, and of a failure.
//! - `api`: the API, reached through its Service.
//! - `test`: what the parts of the test share: a run that begins, goes on and ends.
//! - `scaling`: pods that come, go and vanish during a run; the autoscaler; evictions.
//! - `configuration`: wrong and missing Secrets, keys, TLS, the image of the command line.

mod api;
mod checked;
mod configuration;
mod images;
mod kubectl;
mod manifests;
mod place;
mod report;
mod scaling;
mod test;

use std::panic::{self, AssertUnwindSafe};

use futures_util::FutureExt;
use tokio::signal::unix::{SignalKind, signal};

use self::{
    api::Api,
    checked::holds,
    kubectl::NAMESPACE,
    place::Place,
    report::{Report, section},
    test::Test,
};

/// Runs the whole test; answers the exit code. A check that fails panics, and is reported here.
pub async fn run() -> u8 {
    // The report says what failed.
    panic::set_hook(Box::new(|_| {}));
    let interrupted = interrupted();
    let mut place = Place::choose().await;
    let report = Report::default();
    let outcome = tokio::select! {
        outcome = AssertUnwindSafe(all(&mut place, &report)).catch_unwind() => Ok(outcome),
        code = interrupted => Err(code),
    };
    let code = match outcome {
        Ok(Ok(())) => {
            report.passed();
            0
        }
        Ok(Err(panic)) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let why = text.or_else(|| panic.downcast_ref::<&str>().copied());
            report.failed(why.unwrap_or("a panic without a message"), &place.kubectl).await;
            1
        }
        Err(code) => code,
    };
    kubectl::scripts_ended().await;
    place.leave().await;
    code
}

/// Waits for a signal that ends the test; answers the exit code that says so.
fn interrupted() -> impl Future<Output = u8> {
    let [mut int, mut term, mut hangup] =
        [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()]
            .map(|kind| signal(kind).expect("Linux has this signal"));
    async move {
        tokio::select! {
            _ = int.recv() => 130,
            _ = term.recv() => 143,
            _ = hangup.recv() => 143,
        }
    }
}

async fn all(place: &mut Place, report: &Report) {
    place.start().await;
    let images = images::make(place).await;
    manifests::write(place, &images);
    let api = comes_up(place, report, &images).await;
    let test = Test { kubectl: &place.kubectl, report, place, api };
    test.scaled_up_and_down().await;
    test.rolled_out().await;
    test.pods_vanish().await;
    test.autoscaled().await;
    test.disruption_budget().await;
    test.wrong_secret().await;
    let key = test.base_wants_keys().await;
    test.tls(&key).await;
    test.command_line(&images.cli).await;
    test.every_manifest().await;
}

async fn comes_up(place: &Place, report: &Report, images: &images::Images) -> Api {
    let kubectl = &place.kubectl;
    section("it comes up");
    kubectl
        .cluster(&format!("delete namespace {NAMESPACE} --ignore-not-found --timeout 180s"))
        .await;
    if place.is_ours() {
        let volumes = format!("{NAMESPACE}-redis {NAMESPACE}-mongodb");
        let delete = format!("delete persistentvolume --ignore-not-found --timeout 60s {volumes}");
        kubectl.cluster(&delete).await;
    }
    let applied = kubectl.apply(&place.folder.join("dev")).await.text;
    let warned = applied.to_lowercase().contains("warning");
    report.check("no warning of Pod Security", holds(!warned, || applied));
    for deployment in ["pedidos-api", "pedidos-worker"] {
        let available =
            format!("wait --for condition=Available deployment/{deployment} --timeout 180s");
        report.check(
            &format!("{deployment} is Available"),
            kubectl.try_k(&available).await.checked(),
        );
    }
    let bad = format!("run bad --image {} --restart Never --dry-run=server", images.api);
    report.check(
        "a pod that Pod Security does not allow is refused",
        kubectl.try_k(&bad).await.refused("violates PodSecurity"),
    );
    let api = Api::reach(place).await;
    report.eventually(20, "the Service answers", async || api.answers("/livez", "ok").await).await;
    report.check("Swagger UI", api.answers("/docs", "swagger").await);
    report.check("the dashboard", api.answers("/", "<title>Pedidos</title>").await);
    report.eventually(20, "both stores answer", async || api.answers("/readyz", "ok").await).await;
    api
}
