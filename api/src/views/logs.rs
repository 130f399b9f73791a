//! The figures beside the log lines.

use pedidos_api_types::logs::ProcessLog;
use pedidos_core::order::Priority;
use pedidos_pipeline::queue::{RunView, Snapshot};

use super::status::{millis, time};

#[must_use]
pub fn process_log(snapshot: &Snapshot) -> ProcessLog {
    let idle = RunView::default();
    let run = snapshot.run.as_ref().unwrap_or(&idle);
    let (figures, now) = (&run.figures, snapshot.clock());
    let [vip, normal] = Priority::ALL.map(|priority| snapshot.ledger(priority));
    ProcessLog {
        generation_time_ms: millis(figures.generation_ms(now)),
        processing_time_vip_ms: millis(figures.processing_ms(Priority::Vip)),
        processing_time_normal_ms: millis(figures.processing_ms(Priority::Normal)),
        start_vip: time(figures.vip_start),
        end_vip: time(figures.vip_end),
        start_normal: time(figures.normal_start),
        end_normal: time(figures.normal_end),
        total_processed_vip: vip.processed,
        total_processed_normal: normal.processed,
        total_time_ms: millis(figures.total_ms(now)),
        enqueue_vip_time_ms: millis(figures.enqueue_vip_us / 1000),
        enqueue_normal_time_ms: millis(figures.enqueue_normal_us / 1000),
        phase: run.phase.into(),
    }
}
