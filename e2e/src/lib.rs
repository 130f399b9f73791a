//! Clusters of real processes on real stores, for tests and benchmarks.
//!
//! - [`cluster`]: starts, stops, kills APIs and workers; ends with nothing left over.
//! - [`process`]: one process: its lines, its signals, its end.
//! - [`client`]: one method per endpoint of the API.
//! - [`events`]: a stream of server-sent events, read as a browser reads it.
//! - [`status`]: what `GET /pedidos` answers.
//! - [`samples`]: holds every status that was seen against the invariants.
//! - [`authority`]: certificates, made by an authority of the test's own.
//! - [`provider`]: an identity provider, reached by TLS.
//! - [`secure`]: both servers behind TLS and passwords.
//! - [`raw`]: connections that are not as they should be.
//! - [`servers`]: servers of one's own, to be killed, frozen, emptied, sent back in time.
//! - [`redises`]: several Redis servers: behind Sentinel, or a Redis Cluster.
//! - [`mod@bench`]: the benchmark.
//! - [`chaos`]: random faults in random runs.
//! - [`monitoring`]: what Prometheus and Grafana are given.
//! - [`proxy`]: a network that fails as networks do.
//! - [`steps`]: the steps of a process' work, each a call to a store, to stop it at.
//! - [`keys`]: APIs that ask who calls, and keys for them.
//! - [`stores`]: a database and a queue of one's own, and what is in them.
//! - [`phases`]: runs that are long in one phase, so that it can be hit.
//! - [`letters`]: orders that fail, dead letters, and leases that a test holds.
//!
//! The stores are those of `MONGO_URI` and `REDIS_URL`; `make test` sets them.

// A harness that cannot go on fails the test, with what it knows.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::missing_panics_doc, clippy::must_use_candidate)]
// Tests are few, and may be as large as they like.
#![allow(clippy::large_futures)]

pub mod authority;
pub mod bench;
pub mod chaos;
pub mod client;
pub mod cluster;
pub mod events;
pub mod keys;
pub mod letters;
pub mod monitoring;
pub mod phases;
pub mod process;
pub mod provider;
pub mod proxy;
pub mod raw;
pub mod redises;
pub mod samples;
pub mod secure;
pub mod servers;
pub mod status;
pub mod steps;
pub mod stores;

use std::{path::PathBuf, time::Duration};

pub use self::{client::Client, cluster::Cluster, status::Status};

/// Nothing that these tests wait for takes longer, also on a busy machine.
pub const DEADLINE: Duration = Duration::from_secs(90);

/// How often a status is asked for while something is waited for.
pub const POLL: Duration = Duration::from_millis(20);

/// Waits for something, but not for ever.
pub async fn in_time<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, future)
        .await
        .unwrap_or_else(|_| panic!("{what}: not within {DEADLINE:?}"))
}

/// A program of this workspace: in `PEDIDOS_BIN_DIR`, else where cargo put it,
/// beside a program of the harness and one folder above a test.
pub fn program(name: &str) -> PathBuf {
    let folder = std::env::var_os("PEDIDOS_BIN_DIR").map_or_else(
        || {
            let harness = std::env::current_exe().expect("this program has a path");
            let folder = harness.parent().expect("it lies in a folder");
            let tests = folder.ends_with("deps");
            if tests { folder.parent().expect("deps lies in target") } else { folder }.to_owned()
        },
        PathBuf::from,
    );
    let path = folder.join(name);
    assert!(
        path.is_file(),
        "{} is missing: cargo build --release --workspace, or make test",
        path.display()
    );
    path
}
