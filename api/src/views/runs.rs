//! Runs of the history.

use pedidos_api_types::{
    flow::OnVipFailure,
    runs::{Retry, Run},
};
use pedidos_core::{
    control::{self, Flow},
    time::iso,
};
use pedidos_pipeline::store::RunDocument;

use super::status::size;

#[must_use]
pub fn run(run: RunDocument) -> Run {
    let options = run.options();
    let mut shown = Run {
        source: run.source().into(),
        processor: options.processor_name().to_owned(),
        pause_after: None,
        max_failed_percent: None,
        on_vip_failure: OnVipFailure::Continue,
        run_id: run.run_id,
        status: run.status,
        seed: run.seed,
        quantity: run.quantity as u64,
        phase: run.phase.into(),
        generation_time_ms: run.generation_time_ms,
        processing_time_vip_ms: run.processing_time_vip_ms,
        processing_time_normal_ms: run.processing_time_normal_ms,
        start_vip: run.start_vip.map(|at| iso(at.timestamp_millis())),
        end_vip: run.end_vip.map(|at| iso(at.timestamp_millis())),
        start_normal: run.start_normal.map(|at| iso(at.timestamp_millis())),
        end_normal: run.end_normal.map(|at| iso(at.timestamp_millis())),
        total_processed_vip: run.total_processed_vip,
        total_processed_normal: run.total_processed_normal,
        total_failed_vip: run.total_failed_vip,
        total_failed_normal: run.total_failed_normal,
        enqueue_vip_time_ms: run.enqueue_vip_time_ms,
        enqueue_normal_time_ms: run.enqueue_normal_time_ms,
        total_time_ms: run.total_time_ms,
        wall_clock_ms: run.wall_clock_ms,
        error: run.error,
        retries: run.retries.into_iter().map(retry).collect(),
        created_at: iso(run.created_at.timestamp_millis()),
        finished_at: run.finished_at.map(|at| iso(at.timestamp_millis())),
    };
    show_flow(&mut shown, &options.flow);
    shown
}

/// Shows what holds a run back.
pub fn show_flow(run: &mut Run, flow: &Flow) {
    run.pause_after = flow.pause_after.map(size);
    run.max_failed_percent = flow.max_failed_percent.map(size);
    run.on_vip_failure = flow.on_vip_failure.into();
}

fn retry(control::Retry { at, orders, processed, time_ms }: control::Retry) -> Retry {
    Retry { at: iso(at), orders, processed, time_ms }
}
