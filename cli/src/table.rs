//! Tables of at most 60 columns; and those of the current run: its orders, times and fence.

use std::ops::Range;

use comfy_table::{
    CellAlignment, ContentArrangement, Table, TableStyle,
    presets::{UTF8_FULL, UTF8_FULL_CONDENSED},
};
use pedidos_api_types::{
    flow::Limits,
    status::{Ledger, Ledgers, QueueStatus, Status},
};
use pedidos_core::{
    run::Phase,
    text::{count, one_line},
};

use crate::{
    figure::{NONE, clock, duration, rate},
    holds,
};

/// A terminal that is divided in two, or enlarged, has room for so much.
const WIDTH: u16 = 60;

/// A table with a line for each row.
pub fn of<const N: usize>(header: [&str; N]) -> Table {
    table(header, UTF8_FULL_CONDENSED)
}

/// A table whose rows have several lines.
pub fn blocks<const N: usize>(header: [&str; N]) -> Table {
    table(header, UTF8_FULL)
}

fn table<const N: usize>(header: [&str; N], style: TableStyle) -> Table {
    let mut table = Table::new();
    table
        .load_style(style.with_rounded_corners())
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(WIDTH)
        .set_header(header);
    table
}

/// These columns have figures.
pub fn right_aligned(mut table: Table, columns: Range<usize>) -> Table {
    for column in columns {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// A text on one line, cut after so many characters.
pub fn shortened(text: &str, most: usize) -> String {
    let text = one_line(text);
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

pub fn summary(status: &Status) -> String {
    let phase = Phase::from(status.phase);
    let Some(run_id) = &status.run_id else {
        let last = status.last_run_id.as_deref();
        return format!("{phase}: no run; the last one was {}", last.unwrap_or(NONE));
    };
    let paused = if status.paused { " · PAUSED" } else { "" };
    let workers = &status.workers;
    let mut parts = vec![
        format!("run {run_id} · {phase}{paused}"),
        format!(
            "{} of {} orders processed · {:.1} % · workers: {}, {} of {} slots busy",
            count(status.progress.processed_total),
            count(status.progress.target),
            status.eta.progress_percent,
            workers.alive,
            workers.busy,
            workers.slots
        ),
    ];
    parts.extend(holds::lines(status));
    let tables = [orders(&status.ledger), times(status), windows(status), fence(status)];
    parts.extend(tables.map(|table| table.to_string()));
    if phase == Phase::Error {
        let ends = format!("`pedidos cancel {run_id}` or `pedidos reset` ends it");
        parts.push(format!("the run has stopped; {ends}"));
        if status.max_failed_percent.is_some() {
            let other =
                "`pedidos change --max-failed-percent P` lets it go on with up to P percent";
            parts.push(other.into());
        }
    }
    parts.join("\n")
}

/// The limits of the queue.
pub fn limits(limits: &Limits) -> String {
    let mut table = of(["limit", "at most"]);
    for (name, most) in
        [("orders a second", limits.orders_per_second), ("orders in flight", limits.max_in_flight)]
    {
        table.add_row([name.to_owned(), most.map_or_else(|| "none".to_owned(), count)]);
    }
    right_aligned(table, 1..2).to_string()
}

/// What the queue holds.
pub fn queue(queue: &QueueStatus) -> String {
    let counts = &queue.counts;
    let mut table = of(["state", "jobs"]);
    for (name, jobs) in [
        ("waiting", counts.waiting),
        ("active", counts.active),
        ("delayed", counts.delayed),
        ("completed", counts.completed),
        ("failed", counts.failed),
    ] {
        table.add_row([name.to_owned(), count(jobs)]);
    }
    let paused = if counts.paused { "\nthe queue is paused" } else { "" };
    format!("{}{paused}\n{}", right_aligned(table, 1..2), orders(&queue.ledger))
}

/// Where the orders are. States that orders only pass through have a row while one is in them.
fn orders(ledger: &Ledgers) -> Table {
    type Row = (&'static str, fn(&Ledger) -> u64, bool);
    const ROWS: [Row; 8] = [
        ("generated", |ledger| ledger.generated, true),
        ("deferred", |ledger| ledger.deferred, false),
        ("waiting", |ledger| ledger.waiting, false),
        ("leased", |ledger| ledger.leased, false),
        ("delayed", |ledger| ledger.delayed, false),
        ("processed", |ledger| ledger.processed, true),
        ("dead", |ledger| ledger.dead, true),
        ("removed", |ledger| ledger.removed, true),
    ];
    let mut table = of(["orders", "VIP", "NORMAL", "total"]);
    for (name, in_state, always) in ROWS {
        let (vip, normal) = (in_state(&ledger.vip), in_state(&ledger.normal));
        if always || vip + normal > 0 {
            table.add_row([name.to_owned(), count(vip), count(normal), count(vip + normal)]);
        }
    }
    right_aligned(table, 1..4)
}

/// How long each part took, and how fast it was.
fn times(status: &Status) -> Table {
    let (vip, normal) = (&status.processing.vip, &status.processing.normal);
    let per_second = |orders: u64, ms: u64| (ms > 0).then(|| orders as f64 / ms as f64 * 1e3);
    let progress = &status.progress;
    let generating = status.generation_time_ms;
    let (speed, wall) = (&status.throughput, status.wall_clock_ms);
    let made = per_second(progress.generated, generating);
    let in_all = per_second(progress.processed_total, wall);
    let mut table = of(["time", "took", "orders/s"]);
    for (name, ms, per_second) in [
        ("generation", generating, made),
        ("enqueue VIP (sum)", status.enqueue_vip_time_ms, None),
        ("enqueue NORMAL (sum)", status.enqueue_normal_time_ms, None),
        ("processing VIP", vip.time_ms, Some(speed.vip)),
        ("processing NORMAL", normal.time_ms, Some(speed.normal)),
        ("processing, both", vip.time_ms + normal.time_ms, Some(speed.overall)),
        ("total (sum)", status.total_time_ms, None),
        ("wall clock", wall, in_all),
    ] {
        let per_second = per_second.map_or_else(|| NONE.to_owned(), rate);
        table.add_row([name, &duration(ms), &per_second]);
    }
    right_aligned(table, 1..3)
}

/// When each priority was processed.
fn windows(status: &Status) -> Table {
    let (vip, normal) = (&status.processing.vip, &status.processing.normal);
    let start = vip.start.as_deref().or(normal.start.as_deref());
    let day = start.and_then(|time| time.split_once('T')).map_or("time", |(day, _)| day);
    let mut table = of([&*format!("{day} (UTC)"), "from", "to"]);
    for (name, window) in [("VIP", vip), ("NORMAL", normal)] {
        table.add_row([name, clock(window.start.as_deref()), clock(window.end.as_deref())]);
    }
    right_aligned(table, 1..3)
}

/// Whether every VIP order was processed before every NORMAL one.
fn fence(status: &Status) -> Table {
    let fence = &status.fence;
    let mut table = of(["fence", if fence.open { "opened" } else { "closed" }]);
    for (name, value) in [
        ("last VIP at", clock(fence.last_vip_at.as_deref())),
        ("first NORMAL at", clock(fence.first_normal_at.as_deref())),
        ("violations", count(fence.violations).as_str()),
        ("late VIP", count(fence.late_vip).as_str()),
    ] {
        table.add_row([name, value]);
    }
    right_aligned(table, 1..2)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use pedidos_api_types::{flow::PausedBy, status::QueueCounts};

    use super::*;
    use crate::samples;

    fn cells(line: &str) -> Vec<&str> {
        line.split(['│', '┆']).map(str::trim).filter(|cell| !cell.is_empty()).collect()
    }

    fn row<'a>(text: &'a str, name: &str) -> Vec<&'a str> {
        let rows = text.lines().map(cells);
        rows.into_iter().find(|row| row.first() == Some(&name)).unwrap_or_default()
    }

    #[test]
    fn a_finished_run_is_summed_up() {
        let text = summary(&serde_json::from_str(samples::DONE).unwrap());
        println!("{text}");
        assert!(text.starts_with("run 7b0c9f0e-6a6c-4f0c-9a55-0d2a7c1f3b11 · DONE\n"));
        assert_eq!(row(&text, "generated"), ["generated", "249,882", "750,118", "1,000,000"]);
        assert_eq!(row(&text, "dead"), ["dead", "12", "0", "12"]);
        assert_eq!(row(&text, "removed"), ["removed", "0", "3", "3"]);
        assert_eq!(row(&text, "generation")[1..], ["12.3s", "81,301"]);
        assert_eq!(row(&text, "processing VIP")[1..], ["20.1s", "12,404"]);
        assert_eq!(row(&text, "wall clock")[1..], ["1m 25.1s", "11,751"]);
        assert_eq!(row(&text, "2026-03-01 (UTC)"), ["2026-03-01 (UTC)", "from", "to"]);
        assert_eq!(row(&text, "VIP"), ["VIP", "12:00:00.312", "12:00:20.456"]);
        assert_eq!(row(&text, "fence"), ["fence", "opened"]);
        assert_eq!(row(&text, "first NORMAL at")[1..], ["12:00:20.501"]);
        assert_eq!(row(&text, "violations")[1..], ["0"]);
        assert!(row(&text, "waiting").is_empty(), "nothing waits: no row");
    }

    #[test]
    fn a_run_at_work_shows_what_is_passing_through() {
        let text = summary(&samples::draining());
        assert_eq!(row(&text, "deferred"), ["deferred", "0", "750,118", "750,118"]);
        assert_eq!(row(&text, "waiting"), ["waiting", "110,000", "0", "110,000"]);
        assert_eq!(row(&text, "leased"), ["leased", "14,882", "0", "14,882"]);
    }

    #[test]
    fn a_summary_fits_80_columns_and_its_tables_60() {
        let mut status = samples::draining();
        status.paused = true;
        status.paused_by = Some(PausedBy::PauseAfter);
        status.pause_after = Some(1_000);
        status.processor.name = "refunds".to_owned();
        status.total_time_ms = 359_999_999;
        status.enqueue_normal_time_ms = 359_999_999;
        let ledger = &mut status.ledger.normal;
        (ledger.generated, ledger.deferred) = (1_000_000_000, 1_000_000_000);
        for line in summary(&status).lines() {
            let most = if line.contains(['│', '╭', '╞', '╰']) { 60 } else { 80 };
            assert!(line.chars().count() <= most, "{line}");
        }
    }

    #[test]
    fn a_run_in_error_says_what_ends_it() {
        let mut status = samples::draining();
        status.phase = pedidos_api_types::status::Phase::Error;
        assert!(!summary(&status).contains("pedidos change"));
        status.max_failed_percent = Some(5);
        assert!(summary(&status).contains("pedidos change --max-failed-percent"));
    }

    #[test]
    fn limits_are_a_number_or_none() {
        let text = limits(&Limits { orders_per_second: Some(1_500), max_in_flight: None });
        assert_eq!(row(&text, "orders a second"), ["orders a second", "1,500"]);
        assert_eq!(row(&text, "orders in flight"), ["orders in flight", "none"]);
    }

    #[test]
    fn a_queue_is_told_by_state_and_priority() {
        let ledger = samples::draining().ledger;
        let counts = QueueCounts {
            waiting: 110_000,
            active: 14_882,
            completed: 124_990,
            failed: 10,
            delayed: 0,
            paused: true,
        };
        let text = queue(&QueueStatus { counts, ledger });
        assert_eq!(row(&text, "completed"), ["completed", "124,990"]);
        assert_eq!(row(&text, "leased"), ["leased", "14,882", "0", "14,882"]);
        assert!(text.contains("the queue is paused"), "{text}");
    }

    #[test]
    fn no_run_is_one_line() {
        let text = summary(&serde_json::from_str(samples::IDLE).unwrap());
        assert_eq!(text, "IDLE: no run; the last one was -");
    }
}
