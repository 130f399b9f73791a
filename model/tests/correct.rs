//! The correct protocol: for every command the search finishes and finds nothing. Larger sizes
//! and more commands are ignored by default: run them with `cargo test --release -- --ignored
//! --test-threads=1`. Each says how much memory it takes.

#![allow(clippy::panic)]

use pedidos_model::{Command, Faults, Scenario, search};

/// Some 3.5 GiB. The largest search here has 20 million states.
const MOST: usize = 30_000_000;

/// All kinds but two masters, which alone makes a search ten times as large.
const ONE_MASTER: Faults = Faults { split: false, ..Faults::ALL };

#[track_caller]
fn clean(scenario: Scenario) {
    let report = search(&scenario, MOST);
    println!(
        "{:?}, {} chunks, {} workers, {} faults{}: {} states, {} steps, {:.1} s",
        scenario.commands,
        scenario.chunks,
        scenario.workers,
        scenario.faults,
        if scenario.kinds.split { "" } else { " of one master" },
        report.states,
        report.steps,
        report.took.as_secs_f64()
    );
    if let Some((violation, way)) = report.violation {
        panic!("{:?}: {violation}:\n  {}", scenario.commands, way.join("\n  "));
    }
}

/// These commands, and two faults of any kind.
fn of(commands: &[Command]) -> Scenario {
    Scenario::new().commands(commands).faults(2, Faults::ALL)
}

/// Dead letters exist only if MongoDB refuses an update.
fn letters(commands: &[Command]) -> Scenario {
    of(commands).failures(1, 1)
}

/// Two generates, and no run before them.
fn generates() -> Scenario {
    Scenario { accepted: false, ..of(&[Command::Generate, Command::Generate]) }
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
    clean(of(&[Command::Pause, Command::Resume]).one_chunk());
}

#[test]
fn a_cancel_counts_what_it_marks() {
    clean(Scenario { faults: 1, ..of(&[Command::Cancel]).one_chunk() });
}

#[test]
fn a_reset_leaves_nothing() {
    clean(of(&[Command::Reset]).one_chunk());
}

#[test]
fn a_retry_is_not_undone() {
    clean(letters(&[Command::Retry]).one_chunk());
}

#[test]
fn a_clean_is_not_undone() {
    clean(letters(&[Command::Clean]).one_chunk());
}

#[test]
fn every_command_is_clean_in_the_middle_of_chunks() {
    for scenario in in_the_middle_of_chunks() {
        clean(Scenario { faults: 1, ..scenario });
    }
}

#[test]
fn a_list_that_is_deleted_is_missed_whatever_else_happens() {
    let kinds = Faults { lose: true, ..ONE_MASTER };
    for scenario in
        [of(&[]), of(&[Command::Cancel]).one_chunk(), letters(&[Command::Retry]).one_chunk()]
    {
        clean(scenario.faults(2, kinds));
    }
}

#[test]
fn a_new_run_is_clean_after_whatever_it_replaces() {
    for first in [Command::Cancel, Command::Reset, Command::Retry, Command::Clean] {
        clean(pair(first, Command::Generate).faults(1, ONE_MASTER));
    }
}

#[test]
fn of_two_cancels_both_may_finish_it() {
    // A worker may take a cancel over at any moment without a fault.
    clean(pair(Command::Cancel, Command::Cancel).faults(0, ONE_MASTER));
}

#[test]
#[ignore = "6 minutes, 2 GiB"]
fn every_command_is_clean_in_the_middle_of_chunks_with_two_faults() {
    // A cancel of two pages is too large, because it may be handed over at any moment.
    let others = in_the_middle_of_chunks().into_iter();
    others.filter(|scenario| scenario.commands != [Command::Cancel]).for_each(clean);
}

#[test]
#[ignore = "10 minutes, 1.2 GiB"]
fn any_two_commands_that_meet_are_clean() {
    let commands = [
        Command::Generate,
        Command::Pause,
        Command::Resume,
        Command::Cancel,
        Command::Reset,
        Command::Retry,
        Command::Clean,
    ];
    for first in commands {
        for second in commands {
            clean(pair(first, second).faults(1, Faults::ALL));
        }
    }
}

#[test]
#[ignore = "4 minutes, 1 GiB"]
fn a_new_run_is_clean_with_two_faults() {
    for first in [Command::Cancel, Command::Reset, Command::Retry, Command::Clean] {
        clean(pair(first, Command::Generate).faults(2, ONE_MASTER));
    }
}

#[test]
#[ignore = "a minute, 0.7 GiB"]
fn every_command_is_clean_with_three_workers() {
    for scenario in in_the_middle_of_chunks() {
        clean(three_workers(Scenario { faults: 1, ..scenario }));
    }
}

fn in_the_middle_of_chunks() -> [Scenario; 6] {
    [
        generates(),
        of(&[Command::Pause, Command::Resume]),
        of(&[Command::Cancel]),
        of(&[Command::Reset]),
        letters(&[Command::Retry]),
        letters(&[Command::Clean]),
    ]
}

/// Two commands, one after the other or at once, in a run of one chunk.
fn pair(first: Command, second: Command) -> Scenario {
    let commands = [first, second];
    let dead = commands.iter().any(|command| matches!(command, Command::Retry | Command::Clean));
    if dead { letters(&commands).one_chunk() } else { of(&commands).one_chunk() }
}
