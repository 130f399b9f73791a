//! `make test-k8s`: shows on a real cluster, with real pods, what `k8s/README.md` promises.
//!
//! With `KUBECONFIG`: on the cluster that it names, after asking, in the namespace
//! `pedidos-test`, which is deleted before and after. The cluster gets Redis and MongoDB from
//! their registry, and must have, or be able to pull, the images of our Dockerfile that are
//! named here:
//!
//! - `API_IMAGE`, `WORKER_IMAGE`, `CLI_IMAGE`: for example `pedidos-api:test`, after `docker
//!   build --target api --tag pedidos-api:test . && kind load docker-image pedidos-api:test`.
//! - `YES=1`: do not ask.
//!
//! Without: on a one-node cluster made by `../shared/kube` (root, Debian 12, Go; a quarter of
//! an hour the first time), with images built from the Dockerfile. It is taken down again in
//! the end.
//!
//! - `FAST=1`: images of the programs that cargo built here; says nothing of the Dockerfile.
//! - `KEEP=1`: leave it up, to look at.
//!
//! `QUANTITY`: orders of a run (200,000); with too few, a run is over before it was disturbed.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    ExitCode::from(pedidos_e2e::k8s::run().await)
}
