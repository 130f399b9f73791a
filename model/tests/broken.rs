//! What is built wrong is found: each variant breaks one thing, and the search says what
//! comes of it. The same search of the protocol as it is meant finds nothing.

#![allow(clippy::panic)]

use pedidos_model::{Ask, Broken, Faults, Scenario, search};

const MOST: usize = 8_000_000;

#[track_caller]
fn caught(broken: Broken, scenario: Scenario, expected: &str) {
    let report = search(&scenario.clone().broken(broken), MOST);
    let Some((wrong, way)) = report.wrong else { panic!("{broken:?} was not caught") };
    println!("{broken:?}: {wrong}, after {} states:\n  {}", report.states, way.join("\n  "));
    assert_eq!(wrong, expected);
    let report = search(&scenario, MOST);
    assert_eq!(report.wrong, None, "the same search of what is meant");
}

const STALLS: Faults = Faults { stall: true, ..Faults::NONE };
const API_CRASHES: Faults = Faults { api_crash: true, ..Faults::NONE };
const COUNTED: &str = "I3: Redis counts what MongoDB does not have";
const FIGURES: &str = "I3: the figures of the end are not those of MongoDB";
const ABSENT: &str = "I6: an order went back to absent, and no reset asked for it";

#[test]
fn a_fence_outside_the_atomic_step_opens_too_early() {
    let scenario = Scenario::new().faults(1, STALLS);
    let early = "I1: NORMAL orders are claimable before every VIP order is terminal";
    caught(Broken::FenceInTwoSteps, scenario, early);
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
    caught(Broken::CancelDeletes, Scenario::new().ask(&[Ask::Cancel]).faults(1, STALLS), ABSENT);
}

#[test]
fn a_retry_that_clears_before_its_compare_and_set_leaves_orders_uncounted() {
    let scenario = Scenario::new().ask(&[Ask::Retry]).failures(1, 1).faults(1, API_CRASHES);
    caught(Broken::RetryClearsBefore, scenario, COUNTED);
}

#[test]
fn a_retry_that_clears_after_its_compare_and_set_is_overtaken_by_the_replay() {
    let scenario = Scenario::new().ask(&[Ask::Retry]).failures(1, 1).faults(1, API_CRASHES);
    caught(Broken::RetryClearsAfter, scenario, COUNTED);
}

#[test]
fn a_run_document_written_by_state_alone_is_active_again_after_done() {
    let scenario = Scenario::new().ask(&[Ask::Retry]).failures(1, 1).faults(1, STALLS);
    let changed = "a run document that showed the end was changed";
    caught(Broken::RunDocumentByState, scenario, changed);
}

#[test]
fn a_done_that_is_shown_before_it_is_saved_is_not_durable() {
    caught(Broken::DoneBeforeItIsSaved, Scenario::new(), "an end is shown that is not saved");
}

#[test]
fn a_sweep_by_missing_run_document_deletes_a_run_that_has_just_begun() {
    caught(Broken::SweepByMissingRun, Scenario::new().ask(&[Ask::Generate]), ABSENT);
}

#[test]
fn a_dead_letter_known_to_redis_only_is_counted_and_pending() {
    caught(Broken::DeadInRedisOnly, Scenario::new().failures(1, 1), COUNTED);
}

#[test]
fn a_save_that_is_not_handed_back_hangs_after_a_pause() {
    let scenario = Scenario::new().ask(&[Ask::Pause, Ask::Resume]);
    let stuck = "I5: it cannot come to rest from here";
    caught(Broken::SaveIsNotHandedBack, scenario, stuck);
}

#[test]
fn two_who_finish_one_cancel_with_marks_in_common_disagree_with_mongodb() {
    caught(Broken::FinishersShareMarks, Scenario::new().ask(&[Ask::Cancel]), FIGURES);
}

#[test]
fn an_attempt_alone_does_not_keep_the_marks_of_another_out_of_the_count() {
    caught(Broken::AttemptsDoNotStamp, Scenario::new().ask(&[Ask::Cancel]), FIGURES);
}

#[test]
fn an_end_computed_from_a_redis_behind_control_undoes_a_retry() {
    let scenario = Scenario::new().ask(&[Ask::Retry]).failures(1, 1);
    caught(Broken::SaveFromAnOlderRedis, scenario, FIGURES);
}

#[test]
fn an_order_counted_dead_without_a_look_may_be_processed() {
    caught(Broken::DeadUnseen, Scenario::new().failures(1, 1).faults(1, STALLS), COUNTED);
}

#[test]
fn a_stored_chunk_pushed_without_a_look_at_control_is_processed_after_a_cancel() {
    let kinds = Faults { roll_back: true, ..Faults::NONE };
    let scenario = Scenario::new().ask(&[Ask::Cancel]).one_chunk().faults(1, kinds);
    caught(Broken::StoredChunkIsPushedUnseen, scenario, FIGURES);
}
