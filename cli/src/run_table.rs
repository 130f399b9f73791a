//! Runs of the history as a person reads them: the summary of one, and a table of several.

use std::fmt::Write as _;

use comfy_table::Table;
use pedidos_api_types::{
    runs::Run,
    status::{Phase, RunSource},
};
use pedidos_core::{
    run,
    text::{count, one_line},
};

use crate::{
    figure::{clock, duration, minute},
    table::{self, right_aligned},
};

pub fn list(runs: &[Run]) -> String {
    if runs.is_empty() {
        return "no runs".to_owned();
    }
    let mut table = table::blocks(["run\nphase\ncreated (UTC)", "orders\nfailed\ntook"]);
    for run in runs {
        let failed = at_least_zero(run.total_failed_vip + run.total_failed_normal);
        let (orders, took) = (count(run.quantity), duration(at_least_zero(run.wall_clock_ms)));
        table.add_row([
            format!(
                "{}\n{}\n{}",
                one_line(&run.run_id),
                phase(run.phase),
                one_line(&minute(&run.created_at))
            ),
            format!("{orders}\n{}\n{took}", count(failed)),
        ]);
    }
    right_aligned(table, 1..2).to_string()
}

pub fn one(run: &Run) -> String {
    let source = match run.source {
        RunSource::Generated => format!("generated, seed {}", run.seed),
        RunSource::Import => "imported".to_owned(),
    };
    let mut text = format!(
        "run {} · {}\n{} orders, {source}\nprocessor: {}\ncreated {}",
        one_line(&run.run_id),
        phase(run.phase),
        count(run.quantity),
        one_line(&run.processor),
        one_line(&run.created_at)
    );
    if let Some(finished) = &run.finished_at {
        let _ = write!(text, "\nended {}", one_line(finished));
    }
    if let Some(error) = &run.error {
        let _ = write!(text, "\nerror: {}", one_line(error));
    }
    for retry in &run.retries {
        let took = retry
            .time_ms
            .map_or_else(String::new, |ms| format!(" in {}", duration(at_least_zero(ms))));
        let _ = write!(
            text,
            "\nretried {}: {} orders, {} processed{took}",
            one_line(&retry.at),
            count(at_least_zero(retry.orders)),
            count(at_least_zero(retry.processed))
        );
    }
    let _ = write!(text, "\n{}\n{}", orders(run), times(run));
    text
}

fn orders(run: &Run) -> Table {
    let mut table = table::of(["orders", "VIP", "NORMAL"]);
    let counts = |vip, normal| [vip, normal].map(|orders| count(at_least_zero(orders)));
    let times = |times: [&Option<String>; 2]| times.map(|time| one_line(clock(time.as_deref())));
    let took = |vip, normal| [vip, normal].map(|ms| duration(at_least_zero(ms)));
    for (name, [vip, normal]) in [
        ("processed", counts(run.total_processed_vip, run.total_processed_normal)),
        ("failed", counts(run.total_failed_vip, run.total_failed_normal)),
        ("from (UTC)", times([&run.start_vip, &run.start_normal])),
        ("to (UTC)", times([&run.end_vip, &run.end_normal])),
        ("took", took(run.processing_time_vip_ms, run.processing_time_normal_ms)),
    ] {
        table.add_row([name.to_owned(), vip, normal]);
    }
    right_aligned(table, 1..3)
}

fn times(run: &Run) -> Table {
    let mut table = table::of(["time", "took"]);
    for (name, ms) in [
        ("generation", run.generation_time_ms),
        ("enqueue VIP (sum)", run.enqueue_vip_time_ms),
        ("enqueue NORMAL (sum)", run.enqueue_normal_time_ms),
        ("total (sum)", run.total_time_ms),
        ("wall clock", run.wall_clock_ms),
    ] {
        table.add_row([name.to_owned(), duration(at_least_zero(ms))]);
    }
    right_aligned(table, 1..2)
}

fn phase(phase: Phase) -> String {
    run::Phase::from(phase).to_string()
}

fn at_least_zero(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use pedidos_api_types::runs::Retry;

    use super::*;
    use crate::{figure::NONE, samples};

    #[test]
    fn runs_are_listed_in_60_columns() {
        let mut run: Run = serde_json::from_str(samples::RUN).unwrap();
        run.run_id = "7b0c9f0e-6a6c-4f0c-9a55-0d2a7c1f3b11".to_owned();
        (run.quantity, run.total_failed_vip) = (1_000_000_000, 1_234);
        let text = list(&[run.clone(), run]);
        for part in ["7b0c9f0e-6a6c-4f0c-9a55-0d2a7c1f3b11", "DONE", "2026-03-01 12:00", "1,234"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        for line in text.lines() {
            assert!(line.chars().count() <= 60, "{line}");
        }
        assert_eq!(list(&[]), "no runs");
    }

    #[test]
    fn one_run_is_told_with_its_retries_and_its_error() {
        let mut run: Run = serde_json::from_str(samples::RUN).unwrap();
        run.error = Some("too many \u{1b}[2J dead letters".to_owned());
        run.retries = vec![Retry {
            at: "2026-03-01T13:00:00.000Z".to_owned(),
            orders: 12,
            processed: 10,
            time_ms: Some(1_500),
        }];
        let text = one(&run);
        assert!(text.starts_with("run r · DONE\n50,000 orders, generated, seed 1\n"), "{text}");
        for part in ["too many", "12 orders, 10 processed in 1.5s", "38,000", "4.2s"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains('\u{1b}'), "{text}");
        for line in text.lines().filter(|line| !line.starts_with("retried")) {
            assert!(line.chars().count() <= 60, "{line}");
        }
        assert!(text.contains(NONE), "there are no times: {text}");
    }
}
