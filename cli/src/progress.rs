//! The progress of a run: a bar on a terminal, plain lines elsewhere, nothing for a program.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use pedidos_api_types::status::Status;
use pedidos_core::{
    run::{Ledger, Phase},
    text::count,
};

use crate::{
    bar::Bar,
    figure::{about, duration, rate},
    holds, output,
};

/// The interval of the plain lines while the phase stays the same.
const LINE_EVERY: Duration = Duration::from_secs(5);
/// A rate is an average over this long.
const RATE_WINDOW: Duration = Duration::from_secs(5);

/// The counts of the last seconds: when, generated, processed.
#[derive(Debug, Default)]
pub struct Rates {
    samples: VecDeque<(Instant, u64, u64)>,
}

impl Rates {
    pub fn add(&mut self, now: Instant, status: &Status) {
        let (generated, processed) = (status.progress.generated, status.progress.processed_total);
        // After a replay the counts start again at 0.
        if self.samples.back().is_some_and(|last| last.1 > generated || last.2 > processed) {
            self.samples.clear();
        }
        self.samples.push_back((now, generated, processed));
        while self.samples.len() > 2 && now.duration_since(self.samples[1].0) >= RATE_WINDOW {
            self.samples.pop_front();
        }
    }

    /// Orders generated and processed per second; `None` in the first second.
    fn per_second(&self) -> Option<(f64, f64)> {
        let (first, last) = (self.samples.front()?, self.samples.back()?);
        let seconds = last.0.duration_since(first.0).as_secs_f64();
        let speed = |from: u64, to: u64| (to - from) as f64 / seconds;
        (seconds >= 0.9).then(|| (speed(first.1, last.1), speed(first.2, last.2)))
    }
}

/// What the last plain line was about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    Phase(Phase),
    Trouble,
}

impl Topic {
    /// A run alternates between the first two phases with every chunk: in a log they are one.
    fn of(phase: Phase) -> Self {
        Self::Phase(if phase == Phase::EnqueueVip { Phase::Generating } else { phase })
    }
}

#[derive(Debug)]
pub enum View {
    Bar(Bar),
    /// A line at each change of phase, and every few seconds.
    Lines(Option<(Topic, Instant)>),
    Nothing,
}

impl View {
    pub fn new() -> Self {
        if output::is_json() {
            return Self::Nothing;
        }
        if !output::is_watched() {
            return Self::Lines(None);
        }
        let bar = Bar::new();
        bar.say("waiting for the first answer");
        Self::Bar(bar)
    }

    pub fn show(&mut self, status: &Status, rates: &Rates) {
        match self {
            Self::Bar(bar) => {
                let target = status.progress.target;
                bar.draw(terminal(status), target, how_far(status), what(status, rates));
            }
            Self::Lines(last) => {
                if is_due(last, Topic::of(status.phase.into()), Instant::now()) {
                    let (elapsed, percent) =
                        (duration(status.wall_clock_ms), status.eta.progress_percent);
                    let what = what(status, rates);
                    output::note(&format!("{elapsed:>7} {percent:5.1} % {what}"));
                }
            }
            Self::Nothing => {}
        }
    }

    /// Shows that the API does not answer, and for how long.
    pub fn trouble(&mut self, failure: &dyn std::fmt::Display, since: Duration) {
        // The mistakes of a problem have lines of their own, which have no room here.
        let failure = failure.to_string();
        let failure = failure.lines().next().unwrap_or_default();
        let text = format!("still trying after {}s: {failure}", since.as_secs());
        match self {
            Self::Bar(bar) => bar.say(&text),
            Self::Lines(last) => {
                if is_due(last, Topic::Trouble, Instant::now()) {
                    output::note(&text);
                }
            }
            Self::Nothing => {}
        }
    }

    /// Ends the bar, for what follows.
    pub fn end(&self) {
        if let Self::Bar(bar) = self {
            bar.end();
        }
    }
}

/// Is it time for a line? If so, the caller prints it.
fn is_due(last: &mut Option<(Topic, Instant)>, topic: Topic, now: Instant) -> bool {
    let due = last.is_none_or(|(before, at)| {
        before != topic || now.saturating_duration_since(at) >= LINE_EVERY
    });
    if due {
        *last = Some((topic, now));
    }
    due
}

/// Orders that have reached their last state.
fn terminal(status: &Status) -> u64 {
    let ledgers = [status.ledger.vip.clone(), status.ledger.normal.clone()];
    ledgers.map(|ledger| Ledger::from(ledger).terminal()).iter().sum()
}

/// `57.0 %   570,123/1,000,000`
fn how_far(status: &Status) -> String {
    let target = count(status.progress.target);
    let processed = count(status.progress.processed_total);
    let width = target.len();
    format!("{:5.1} % {processed:>width$}/{target}", status.eta.progress_percent)
}

/// The phase, what is wrong, how fast it goes, when it will end.
fn what(status: &Status, rates: &Rates) -> String {
    let phase = Phase::from(status.phase);
    let mut parts = vec![phase.to_string()];
    parts.extend(holds::words(status));
    if status.workers.alive == 0 && !holds::lacks_worker(status) {
        parts.push("no worker alive".into());
    }
    let (generated, processed) = rates.per_second().unwrap_or((0.0, status.throughput.overall));
    if matches!(phase, Phase::Generating | Phase::EnqueueVip) {
        parts.push(format!("{}/s made", rate(generated)));
    }
    parts.push(format!("{}/s", rate(processed)));
    if phase.is_active() {
        let eta = status.eta.estimated_ms.map_or_else(|| "?".into(), about);
        parts.push(format!("ETA {eta}"));
    }
    let (vip, normal) = (&status.ledger.vip, &status.ledger.normal);
    parts.push(format!("VIP {}", count(vip.processed)));
    parts.push(format!("NORMAL {}", count(normal.processed)));
    if vip.dead + normal.dead > 0 {
        parts.push(format!("dead {}", count(vip.dead + normal.dead)));
    }
    // The longest is the last: a bar has room for 80 columns.
    parts.extend(holds::fault(status));
    parts.join(" · ")
}

#[cfg(test)]
mod tests {
    use pedidos_api_types::flow::{BreakerState, ProcessorState};

    use super::*;
    use crate::samples;

    fn at(start: Instant, ms: u64) -> Instant {
        start + Duration::from_millis(ms)
    }

    fn fed(counts: &[(u64, u64, u64)]) -> Rates {
        let (start, mut status, mut rates) =
            (Instant::now(), samples::draining(), Rates::default());
        for &(ms, generated, processed) in counts {
            status.progress.generated = generated;
            status.progress.processed_total = processed;
            rates.add(at(start, ms), &status);
        }
        rates
    }

    #[test]
    fn a_rate_needs_a_second_and_forgets_what_is_long_ago() {
        assert_eq!(fed(&[]).per_second(), None);
        assert_eq!(fed(&[(0, 0, 0), (500, 100, 10)]).per_second(), None);
        assert_eq!(fed(&[(0, 0, 0), (1000, 100, 10)]).per_second(), Some((100.0, 10.0)));
        let stalled: Vec<_> = (0..20).map(|tick| (tick * 1000, 5_000, tick.min(3))).collect();
        assert_eq!(fed(&stalled).per_second(), Some((0.0, 0.0)));
    }

    #[test]
    fn counts_that_start_over_give_no_negative_rate() {
        let replayed = fed(&[(0, 900, 900), (1000, 1000, 1000), (2000, 10, 0), (3000, 20, 4)]);
        assert_eq!(replayed.per_second(), Some((10.0, 4.0)));
    }

    #[test]
    fn a_line_comes_at_each_change_and_every_five_seconds() {
        let (start, mut last) = (Instant::now(), None);
        let vip = Topic::Phase(Phase::WaitingVipDrain);
        let mut due = |topic, ms| is_due(&mut last, topic, at(start, ms));
        assert!(due(Topic::of(Phase::Generating), 0));
        assert!(!due(Topic::of(Phase::EnqueueVip), 500), "the same to a log");
        assert!(!due(Topic::of(Phase::Generating), 4_500));
        assert!(due(vip, 4_600), "another phase");
        assert!(!due(vip, 9_500));
        assert!(due(vip, 9_600), "five seconds later");
        assert!(due(Topic::Trouble, 9_700), "trouble");
        assert!(!due(Topic::Trouble, 9_800));
        assert!(due(vip, 9_900), "trouble is over");
    }

    #[test]
    fn progress_is_told_in_80_columns() {
        let rates = fed(&[(0, 1_000_000, 100_000), (2_000, 1_000_000, 124_690)]);
        let mut status = samples::draining();
        assert_eq!(how_far(&status), " 12.5 %   124,990/1,000,000");
        assert_eq!(
            what(&status, &rates),
            "WAITING_VIP_DRAIN · 12,345/s · ETA 1m 23s · VIP 124,990 · NORMAL 0 · dead 10"
        );
        status.phase = pedidos_api_types::status::Phase::Generating;
        status.eta.estimated_ms = None;
        status.workers.alive = 0;
        let text = what(&status, &Rates::default());
        assert!(text.starts_with("GENERATING · no worker alive · 0.0/s made"), "{text}");
        assert!(text.contains("ETA ?"), "{text}");
    }

    #[test]
    fn what_holds_the_run_stands_behind_its_phase_and_why_at_the_end() {
        let mut status = samples::draining();
        status.workers.alive = 0;
        status.processor =
            ProcessorState { name: "refunds".to_owned(), ..ProcessorState::default() };
        let text = what(&status, &Rates::default());
        assert!(text.starts_with("WAITING_VIP_DRAIN · no worker has refunds · "), "{text}");
        assert!(!text.contains("no worker alive"), "{text}");
        status.processor.state = BreakerState::Open;
        status.processor.last_error = Some("timeout".to_owned());
        status.workers.alive = 1;
        let text = what(&status, &Rates::default());
        assert!(text.starts_with("WAITING_VIP_DRAIN · refunds at fault · "), "{text}");
        assert!(text.ends_with(" · dead 10 · timeout"), "{text}");
    }
}
