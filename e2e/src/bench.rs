//! The benchmark: a run of ours beside the floor, which is MongoDB writing every order
//! twice with nothing around it; on the same servers, in turns.
//!
//! - [`floor`]: inserts and updates, no queue.
//! - [`ours`]: API, Redis, workers; what they cost; what status said meanwhile.
//! - [`parts`]: the queue alone, the generator alone.
//! - [`recovery`]: from a fault until work goes on.
//! - [`cancel`]: a cancel beside MongoDB marking as many orders.
//! - [`import`]: an upload beside a bare driver's inserts, and the run of it beside a generated one.
//! - [`processor`]: a run that is handed to a [`receiver`], beside the same one with `builtin`.
//! - [`scaling`]: workers in front of a store that is far away.

pub mod cancel;
pub mod floor;
pub mod import;
pub mod import_table;
pub mod ours;
pub mod parts;
pub mod processor;
pub mod processor_table;
pub mod receiver;
pub mod recovery;
pub mod scaling;

use std::time::Duration;

use serde::Serialize;

/// Several measurements of one thing.
#[derive(Debug, Clone, Serialize)]
pub struct Measured {
    pub median: f64,
    pub least: f64,
    pub most: f64,
    pub count: usize,
}

impl Measured {
    /// Of at least one value.
    #[must_use]
    pub fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        Self {
            median: quantile(&values, 0.5),
            least: values[0],
            most: values[values.len() - 1],
            count: values.len(),
        }
    }

    /// Of what is known of something, if anything is.
    pub fn of_known(values: impl Iterator<Item = f64>) -> Option<Self> {
        let values: Vec<_> = values.collect();
        (!values.is_empty()).then(|| Self::of(values))
    }

    /// Median, and the range.
    #[must_use]
    pub fn shown(&self, digits: usize) -> String {
        format!("{:.digits$} ({:.digits$}..{:.digits$})", self.median, self.least, self.most)
    }
}

/// Of values that are sorted: the smallest that this share of them does not exceed.
#[must_use]
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = (share * sorted.len() as f64).ceil() as usize;
    sorted[at.clamp(1, sorted.len()) - 1]
}

/// CPU time that a process has used so far, of all its threads; none if it is not there.
#[must_use]
pub fn cpu_time(pid: u32) -> Option<Duration> {
    /// Linux counts in hundredths of a second, on every machine of today.
    const TICK_MS: u64 = 10;
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may have blanks in it; what follows its bracket has none.
    let fields: Vec<_> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<u64>().ok();
    Some(Duration::from_millis((ticks(11)? + ticks(12)?) * TICK_MS))
}

/// The most memory that a process has held in RAM, MiB.
#[must_use]
pub fn peak_mib(pid: u32) -> Option<f64> {
    Some(xtask::process::memory_kib(pid, "VmHWM")? as f64 / 1024.0)
}
