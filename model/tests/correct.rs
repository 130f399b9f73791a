//! The protocol as it is meant: for every verb the search finishes and finds nothing. Larger
//! sizes and more verbs are ignored by default: `cargo test --release -- --ignored`. Run them
//! with `--test-threads=1`: each says how much memory it takes.

#![allow(clippy::panic)]

use pedidos_model::{Ask, Faults, Scenario, search};

/// Some 3.5 GiB. The largest search here has 20 million.
const MOST: usize = 30_000_000;

/// All kinds but two masters, which alone makes a search ten times as large.
const ONE_MASTER: Faults = Faults { split: false, ..Faults::ALL };

#[track_caller]
fn clean(scenario: Scenario) {
    let report = search(&scenario, MOST);
    println!(
        "{:?}, {} chunks, {} workers, {} faults{}: {} states, {} steps, {:.1} s",
        scenario.asks,
        scenario.chunks,
        scenario.workers,
        scenario.faults,
        if scenario.kinds.split { "" } else { " of one master" },
        report.states,
        report.steps,
        report.took.as_secs_f64()
    );
    if let Some((wrong, way)) = report.wrong {
        panic!("{:?}: {wrong}:\n  {}", scenario.asks, way.join("\n  "));
    }
}

/// These verbs, and two faults of any kind.
fn of(asks: &[Ask]) -> Scenario {
    Scenario::new().ask(asks).faults(2, Faults::ALL)
}

/// Dead letters there can be only if MongoDB refuses an update.
fn letters(asks: &[Ask]) -> Scenario {
    of(asks).failures(1, 1)
}

/// Two generates, and no run before them.
fn generates() -> Scenario {
    Scenario { accepted: false, ..of(&[Ask::Generate, Ask::Generate]) }
}

fn three_workers(scenario: Scenario) -> Scenario {
    Scenario { workers: 3, ..scenario }
}

#[test]
fn a_run_ends_exact() {
    clean(of(&[]));
}

#[test]
fn a_run_of_two_vip_orders_ends_exact() {
    clean(Scenario { vip: [true; 2], ..of(&[]) });
}

#[test]
fn a_run_of_three_workers_ends_exact() {
    clean(three_workers(of(&[])));
}

#[test]
fn refused_orders_are_retried_and_given_up_exactly() {
    clean(of(&[]).failures(2, 2));
}

#[test]
fn of_two_generates_one_is_refused() {
    clean(generates().one_chunk());
}

#[test]
fn pause_and_resume_lose_nothing() {
    clean(of(&[Ask::Pause, Ask::Resume]).one_chunk());
}

#[test]
fn a_cancel_counts_what_it_marks() {
    clean(of(&[Ask::Cancel]).one_chunk());
}

#[test]
fn a_reset_leaves_nothing() {
    clean(of(&[Ask::Reset]).one_chunk());
}

#[test]
fn a_retry_is_not_undone() {
    clean(letters(&[Ask::Retry]).one_chunk());
}

#[test]
fn a_clean_is_not_undone() {
    clean(letters(&[Ask::Clean]).one_chunk());
}

#[test]
fn every_verb_is_clean_in_the_middle_of_chunks() {
    for scenario in in_the_middle_of_chunks() {
        clean(Scenario { faults: 1, ..scenario });
    }
}

#[test]
fn a_new_run_is_clean_after_whatever_it_replaces() {
    for first in [Ask::Cancel, Ask::Reset, Ask::Retry, Ask::Clean] {
        clean(pair(first, Ask::Generate).faults(1, ONE_MASTER));
    }
}

#[test]
fn of_two_cancels_both_may_finish_it() {
    clean(pair(Ask::Cancel, Ask::Cancel).faults(1, ONE_MASTER));
}

#[test]
#[ignore = "6 minutes, 2 GiB"]
fn every_verb_is_clean_in_the_middle_of_chunks_with_two_faults() {
    in_the_middle_of_chunks().into_iter().for_each(clean);
}

#[test]
#[ignore = "10 minutes, 1.2 GiB"]
fn any_two_verbs_that_meet_are_clean() {
    let verbs =
        [Ask::Generate, Ask::Pause, Ask::Resume, Ask::Cancel, Ask::Reset, Ask::Retry, Ask::Clean];
    for first in verbs {
        for second in verbs {
            clean(pair(first, second).faults(1, Faults::ALL));
        }
    }
}

#[test]
#[ignore = "4 minutes, 1 GiB"]
fn a_new_run_is_clean_with_two_faults() {
    for first in [Ask::Cancel, Ask::Reset, Ask::Retry, Ask::Clean] {
        clean(pair(first, Ask::Generate).faults(2, ONE_MASTER));
    }
}

#[test]
#[ignore = "a minute, 0.7 GiB"]
fn every_verb_is_clean_with_three_workers() {
    for scenario in in_the_middle_of_chunks() {
        clean(three_workers(Scenario { faults: 1, ..scenario }));
    }
}

fn in_the_middle_of_chunks() -> [Scenario; 6] {
    [
        generates(),
        of(&[Ask::Pause, Ask::Resume]),
        of(&[Ask::Cancel]),
        of(&[Ask::Reset]),
        letters(&[Ask::Retry]),
        letters(&[Ask::Clean]),
    ]
}

/// Two verbs, one after the other or at once, in a run of one chunk.
fn pair(first: Ask, second: Ask) -> Scenario {
    let asks = [first, second];
    let dead = asks.iter().any(|ask| matches!(ask, Ask::Retry | Ask::Clean));
    if dead { letters(&asks).one_chunk() } else { of(&asks).one_chunk() }
}
