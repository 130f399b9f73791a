//! What slows a run down or holds it, in words: its processor, limits, a pause, dead VIP orders.

use pedidos_api_types::{
    flow::{BreakerState, HeldOrder, Limits, OnVipFailure, PausedBy, ProcessorState},
    status::Status,
};
use pedidos_core::{
    control::RunOptions,
    run::{Ledger, Phase},
    text::{count, one_line},
};

use crate::figure::clock;

/// For a summary: a line for each, and what can be done.
pub fn lines(status: &Status) -> Vec<String> {
    let mut lines = processor(status);
    lines.extend(options(status));
    lines.extend(limits(&status.limits).map(|limits| format!("limits: {limits}")));
    if is_canary(status) {
        let after = status.pause_after.map_or_else(String::new, |n| format!(" {}", count(n)));
        lines.push(format!(
            "paused by --pause-after{after}: look at the orders,\n  then `pedidos resume` or `pedidos \
             cancel`"
        ));
    }
    if let Some(dead) = dead_that_hold(status) {
        lines.push(format!(
            "dead VIP orders hold the fence: {} (--on-vip-failure hold)\n  `pedidos retry-failed` \
             retries them; to let the run go on:\n  `pedidos change --on-vip-failure continue`",
            count(dead)
        ));
    }
    lines
}

/// For a line of progress: a word or two for each that holds the run now.
pub fn words(status: &Status) -> Vec<String> {
    let mut words = Vec::new();
    if is_canary(status) {
        words.push("PAUSED by --pause-after".to_owned());
    } else if status.paused {
        words.push("PAUSED".to_owned());
    }
    if let Some(dead) = dead_that_hold(status) {
        words.push(format!("HELD by {} dead VIP", count(dead)));
    }
    let ProcessorState { name, state, .. } = &status.processor;
    let name = one_line(name);
    match state {
        BreakerState::None if lacks_worker(status) => words.push(format!("no worker has {name}")),
        BreakerState::Open => words.push(format!("{name} at fault")),
        BreakerState::HalfOpen => words.push(format!("{name} is tried")),
        BreakerState::None | BreakerState::Closed => {}
    }
    words.extend(limits(&status.limits).map(|limits| format!("limit {limits}")));
    words
}

/// The last fault of a processor that takes no calls.
pub fn fault(status: &Status) -> Option<String> {
    let ProcessorState { state, last_error, .. } = &status.processor;
    let is_open = matches!(state, BreakerState::Open | BreakerState::HalfOpen);
    last_error.as_deref().filter(|_| is_open).map(one_line)
}

/// Has the run a processor that no worker has?
pub fn lacks_worker(status: &Status) -> bool {
    is_named(status)
        && status.processor.state == BreakerState::None
        && Phase::from(status.phase).is_active()
}

/// Has the run a processor of somebody's own? An older API names none.
pub fn is_named(status: &Status) -> bool {
    let name = &status.processor.name;
    !name.is_empty() && name != RunOptions::BUILTIN_NAME
}

/// The order that only a person can end, unless its processor is mended.
pub fn held_order(HeldOrder { id, since, error }: &HeldOrder) -> String {
    let (id, since, error) = (one_line(id), one_line(since), one_line(error));
    format!(
        "order {id} holds the run up since {}: {error}\n  mend its processor, or end the order: \
         `pedidos fail {id}`",
        clock(Some(&since))
    )
}

fn processor(status: &Status) -> Vec<String> {
    let ProcessorState { name, state, since, workers, .. } = &status.processor;
    if name.is_empty() {
        return Vec::new();
    }
    let name = one_line(name);
    if !Phase::from(status.phase).is_active() {
        return vec![format!("processor: {name}")];
    }
    if !is_named(status) {
        return vec![format!("processor: {name} · workers: {workers}")];
    }
    let since = || {
        let since = since.as_deref().map(one_line);
        since.map_or_else(String::new, |since| format!(" since {}", clock(Some(&since))))
    };
    let breaker = match state {
        BreakerState::None => {
            return vec![
                format!("processor: {name} · no worker has it"),
                format!("  start one with PROCESSOR_NAME={name} and PROCESSOR_URL"),
            ];
        }
        BreakerState::Closed => "closed".to_owned(),
        BreakerState::Open => format!("open{}", since()),
        BreakerState::HalfOpen => format!("half-open{}", since()),
    };
    let mut lines = vec![format!("processor: {name} · breaker {breaker} · workers: {workers}")];
    lines.extend(fault(status).map(|fault| format!("  last fault: {fault}")));
    lines
}

/// What the start said of the run, but for its processor; none: nothing.
fn options(status: &Status) -> Option<String> {
    let pause_after = status.pause_after.map(|n| format!("pause after {}", count(n)));
    let percent = status.max_failed_percent;
    let percent = percent.map(|percent| format!("stop above {percent} % failed"));
    let hold = status.on_vip_failure == OnVipFailure::Hold;
    let hold = hold.then(|| "hold on a dead VIP".to_owned());
    let options: Vec<_> = [pause_after, percent, hold].into_iter().flatten().collect();
    (!options.is_empty()).then(|| format!("options: {}", options.join(" · ")))
}

/// None: there are no limits.
fn limits(limits: &Limits) -> Option<String> {
    let rate = limits.orders_per_second.map(|rate| format!("{}/s", count(rate)));
    let in_flight = limits.max_in_flight.map(|most| format!("{} in flight", count(most)));
    let limits: Vec<_> = [rate, in_flight].into_iter().flatten().collect();
    (!limits.is_empty()).then(|| limits.join(", "))
}

fn is_canary(status: &Status) -> bool {
    status.paused && status.paused_by == Some(PausedBy::PauseAfter)
}

/// How many dead VIP orders keep the fence shut; none: they do not.
fn dead_that_hold(status: &Status) -> Option<u64> {
    let vip = Ledger::from(status.ledger.vip.clone());
    let waits = Phase::from(status.phase) == Phase::WaitingVipDrain && vip.open() == 0;
    (waits && status.on_vip_failure == OnVipFailure::Hold && vip.dead > 0).then_some(vip.dead)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    fn with(state: BreakerState) -> Status {
        let mut status = samples::draining();
        status.processor = ProcessorState {
            name: "refunds".to_owned(),
            state,
            since: Some("2026-03-01T12:00:20.456Z".to_owned()),
            last_error: Some("503 Service Unavailable\u{1b}[2J".to_owned()),
            workers: 2,
        };
        status
    }

    #[test]
    fn an_older_api_and_a_run_without_options_add_nothing() {
        let status = samples::draining();
        assert_eq!(lines(&status), [""; 0]);
        assert_eq!(words(&status), [""; 0]);
        assert!(!is_named(&status) && !lacks_worker(&status));
    }

    #[test]
    fn the_built_in_processor_has_no_breaker() {
        let mut status = with(BreakerState::Closed);
        status.processor.name = "builtin".to_owned();
        assert_eq!(lines(&status), ["processor: builtin · workers: 2"]);
    }

    #[test]
    fn a_processor_is_told_with_its_breaker_and_its_fault() {
        assert_eq!(
            lines(&with(BreakerState::Closed)),
            ["processor: refunds · breaker closed · workers: 2"]
        );
        for (state, name, word) in [
            (BreakerState::Open, "open", "refunds at fault"),
            (BreakerState::HalfOpen, "half-open", "refunds is tried"),
        ] {
            let status = with(state);
            assert_eq!(
                lines(&status),
                [
                    format!("processor: refunds · breaker {name} since 12:00:20.456 · workers: 2")
                        .as_str(),
                    "  last fault: 503 Service Unavailable\u{fffd}[2J",
                ]
            );
            assert_eq!(words(&status), [word]);
            assert!(fault(&status).is_some());
        }
        assert_eq!(fault(&with(BreakerState::Closed)), None);
    }

    #[test]
    fn a_processor_that_no_worker_has_is_told_with_what_to_do() {
        let mut status = with(BreakerState::None);
        assert_eq!(
            lines(&status),
            [
                "processor: refunds · no worker has it",
                "  start one with PROCESSOR_NAME=refunds and PROCESSOR_URL"
            ]
        );
        assert_eq!(words(&status), ["no worker has refunds"]);
        // Nobody needs it any more.
        status.phase = pedidos_api_types::status::Phase::Done;
        assert_eq!(lines(&status), ["processor: refunds"]);
        assert_eq!(words(&status), [""; 0]);
    }

    #[test]
    fn limits_and_options_are_told_if_there_are_any() {
        let mut status = samples::draining();
        status.limits = Limits { orders_per_second: Some(1_500), max_in_flight: Some(20) };
        (status.pause_after, status.max_failed_percent) = (Some(1_000), Some(5));
        status.on_vip_failure = OnVipFailure::Hold;
        assert_eq!(
            lines(&status),
            [
                "options: pause after 1,000 · stop above 5 % failed · hold on a dead VIP",
                "limits: 1,500/s, 20 in flight"
            ]
        );
        assert_eq!(words(&status), ["limit 1,500/s, 20 in flight"]);
        status.limits.orders_per_second = None;
        assert_eq!(words(&status), ["limit 20 in flight"]);
    }

    #[test]
    fn who_has_paused_is_told() {
        let mut status = samples::draining();
        (status.paused, status.paused_by) = (true, Some(PausedBy::Person));
        assert_eq!((words(&status), lines(&status).len()), (vec!["PAUSED".to_owned()], 0));
        (status.paused_by, status.pause_after) = (Some(PausedBy::PauseAfter), Some(1_000));
        assert_eq!(words(&status), ["PAUSED by --pause-after"]);
        let lines = lines(&status);
        assert!(lines.iter().any(|line| line.starts_with("paused by --pause-after 1,000")));
    }

    #[test]
    fn dead_vip_orders_hold_the_fence_once_no_other_vip_order_is_open() {
        let mut status = samples::draining();
        status.on_vip_failure = OnVipFailure::Hold;
        assert_eq!(words(&status), [""; 0], "VIP orders wait");
        let vip = &mut status.ledger.vip;
        vip.processed += vip.waiting + vip.leased;
        (vip.waiting, vip.leased) = (0, 0);
        assert_eq!(words(&status), ["HELD by 10 dead VIP"]);
        let text = lines(&status).join("\n");
        assert!(text.contains("pedidos change --on-vip-failure continue"), "{text}");
        status.on_vip_failure = OnVipFailure::Continue;
        assert_eq!(words(&status), [""; 0]);
    }

    #[test]
    fn an_order_that_holds_the_run_up_is_told_with_the_command_that_ends_it() {
        let held = HeldOrder {
            id: "0199-ab".to_owned(),
            since: "2026-03-01T12:00:20.456Z".to_owned(),
            error: "timeout".to_owned(),
        };
        assert_eq!(
            held_order(&held),
            "order 0199-ab holds the run up since 12:00:20.456: timeout\n  mend its processor, or \
             end the order: `pedidos fail 0199-ab`"
        );
    }
}
