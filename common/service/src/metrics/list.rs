//! Every metric: the list that code, documentation, alert rules and Grafana's dashboard are
//! checked against.

use self::{
    Kind::{Counter, Gauge, Histogram},
    Of::{Api, Both, Worker},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Counter,
    Gauge,
    Histogram,
}

impl Kind {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Counter => "counter",
            Gauge => "gauge",
            Histogram => "histogram",
        }
    }
}

/// Which program has a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// Of the whole queue, the same from every API; or of its own requests.
    Api,
    /// Of what this worker did itself.
    Worker,
    /// Of the process.
    Both,
}

impl Of {
    /// As `docs/metrics.md` writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Api => "API",
            Worker => "worker",
            Both => "both",
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub struct Metric {
    pub name: &'static str,
    pub kind: Kind,
    pub of: Of,
    /// In the order in which their values are given.
    pub labels: &'static [&'static str],
    pub help: &'static str,
}

const fn metric(
    name: &'static str,
    kind: Kind,
    of: Of,
    labels: &'static [&'static str],
    help: &'static str,
) -> Metric {
    Metric { name, kind, of, labels, help }
}

macro_rules! metrics {
    ($($constant:ident = $name:literal, $kind:ident, $of:ident, [$($label:literal),*], $help:literal;)*) => {
        $(#[doc = $help] pub const $constant: &str = $name;)*

        pub const ALL: &[Metric] = &[$(metric($constant, $kind, $of, &[$($label),*], $help)),*];
    };
}

metrics! {
    STORE_UP = "pedidos_store_up", Gauge, Api, ["store"],
        "1 if this store answered this scrape; without Redis there are no metrics of the queue";
    PHASE = "pedidos_phase", Gauge, Api, ["phase"],
        "1 for the phase that the run is in, 0 for the others";
    PAUSED = "pedidos_paused", Gauge, Api, [],
        "1 while claims are paused";
    RUN_ORDERS = "pedidos_orders", Gauge, Api, ["priority", "state"],
        "The ledger: orders of the run by priority and state; together they are those generated";
    TARGET = "pedidos_run_target_orders", Gauge, Api, [],
        "Orders that the run will have; 0 without a run";
    PROGRESS = "pedidos_run_progress_ratio", Gauge, Api, [],
        "Share of the target that is processed, dead or removed, 0 to 1; of a cancelled run, processed or dead";
    PROGRESS_AGE = "pedidos_run_progress_age_seconds", Gauge, Api, [],
        "Time since an active run last made progress; 0 without an active run, and in ERROR";
    WAITING_AGE = "pedidos_oldest_waiting_age_seconds", Gauge, Api, ["priority"],
        "Age of the order at the head of the queue, since it was generated; 0 if none waits";
    LEASE_AGE = "pedidos_oldest_lease_age_seconds", Gauge, Api, [],
        "Time since the oldest lease was granted, whatever its heartbeats; 0 if there is none";
    LEASE_LIMIT = "pedidos_lease_limit_seconds", Gauge, Api, [],
        "LEASE_MS: how long a lease lasts without a heartbeat";
    LEASES_HELD = "pedidos_leases", Gauge, Api, [],
        "Leases of every kind that are held now";
    WORKERS_ALIVE = "pedidos_workers_alive", Gauge, Api, [],
        "Workers with a heartbeat in the last 5 s";
    WORKERS_SLOTS = "pedidos_workers_slots", Gauge, Api, [],
        "Leases that all live workers together may hold";
    WORKERS_BUSY = "pedidos_workers_busy", Gauge, Api, [],
        "Leases that all live workers hold, by their last heartbeats";
    FENCE_OPEN = "pedidos_fence_open", Gauge, Api, [],
        "1 if NORMAL orders may be claimed";
    FENCE_VIOLATIONS = "pedidos_fence_violations", Gauge, Api, [],
        "NORMAL orders of the run that were claimed while a VIP order was open: must be 0";
    LATE_VIP = "pedidos_late_vip_orders", Gauge, Api, [],
        "VIP orders of the run that a person put back after the fence had opened";
    PROCESSOR = "pedidos_processor", Gauge, Api, ["state"],
        "1 for the state that the processor of the active run is in, 0 for the others; none: no live worker has it";
    HELD_ORDER_AGE = "pedidos_held_order_age_seconds", Gauge, Api, [],
        "Time since one order's calls fail, alone, with no other order to vouch for the processor; 0 if none does";
    HTTP_REQUESTS = "pedidos_http_requests_total", Counter, Api, ["operation", "status"],
        "Requests answered, by the operation's id in the OpenAPI document, or other, and HTTP status";
    HTTP_SECONDS = "pedidos_http_request_duration_seconds", Histogram, Api, ["operation"],
        "Time from a request until the head of its answer";

    ORDERS = "pedidos_worker_orders_total", Counter, Worker, ["priority", "outcome"],
        "Orders of batches that this worker closed, by outcome";
    GENERATED = "pedidos_worker_generated_orders_total", Counter, Worker, [],
        "Orders of chunks that this worker closed";
    LEASES = "pedidos_worker_leases_total", Counter, Worker, ["kind"],
        "Leases that this worker closed, by kind of work";
    LEASE_SECONDS = "pedidos_worker_lease_duration_seconds", Histogram, Worker, ["kind"],
        "Time from the claim of a lease until it was closed";
    CALL_SECONDS = "pedidos_worker_call_duration_seconds", Histogram, Worker, ["call"],
        "Time that one call took: claim, ack and pushes are Redis', the others MongoDB's";
    STALE = "pedidos_worker_stale_acks_total", Counter, Worker, [],
        "Acks and pushes that came too late: their lease was lost, and nothing was counted";
    LOST = "pedidos_worker_lost_leases_total", Counter, Worker, [],
        "Leases that a heartbeat found lost while this worker worked on them";
    RECLAIMED = "pedidos_worker_reclaimed_leases_total", Counter, Worker, [],
        "Expired leases, of any worker, that this worker gave back";
    STORE_ERRORS = "pedidos_worker_store_errors_total", Counter, Worker, ["store", "kind"],
        "Calls to a store that failed, each attempt, by store and kind of failure";
    PROCESSOR_CALLS = "pedidos_worker_processor_calls_total", Counter, Worker, ["result"],
        "Calls to the processor of this worker: ok, or the kind of fault";
    PROCESSOR_SECONDS = "pedidos_worker_processor_call_duration_seconds", Histogram, Worker, [],
        "Time that one call to the processor took";
    VERDICTS = "pedidos_worker_verdicts_total", Counter, Worker, ["verdict"],
        "Verdicts that this worker wrote: ok, retry or fail; retry also if no attempt is spent";
    BREAKER = "pedidos_worker_breaker", Gauge, Worker, ["state"],
        "1 for the state that the breaker of the processor is in, 0 for the others";
    THROTTLED = "pedidos_worker_throttled_seconds", Histogram, Worker, [],
        "Waits of a claim because of a limit of the queue";
    SLOTS = "pedidos_worker_slots", Gauge, Worker, [],
        "Leases that this worker may hold at once";
    BUSY = "pedidos_worker_slots_busy", Gauge, Worker, [],
        "Leases that this worker holds";

    LOG_LINES_DROPPED = "pedidos_log_lines_dropped_total", Counter, Both, [],
        "Log lines that could not be written or sent to Redis";
    BUILD_INFO = "pedidos_build_info", Gauge, Both, ["version"],
        "1, with the version of this program";
    CPU_SECONDS = "process_cpu_seconds_total", Counter, Both, [],
        "CPU time of this process, user and system";
    RESIDENT = "process_resident_memory_bytes", Gauge, Both, [],
        "Memory of this process that is in RAM";
    VIRTUAL = "process_virtual_memory_bytes", Gauge, Both, [],
        "Memory that this process has mapped";
    OPEN_FDS = "process_open_fds", Gauge, Both, [],
        "File descriptors that this process has open";
    MAX_FDS = "process_max_fds", Gauge, Both, [],
        "File descriptors that this process may have open";
    THREADS = "process_threads", Gauge, Both, [],
        "Threads of this process";
    START_TIME = "process_start_time_seconds", Gauge, Both, [],
        "When this process started, since the epoch";
}

#[must_use]
pub fn named(name: &str) -> Option<&'static Metric> {
    ALL.iter().find(|metric| metric.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_table_is_this_list() {
        let documented: Vec<_> = include_str!("../../../../docs/metrics.md")
            .lines()
            // A colon is in the names of recording rules, which follow.
            .filter(|line| line.starts_with("| `") && !line.starts_with("| `pedidos:"))
            .map(str::to_owned)
            .collect();
        let list: Vec<_> = ALL
            .iter()
            .map(|Metric { name, kind, of, labels, help }| {
                let labels = labels.iter().map(|label| format!("`{label}`"));
                let labels = labels.collect::<Vec<_>>().join(", ");
                format!("| `{name}` | {} | {} | {labels} | {help} |", kind.as_str(), of.as_str())
                    .replace("|  |", "| |")
            })
            .collect();
        assert_eq!(documented, list);
    }

    #[test]
    fn names_are_as_prometheus_wants_them() {
        for (at, metric) in ALL.iter().enumerate() {
            let Metric { name, kind, of, .. } = metric;
            assert_eq!(name.ends_with("_total"), *kind == Counter, "{name}");
            let process = name.starts_with("process_") && *of == Both;
            assert!(name.starts_with("pedidos_") || process, "{name}");
            assert_eq!(ALL.iter().position(|other| other.name == *name), Some(at), "{name} twice");
        }
    }
}
