//! Calls of a processor, hold and `pauseAfter`: the protocol as it is meant, and each part of
//! it broken on purpose. Larger searches are ignored by default.

#![allow(clippy::panic)]

use pedidos_model::{
    BrokenCall,
    CallCommand::{self, Clean, Fail, Lift, Pause, PauseAfter, Resume, Retry},
    CallFaults, Calls,
    OrderKind::{Asks, Faults, Fine, Moody, Refused},
    search,
};

const MOST: usize = 30_000_000;

#[track_caller]
fn clean(what: &str, calls: Calls) {
    let report = search(&calls, MOST);
    println!(
        "{what} {:?} {:?}, {} faults, {} outages: {} states, {} steps, {:.1} s",
        calls.orders,
        calls.commands,
        calls.faults,
        calls.outages,
        report.states,
        report.steps,
        report.took.as_secs_f64()
    );
    if let Some((violation, way)) = report.violation {
        panic!("{calls:?}: {violation}:\n  {}", way.join("\n  "));
    }
}

fn any(faults: u8, calls: Calls) -> Calls {
    calls.faults(faults, CallFaults::ALL)
}

#[test]
fn every_order_is_called_and_counted_once() {
    clean("calls", any(2, Calls::of(&[Fine, Moody], &[Fine]).attempts(2)));
    clean("calls", any(1, Calls::of(&[Fine, Refused, Moody], &[Fine]).batch(2).attempts(2)));
    clean("old", any(2, Calls::of(&[Fine], &[Fine]).old_worker()));
}

#[test]
fn an_outage_spends_no_attempt_and_opens_no_fence() {
    // Of one attempt, so that to spend it is to make a dead letter; then of two.
    clean("outage", any(1, Calls::of(&[Fine, Fine], &[Fine]).outages(1)));
    clean("outage", any(1, Calls::of(&[Fine, Fine], &[Fine]).attempts(2).outages(1)));
    clean("outage", any(0, Calls::of(&[Fine, Fine], &[Fine]).batch(2).outages(1)));
    clean("outages", any(0, Calls::of(&[Fine, Fine], &[Fine]).attempts(2).outages(2)));
}

#[test]
fn one_poison_order_is_blamed_alone() {
    for poison in [Asks, Faults] {
        clean("poison", any(0, Calls::of(&[poison, Fine, Fine], &[]).batch(2).outages(1)));
        clean("poison", any(1, Calls::of(&[poison, Fine], &[Fine]).outages(0)));
        clean("poison", any(0, Calls::of(&[poison, Fine], &[Fine]).attempts(2)));
    }
}

#[test]
fn one_poison_order_is_found_among_good_ones() {
    // Each fails alone, another one is sent and succeeds, and it fails again.
    for calls in [
        Calls::of(&[Asks, Fine], &[Fine]),
        Calls::of(&[Faults, Fine], &[Fine]),
        Calls::of(&[Faults, Fine, Fine], &[]).batch(2),
        Calls::of(&[Faults, Fine, Fine], &[]).attempts(2),
    ] {
        let found = search(&calls.wanted(1), MOST).violation;
        assert_eq!(found.map(|(what, _)| what), Some("found what is wanted"));
    }
}

#[test]
fn an_order_that_is_told_retry_for_long_enough_is_given_up() {
    clean("asked", any(2, Calls::of(&[Asks], &[Fine]).attempts(2).gives_up().commands(&[Retry])));
    clean("asked", any(1, Calls::of(&[Asks, Fine], &[]).gives_up().outages(1)));
}

#[test]
fn a_retry_is_not_buried_by_a_verdict_from_before() {
    clean("retry", any(2, Calls::of(&[Refused], &[Fine]).commands(&[Retry])));
    clean("retry", any(1, Calls::of(&[Refused], &[Fine]).commands(&[Retry, Retry])));
    clean("retry", any(1, Calls::of(&[Moody, Fine], &[]).batch(2).commands(&[Retry])));
    clean("retry", any(1, Calls::of(&[Moody, Fine], &[]).attempts(2).commands(&[Retry])));
}

#[test]
fn a_person_ends_an_order_that_nobody_can_process() {
    clean("fail", any(1, Calls::of(&[Faults], &[Fine]).commands(&[Fail(0)])));
    clean("fail", any(1, Calls::of(&[Fine], &[Fine]).commands(&[Fail(0)]).outages(1)));
}

#[test]
fn a_hold_is_kept_until_a_person_ends_it() {
    for command in [Retry, Clean, Lift] {
        let held = Calls::of(&[Refused], &[Fine]).hold();
        clean("hold", any(2, held.commands(&[command])));
    }
    for commands in [[Retry, Lift], [Clean, Lift], [Retry, Clean]] {
        clean("hold", any(1, Calls::of(&[Refused, Fine], &[Fine]).hold().commands(&commands)));
    }
    clean("hold", any(1, Calls::of(&[Refused], &[Fine]).hold().outages(1).commands(&[Lift])));
}

fn canary(commands: &[CallCommand]) -> Calls {
    Calls::of(&[Fine], &[Fine, Fine]).pause_after(1).commands(commands)
}

#[test]
fn a_canary_pauses_once_and_is_resumed_once() {
    clean("canary", any(2, canary(&[Resume])));
    clean("canary", any(2, canary(&[Pause, Resume])));
    clean("canary", any(2, canary(&[PauseAfter(2), Resume])));
    clean("canary", any(2, Calls::of(&[Fine; 4], &[]).pause_after(2)));
    clean("canary", any(1, Calls::of(&[Fine; 4], &[]).batch(2).pause_after(3)));
    clean("canary", any(2, Calls::of(&[Moody, Fine], &[Fine]).attempts(2).pause_after(1)));
    clean("canary", any(1, Calls::of(&[Refused, Fine], &[Fine]).pause_after(1).commands(&[Retry])));
    let both = Calls::of(&[Refused, Fine], &[Fine]).hold().pause_after(1);
    clean("both", any(1, both.commands(&[Resume, Lift])));
}

/// The search of this variant finds that; the same search of the protocol as it is finds nothing.
#[track_caller]
fn caught(broken: BrokenCall, calls: Calls, expected: &str) {
    let report = search(&calls.clone().broken(broken), MOST);
    let Some((violation, way)) = report.violation else { panic!("{broken:?} was not caught") };
    println!("{broken:?}: {violation}, {} states:\n  {}", report.states, way.join("\n  "));
    assert_eq!(violation, expected);
    assert_eq!(search(&calls, MOST).violation, None, "the same search of what is meant");
}

const STALLS: CallFaults = CallFaults { stall: true, ..CallFaults::NONE };
const LOST_ANSWERS: CallFaults = CallFaults { lost_answer: true, ..CallFaults::NONE };
const EMPTIED: CallFaults = CallFaults { empty: true, ..CallFaults::NONE };

const UNFAIR: &str = "I13: an order is a dead letter, and no answer since says so";
const AT_FAULT: &str = "I13: a processor at fault made a dead letter";
const NOT_COST: &str = "I13: an attempt is counted that no answer has cost";
const HELD: &str = "`hold`: NORMAL orders are claimable while a VIP order is dead";
const TOO_MANY: &str = "`pauseAfter`: more orders were leased";

#[test]
fn a_verdict_without_a_filter_buries_an_order_that_a_person_put_back() {
    let calls = Calls::of(&[Refused], &[Fine]).commands(&[Retry]).faults(1, STALLS);
    caught(BrokenCall::VerdictUnfiltered, calls.clone(), UNFAIR);
    caught(BrokenCall::VerdictWithoutRetriedAt, calls, UNFAIR);
}

#[test]
fn a_verdict_that_ignores_attempts_takes_one_back() {
    let calls = Calls::of(&[Asks, Fine], &[]).batch(2).attempts(2).faults(1, STALLS);
    let back = "I13: a verdict from before takes an attempt back";
    caught(BrokenCall::VerdictWithoutAttempts, calls, back);
}

#[test]
fn an_ack_before_the_document_counts_what_is_not_there() {
    let counted = "I3: Redis counts what MongoDB does not have";
    caught(BrokenCall::AckBeforeWrite, Calls::of(&[Fine], &[Fine]), counted);
}

#[test]
fn documents_that_are_not_looked_at_are_sent_again() {
    let calls = Calls::of(&[Fine], &[Fine]).faults(1, STALLS);
    let again = "I12: an order is sent that was terminal when it was loaded";
    caught(BrokenCall::SendsWhatIsTerminal, calls, again);
}

#[test]
fn a_lost_answer_taken_as_too_late_spends_an_attempt_twice() {
    let calls = Calls::of(&[Asks, Fine], &[]).batch(2).attempts(3).faults(1, LOST_ANSWERS);
    caught(BrokenCall::LostAnswerIsTooLate, calls, NOT_COST);
}

#[test]
fn a_retry_by_name_whose_answer_was_lost_counts_twice() {
    let calls = Calls::of(&[Asks], &[]).attempts(2).gives_up().faults(1, LOST_ANSWERS);
    caught(BrokenCall::AskedTwice, calls, UNFAIR);
}

#[test]
fn an_order_put_back_with_what_it_asked_is_given_up_at_once() {
    let calls = Calls::of(&[Asks], &[]).attempts(2).gives_up().commands(&[Retry]);
    caught(BrokenCall::AskedIsKept, calls, UNFAIR);
}

#[test]
fn a_fault_that_spends_an_attempt_makes_a_dead_letter_of_an_outage() {
    let calls = Calls::of(&[Fine], &[Fine]).outages(1);
    caught(BrokenCall::FaultSpends, calls.clone(), AT_FAULT);
    caught(BrokenCall::RetrySpends, calls, AT_FAULT);
}

#[test]
fn a_success_from_before_an_outage_does_not_vouch_in_it() {
    let calls = Calls::of(&[Fine, Fine], &[Fine]).attempts(2).outages(1);
    caught(BrokenCall::VouchedByTheLastMinute, calls.clone(), AT_FAULT);
    caught(BrokenCall::VouchedByTheAck, Calls { attempts: 1, ..calls }, AT_FAULT);
}

#[test]
fn a_call_of_several_that_faulted_says_nothing_of_one() {
    let calls = Calls::of(&[Faults, Fine, Fine], &[]).batch(2).outages(1);
    caught(BrokenCall::BatchFaultIsHeldAgainstAll, calls, AT_FAULT);
}

#[test]
fn an_order_that_is_given_up_does_not_vouch() {
    let calls = Calls::of(&[Asks, Fine], &[]).gives_up().outages(1);
    caught(BrokenCall::ExhaustionVouches, calls, AT_FAULT);
}

#[test]
fn a_worker_that_knows_no_processors_drains_without_a_call() {
    let calls = Calls::of(&[Fine], &[Fine]).old_worker();
    let never = "I12: an order is processed that the receiver never served";
    caught(BrokenCall::FormatIsNotChecked, calls, never);
}

#[test]
fn a_normal_order_given_out_before_the_fence_opens_is_sent_too_early() {
    let early = "I12: a NORMAL order is sent before every VIP order is terminal";
    caught(BrokenCall::ClaimIgnoresTheFence, Calls::of(&[Fine], &[Fine]), early);
}

#[test]
fn a_hold_that_the_fence_does_not_ask_for_or_redis_forgets_is_none() {
    let calls = Calls::of(&[Refused], &[Fine]).hold();
    caught(BrokenCall::FenceIgnoresTheHold, calls.clone(), HELD);
    caught(BrokenCall::HoldInRedisAlone, calls.faults(1, EMPTIED), HELD);
}

#[test]
fn a_hold_that_is_lifted_opens_the_fence_at_once() {
    let calls = Calls::of(&[Refused], &[Fine]).hold().commands(&[Lift]);
    let stuck = "I5: no state at rest can be reached from here";
    caught(BrokenCall::AdoptDoesNotAdvance, calls, stuck);
}

#[test]
fn a_canary_that_redis_forgets_or_counts_short_lets_more_pass() {
    caught(BrokenCall::CanaryInRedisAlone, canary(&[]).faults(1, EMPTIED), TOO_MANY);
    caught(BrokenCall::CanaryCountsTerminalAlone, canary_of_vip(), TOO_MANY);
    caught(BrokenCall::ResumeForgetsTheCanary, canary(&[Pause, Resume]), TOO_MANY);
}

fn canary_of_vip() -> Calls {
    Calls::of(&[Fine, Fine], &[]).pause_after(1)
}

#[test]
fn a_canary_goes_by_control() {
    let replaced = "the pause of a person was replaced";
    caught(BrokenCall::CanaryReplacesThePause, canary(&[Pause]), replaced);
    let early = "a run was paused before its number of orders was done";
    caught(BrokenCall::CanaryTrustsRedis, canary(&[PauseAfter(2)]), early);
    let retried = Calls::of(&[Refused, Fine], &[]).pause_after(1).commands(&[Retry]);
    caught(BrokenCall::CanaryTrustsRedis, retried, early);
    let again = "a run was paused again that a person had resumed";
    caught(BrokenCall::ResumeKeepsTheCanary, canary(&[Resume]), again);
}

#[test]
#[ignore = "80 seconds, 0.3 GiB"]
fn every_search_of_calls_is_clean_with_more_of_everything() {
    clean("outage", any(1, Calls::of(&[Fine, Fine], &[Fine, Fine]).outages(1)));
    clean("outage", any(1, Calls::of(&[Fine, Fine], &[Fine]).batch(2).outages(1)));
    clean("outage", any(2, Calls::of(&[Fine, Fine], &[Fine]).outages(1)));
    for poison in [Asks, Faults] {
        clean("poison", any(1, Calls::of(&[poison, Fine], &[Fine]).batch(2).outages(1)));
        clean("poison", any(1, Calls::of(&[poison, Fine], &[Fine]).attempts(2).outages(1)));
    }
    clean("retry", any(2, Calls::of(&[Refused, Fine], &[Fine]).commands(&[Retry, Retry])));
    for commands in [[Retry, Lift], [Clean, Lift], [Retry, Clean]] {
        clean("hold", any(2, Calls::of(&[Refused, Fine], &[Fine]).hold().commands(&commands)));
    }
    clean("canary", any(2, canary(&[Pause, Resume, PauseAfter(2)])));
    let both = Calls::of(&[Refused, Fine], &[Fine]).hold().pause_after(1);
    clean("both", any(2, both.commands(&[Resume, Retry, Lift])));
}
