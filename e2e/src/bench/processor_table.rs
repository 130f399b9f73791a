//! The figures of a processor, as tables.

use super::{
    Measured,
    processor::{BATCH, Drained, Pair, SINGLES, Took, WORKERS},
};

/// What it is, its digits, and itself.
type Row = (&'static str, usize, fn(&Drained) -> Option<f64>);

const ROWS: [Row; 8] = [
    ("start to DONE, s", 2, |run| Some(run.seconds)),
    ("CPU of the workers, s", 2, workers),
    ("CPU of the API, s", 2, |run| run.cpu_seconds[0]),
    ("CPU of MongoDB, s", 2, |run| run.cpu_seconds[3]),
    ("CPU of Redis, s", 2, |run| run.cpu_seconds[2]),
    ("CPU of the receiver, s", 2, |run| run.calls?.receiver_cpu_seconds),
    ("calls", 0, |run| Some(run.calls?.count)),
    ("mean time of a call, ms", 2, |run| {
        let calls = run.calls?;
        Some(1_000.0 * calls.seconds / calls.count)
    }),
];

/// Of several rounds with as many orders.
pub fn show(quantity: u32, rounds: &[Took]) {
    let batches: Vec<_> = rounds.iter().map(|took| took.batches).collect();
    table(&format!("{quantity} imported orders, {WORKERS} workers, {BATCH} in a call"), &batches);
    let singles: Vec<_> = rounds.iter().map(|took| took.singles).collect();
    table(&format!("{SINGLES} imported orders, {WORKERS} workers, one in a lease"), &singles);
    // Each order is a call.
    let scaled = |run: &Drained| Some(workers(run)? * 100_000.0 / f64::from(SINGLES));
    show_row(&("CPU of the workers, s for 100,000 calls", 2, scaled), &singles);
}

fn workers(run: &Drained) -> Option<f64> {
    run.cpu_seconds[1]
}

fn table(of: &str, pairs: &[Pair]) {
    println!("\n| {of} | builtin | receiver | difference | ÷ |\n|---|---|---|---|---|");
    for row in &ROWS {
        show_row(row, pairs);
    }
}

fn show_row((what, digits, figure): &Row, pairs: &[Pair]) {
    let of = |digits, value: &dyn Fn(&Pair) -> Option<f64>| {
        let known = Measured::of_known(pairs.iter().filter_map(value));
        known.map_or_else(|| "–".to_owned(), |known| known.shown(digits))
    };
    println!(
        "| {what} | {} | {} | {} | {} |",
        of(*digits, &|pair| figure(&pair.builtin)),
        of(*digits, &|pair| figure(&pair.called)),
        of(*digits, &|pair| Some(figure(&pair.called)? - figure(&pair.builtin)?)),
        of(2, &|pair| Some(figure(&pair.called)? / figure(&pair.builtin)?)),
    );
}
