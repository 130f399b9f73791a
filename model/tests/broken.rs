//! Every variant that is broken on purpose is found, and the search names the violated invariant.
//! The same search of the correct protocol finds nothing.

#![allow(clippy::panic)]

use pedidos_model::{Broken, Command, Faults, Scenario, search};

const MOST: usize = 8_000_000;

#[track_caller]
fn caught(broken: Broken, scenario: Scenario, expected: &str) {
    let report = search(&scenario.clone().broken(broken), MOST);
    let Some((violation, way)) = report.violation else { panic!("{broken:?} was not caught") };
    println!("{broken:?}: {violation}, after {} states:\n  {}", report.states, way.join("\n  "));
    assert_eq!(violation, expected);
    let report = search(&scenario, MOST);
    assert_eq!(report.violation, None, "the same search of what is meant");
}

const STALLS: Faults = Faults { stall: true, ..Faults::NONE };
const API_CRASHES: Faults = Faults { api_crash: true, ..Faults::NONE };
const COUNTED: &str = "I3: Redis counts what MongoDB does not have";
const FIGURES: &str = "I3: the figures of the end are not those of MongoDB";
const ABSENT: &str = "I6: an order was deleted without a reset";

#[test]
fn a_fence_outside_the_atomic_step_opens_too_early() {
    let scenario = Scenario::new().faults(1, STALLS);
    let early = "I1: NORMAL orders are claimable before every VIP order is terminal";
    caught(Broken::FenceInTwoSteps, scenario, early);
}

/// Somebody deletes a list.
const LOSSES: Faults = Faults { lose: true, ..Faults::NONE };

#[test]
fn a_fence_that_goes_by_the_lists_opens_when_one_is_deleted() {
    let early = "I1: NORMAL orders are claimable before every VIP order is terminal";
    caught(Broken::FenceByLists, Scenario::new().faults(1, LOSSES), early);
}

#[test]
fn a_list_that_is_deleted_and_not_missed_holds_the_run_for_ever() {
    let stuck = "I5: no state at rest can be reached from here";
    caught(Broken::LossIsNotSeen, Scenario::new().faults(1, LOSSES), stuck);
}

#[test]
fn an_ack_without_a_token_counts_twice() {
    let scenario = Scenario::new().faults(1, STALLS);
    caught(Broken::AckWithoutToken, scenario, "I2: the ledger does not add up");
}

#[test]
fn a_token_that_is_a_counter_is_given_twice_by_a_redis_that_went_back() {
    let kinds = Faults { stall: true, roll_back: true, ..Faults::NONE };
    caught(Broken::TokenIsACounter, Scenario::new().faults(2, kinds), COUNTED);
}

#[test]
fn a_stale_generator_that_deletes_takes_orders_of_the_run_with_it() {
    caught(Broken::StaleGeneratorDeletes, Scenario::new().faults(1, STALLS), ABSENT);
}

#[test]
fn a_cancel_that_deletes_lets_an_order_be_absent_and_come_back() {
    caught(
        Broken::CancelDeletes,
        Scenario::new().commands(&[Command::Cancel]).faults(1, STALLS),
        ABSENT,
    );
}

#[test]
fn a_retry_that_clears_before_its_compare_and_set_leaves_orders_uncounted() {
    let scenario =
        Scenario::new().commands(&[Command::Retry]).failures(1, 1).faults(1, API_CRASHES);
    caught(Broken::RetryClearsBefore, scenario, COUNTED);
}

#[test]
fn a_retry_that_clears_after_its_compare_and_set_is_overtaken_by_the_replay() {
    let scenario =
        Scenario::new().commands(&[Command::Retry]).failures(1, 1).faults(1, API_CRASHES);
    caught(Broken::RetryClearsAfter, scenario, COUNTED);
}

#[test]
fn a_run_document_written_by_state_alone_is_active_again_after_done() {
    let scenario = Scenario::new().commands(&[Command::Retry]).failures(1, 1).faults(1, STALLS);
    let changed = "a run document that shows an end was changed";
    caught(Broken::RunDocumentByState, scenario, changed);
}

#[test]
fn a_done_that_is_shown_before_it_is_saved_is_not_durable() {
    caught(
        Broken::DoneBeforeItIsSaved,
        Scenario::new(),
        "Redis shows an end that control does not have",
    );
}

#[test]
fn a_sweep_by_missing_run_document_deletes_a_run_that_has_just_begun() {
    caught(Broken::SweepByMissingRun, Scenario::new().commands(&[Command::Generate]), ABSENT);
}

#[test]
fn a_dead_letter_known_to_redis_only_is_counted_and_pending() {
    caught(Broken::DeadInRedisOnly, Scenario::new().failures(1, 1), COUNTED);
}

#[test]
fn a_save_that_is_not_handed_back_hangs_after_a_pause() {
    let scenario = Scenario::new().commands(&[Command::Pause, Command::Resume]);
    let stuck = "I5: no state at rest can be reached from here";
    caught(Broken::SaveIsNotHandedBack, scenario, stuck);
}

#[test]
fn two_who_finish_one_cancel_with_marks_in_common_disagree_with_mongodb() {
    caught(Broken::FinishersShareMarks, Scenario::new().commands(&[Command::Cancel]), FIGURES);
}

#[test]
fn an_attempt_alone_does_not_keep_the_marks_of_another_out_of_the_count() {
    caught(Broken::AttemptsDoNotStamp, Scenario::new().commands(&[Command::Cancel]), FIGURES);
}

#[test]
fn a_successor_that_believes_the_progress_of_an_attempt_before_the_last_miscounts() {
    let scenario = Scenario::new().commands(&[Command::Cancel, Command::Cancel]).one_chunk();
    caught(Broken::ProgressOfAnyAttempt, scenario, FIGURES);
}

#[test]
fn an_end_that_names_one_attempt_for_all_pages_disowns_those_of_others() {
    let scenario = Scenario::new().commands(&[Command::Cancel]).one_chunk().faults(1, API_CRASHES);
    caught(Broken::OneStampForAllPages, scenario, FIGURES);
}

#[test]
fn a_retry_told_as_far_as_it_is_still_pending_leaves_processed_orders_dead() {
    let kinds = Faults { roll_back: true, ..Faults::NONE };
    let scenario = Scenario::new().commands(&[Command::Retry]).failures(1, 1).faults(1, kinds);
    caught(Broken::PatchOfWhatIsLeft, scenario, COUNTED);
}

#[test]
fn a_retry_of_a_run_that_goes_on_told_without_a_replay_takes_back_what_was_not_counted() {
    let scenario = Scenario::new().commands(&[Command::Retry]).failures(1, 1).faults(1, STALLS);
    caught(Broken::PatchOfARunThatGoesOn, scenario, "I2: the ledger does not add up");
}

#[test]
fn put_back_normal_orders_given_out_whatever_the_phase_pass_vip_orders() {
    let scenario = Scenario::new().commands(&[Command::Retry]).failures(2, 1);
    let fence_violated = "I1: a NORMAL order is claimed while a VIP order is open";
    caught(Broken::ClaimIgnoresTheFence, scenario, fence_violated);
}

#[test]
fn a_command_whose_answer_was_lost_must_look_for_its_own_change() {
    let kinds = Faults { lost_answer: true, ..Faults::NONE };
    let scenario = Scenario::new().commands(&[Command::Pause, Command::Resume]).faults(1, kinds);
    let nobody = "a command was answered as accepted, but no process carries it out";
    caught(Broken::LostAnswerByVersion, scenario, nobody);
}

#[test]
fn an_end_computed_from_a_redis_behind_control_undoes_a_retry() {
    let scenario = Scenario::new().commands(&[Command::Retry]).failures(1, 1);
    caught(Broken::SaveFromAnOlderRedis, scenario, FIGURES);
}

#[test]
fn an_order_counted_dead_without_a_look_may_be_processed() {
    caught(Broken::DeadUnseen, Scenario::new().failures(1, 1).faults(1, STALLS), COUNTED);
}

#[test]
fn a_stored_chunk_pushed_without_a_look_at_control_is_processed_after_a_cancel() {
    let kinds = Faults { roll_back: true, ..Faults::NONE };
    let scenario = Scenario::new().commands(&[Command::Cancel]).one_chunk().faults(1, kinds);
    caught(Broken::StoredChunkIsPushedUnseen, scenario, FIGURES);
}
