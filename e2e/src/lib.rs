//! Clusters of real processes on real stores, for tests and benchmarks.
//!
//! - [`cluster`]: starts, stops, kills APIs and workers; ends with nothing left over.
//! - [`process`]: one process: its lines, its signals, its end.
//! - [`client`]: one method per endpoint of the API.
//! - [`events`]: a stream of server-sent events, read as a browser reads it.
//! - [`imports`]: lists of orders, and what is stored of them.
//! - [`status`]: what `GET /pedidos` answers.
//! - [`samples`]: holds every status that was seen against the invariants.
//! - [`authority`]: certificates, made by an authority of the test's own.
//! - [`provider`]: an identity provider, reached by TLS.
//! - [`receiver`]: what a run's batches are posted to, as good or bad as a test wants it.
//! - [`secure`]: both servers behind TLS and passwords.
//! - [`raw`]: connections that are not as they should be.
//! - [`servers`]: servers of one's own, to be killed, frozen, emptied, sent back in time.
//! - [`redises`]: several Redis servers: behind Sentinel, or a Redis Cluster.
//! - [`mod@bench`]: the benchmark.
//! - [`chaos`]: random faults in random runs.
//! - [`proxy`]: a network that fails as networks do.
//! - [`steps`]: the steps of a process' work, each a call to a store, to stop it at.
//! - [`keys`]: APIs that ask who calls, and keys for them.
//! - [`stores`]: a database and a queue of one's own, and what is in them.
//! - [`phases`]: runs that are long in one phase, so that it can be hit.
//! - [`letters`]: orders that fail, dead letters, and leases that a test holds.
//! - [`wait`]: waits for a condition, and the only poll.
//! - [`programs`]: where the programs of this workspace are.
//! - [`mod@k8s`]: `make test-k8s`, on a real cluster.
//!
//! The stores are those of `MONGO_URI` and `REDIS_URL`; `make test` sets them.

// A harness that cannot go on fails the test, with what it knows.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::missing_panics_doc, clippy::must_use_candidate)]
// Nobody builds on it: a comment that repeats a name helps no one.
#![allow(missing_docs)]
// Tests are few, and may be as large as they like.
#![allow(clippy::large_futures)]

pub mod authority;
pub mod bench;
pub mod chaos;
pub mod client;
pub mod cluster;
pub mod events;
pub mod imports;
pub mod k8s;
pub mod keys;
pub mod letters;
pub mod phases;
pub mod process;
pub mod programs;
pub mod provider;
pub mod proxy;
pub mod raw;
pub mod receiver;
pub mod redises;
pub mod samples;
pub mod secure;
pub mod servers;
pub mod status;
pub mod steps;
pub mod stores;
pub mod wait;

pub use self::{
    client::Client,
    cluster::Cluster,
    programs::{program, programs_from},
    status::Status,
    wait::{DEADLINE, POLL, eventually, eventually_some, in_time},
};
