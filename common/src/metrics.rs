//! Every metric's name, and the exporter.

use metrics::{describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

/// Counter, by `outcome`: orders of batches that this worker closed.
pub const ORDERS: &str = "pedidos_worker_orders_total";
/// Counter, by `kind`: leases that this worker closed.
pub const LEASES: &str = "pedidos_worker_leases_total";
/// Counter: leases that were gone when this worker wanted to close them.
pub const STALE: &str = "pedidos_worker_stale_leases_total";
/// Counter: expired leases that this worker gave back.
pub const RECLAIMED: &str = "pedidos_worker_reclaimed_leases_total";
/// Counter, by `store`: calls that failed and were or will be repeated.
pub const STORE_ERRORS: &str = "pedidos_store_errors_total";
/// Histogram, by `call`: how long a call took, s.
pub const CALL_SECONDS: &str = "pedidos_worker_call_duration_seconds";
/// Gauge: slots that hold a lease.
pub const BUSY: &str = "pedidos_worker_slots_busy";
/// Counter: log lines that Redis could not take.
pub const LOG_LINES_DROPPED: &str = "pedidos_log_lines_dropped_total";
/// Gauge, 1, by `version`.
pub const BUILD_INFO: &str = "pedidos_build_info";

/// Installs the exporter of this process. What it renders is Prometheus text.
///
/// # Errors
/// There is one already.
pub fn install() -> Result<PrometheusHandle, BuildError> {
    let buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &buckets)?
        .install_recorder()?;
    describe_counter!(ORDERS, "Orders of batches that this worker closed, by outcome");
    describe_counter!(LEASES, "Leases that this worker closed, by kind");
    describe_counter!(STALE, "Leases that were gone when this worker wanted to close them");
    describe_counter!(RECLAIMED, "Expired leases that this worker gave back");
    describe_counter!(STORE_ERRORS, "Calls to a store that failed and are repeated, by store");
    describe_histogram!(CALL_SECONDS, "How long a call to a store took");
    describe_gauge!(BUSY, "Slots of this worker that hold a lease");
    describe_counter!(LOG_LINES_DROPPED, "Log lines that could not be sent to Redis");
    describe_gauge!(BUILD_INFO, "1, with this program's version");
    gauge!(BUILD_INFO, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    Ok(handle)
}
