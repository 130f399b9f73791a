//! The delete of a run, searched: as it is meant, and each part of it broken on purpose.

#![allow(clippy::panic)]

use pedidos_model::{
    BrokenDelete,
    DeleteCommand::{Delete, Other, Reopen, Start},
    Deletes, search,
};

const MOST: usize = 10_000_000;

#[track_caller]
fn clean(deletes: Deletes) {
    let report = search(&deletes, MOST);
    println!(
        "{:?}{}: {} states, {} steps, {:.1} s",
        deletes.commands,
        if deletes.imported { " of an import" } else { "" },
        report.states,
        report.steps,
        report.took.as_secs_f64()
    );
    if let Some((violation, way)) = report.violation {
        panic!("{deletes:?}: {violation}:\n  {}", way.join("\n  "));
    }
}

#[test]
fn a_run_is_deleted_or_retried_and_never_both() {
    clean(Deletes::of(&[Delete, Reopen, Other]).crashes(1).holds());
    clean(Deletes::of(&[Delete, Reopen, Other]).crashes(1).imported());
    clean(Deletes::of(&[Delete, Reopen, Reopen, Other]));
}

#[test]
fn two_deletes_of_a_run_come_to_one_end() {
    clean(Deletes::of(&[Delete, Delete, Reopen]).crashes(2));
    clean(Deletes::of(&[Delete, Delete, Reopen, Other]).imported());
}

#[test]
fn an_import_whose_run_is_deleted_is_not_started_again() {
    clean(Deletes::of(&[Delete, Start, Other]).imported().crashes(1));
    clean(Deletes::of(&[Delete, Start, Reopen, Other]).imported());
}

#[test]
fn what_a_frozen_worker_inserts_is_swept() {
    clean(Deletes::of(&[Delete, Reopen, Other]).late());
}

#[test]
fn a_read_that_is_behind_brings_no_deleted_run_back() {
    clean(Deletes::of(&[Delete, Reopen, Other]).stale().crashes(1));
    clean(Deletes::of(&[Delete, Start, Other]).imported().stale());
}

/// The search of this variant finds that; the same search of the protocol as it is finds nothing.
#[track_caller]
fn caught(broken: BrokenDelete, deletes: Deletes, expected: &str) {
    let report = search(&deletes.clone().broken(broken), MOST);
    let Some((violation, way)) = report.violation else { panic!("{broken:?} was not caught") };
    println!("{broken:?}: {violation}, {} states:\n  {}", report.states, way.join("\n  "));
    assert_eq!(violation, expected);
    assert_eq!(search(&deletes, MOST).violation, None, "the same search of what is meant");
}

const NAMED: &str = "I15: control names a run that is deleted";

fn both() -> Deletes {
    Deletes::of(&[Delete, Reopen, Other])
}

#[test]
fn a_delete_that_does_not_set_control_deletes_a_run_that_is_retried() {
    caught(BrokenDelete::ControlIsNotSet, both(), NAMED);
}

#[test]
fn a_delete_that_sets_control_before_its_mark_deletes_a_run_that_is_retried() {
    caught(BrokenDelete::ControlFirst, both(), NAMED);
}

#[test]
fn a_mark_of_the_same_version_is_taken_away_by_a_frozen_process() {
    caught(BrokenDelete::MarkKeepsVersion, both(), NAMED);
}

#[test]
fn a_retry_that_believes_a_read_that_is_behind_names_a_deleted_run() {
    caught(BrokenDelete::ReopenTrustsItsRead, both().stale(), NAMED);
}

#[test]
fn an_import_that_is_deleted_before_control_is_set_may_belong_to_a_retried_run() {
    caught(BrokenDelete::ImportFirst, both().imported(), NAMED);
}

#[test]
fn a_run_document_that_is_deleted_at_once_is_written_again() {
    caught(BrokenDelete::NoTombstone, both(), NAMED);
}

#[test]
fn a_start_that_does_not_see_a_marked_run_begins_it_again() {
    let imported = Deletes::of(&[Delete, Start, Other]).imported();
    let again = "I11: a run began again from its import";
    caught(BrokenDelete::StartSkipsMarked, imported, again);
}
