//! The list of all metrics, and the exporter. The recorder keeps what is counted; what can be
//! read when a scrape comes is read then, and kept nowhere.

pub mod list;
mod process;
mod text;

use std::time::Duration;

use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

pub use self::{list::*, process::resident_bytes, text::Text};

pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4";

/// Bounds of all histograms, s.
const BUCKETS: &[f64] =
    &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// How often recorded values are sorted into their buckets: until then each takes memory, also
/// if nobody scrapes.
const UPKEEP: Duration = Duration::from_secs(5);

#[derive(Clone)]
pub struct Exporter(PrometheusHandle);

impl Exporter {
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = Text::default();
        process::write(&mut text);
        self.0.run_upkeep();
        self.0.render() + &text.into_string()
    }
}

/// Installs the exporter of this process.
///
/// # Errors
/// There is one already.
pub fn install() -> Result<Exporter, BuildError> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), BUCKETS)?
        .install_recorder()?;
    for metric in ALL {
        match metric.kind {
            Kind::Counter => describe_counter!(metric.name, metric.help),
            Kind::Gauge => describe_gauge!(metric.name, metric.help),
            Kind::Histogram => describe_histogram!(metric.name, metric.help),
        }
    }
    counter!(LOG_LINES_DROPPED).increment(0);
    gauge!(BUILD_INFO, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    let kept = handle.clone();
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(UPKEEP);
        loop {
            ticks.tick().await;
            kept.run_upkeep();
        }
    });
    Ok(Exporter(handle))
}
