//! How far a list is sent: a bar on a terminal. Elsewhere only trouble has a line.

use std::{
    cell::RefCell,
    collections::VecDeque,
    time::{Duration, Instant},
};

use indicatif::BinaryBytes;
use pedidos_core::{backoff::LogOnce, text::count};

use crate::{
    bar::Bar,
    failure::Failure,
    figure::{duration, rate},
    output,
};

/// A rate is an average over this long.
const RATE_WINDOW: Duration = Duration::from_secs(5);

/// What the API has stored.
#[derive(Debug, Default, Clone)]
pub struct Seen {
    pub lines: u64,
    pub rejected: u64,
}

#[derive(Debug)]
pub struct UploadView {
    bar: Option<Bar>,
    speed: RefCell<Speed>,
    said: RefCell<LogOnce>,
}

impl UploadView {
    pub fn new() -> Self {
        let bar = output::is_watched().then(Bar::new);
        Self { bar, ..Self::silent() }
    }

    /// Without a bar.
    pub fn silent() -> Self {
        Self { bar: None, speed: RefCell::default(), said: RefCell::default() }
    }

    pub fn show(&self, sent: u64, size: u64, seen: &Seen) {
        let Some(bar) = &self.bar else { return };
        let mut speed = self.speed.borrow_mut();
        speed.add(Instant::now(), sent, seen.lines);
        // A file may grow.
        let size = size.max(sent);
        let behind = format!("{}/{}", BinaryBytes(sent), BinaryBytes(size));
        bar.draw(sent, size, behind, what(seen, speed.per_second()));
    }

    /// Says why there is a pause.
    pub fn trouble(&self, failure: &Failure, pause: Duration, then: &str) {
        // The mistakes of a problem have lines of their own, which have no room here.
        let failure = failure.to_string();
        let failure = failure.lines().next().unwrap_or_default();
        *self.speed.borrow_mut() = Speed::default();
        if let Some(bar) = &self.bar {
            let pause = duration(pause.as_millis() as u64);
            bar.say(&format!("{failure}; {then} in {pause}"));
        } else if self.said.borrow_mut().is_new(failure) {
            output::note(&format!("{failure}; {then}"));
        }
    }

    /// Ends the bar, for what follows.
    pub fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.end();
        }
    }
}

/// `8.5 MiB/s · 120,000 lines stored (21,000/s) · 12 rejected`
fn what(seen: &Seen, per_second: Option<(f64, f64)>) -> String {
    let (bytes, lines) = per_second.unwrap_or_default();
    let mut text = format!("{}/s", BinaryBytes(bytes as u64));
    if seen.lines > 0 {
        text = format!("{text} · {} lines stored ({}/s)", count(seen.lines), rate(lines));
    }
    if seen.rejected > 0 {
        text = format!("{text} · {} rejected", count(seen.rejected));
    }
    text
}

/// The counts of the last seconds: when, bytes, lines.
#[derive(Debug, Default)]
struct Speed(VecDeque<(Instant, u64, u64)>);

impl Speed {
    fn add(&mut self, now: Instant, bytes: u64, lines: u64) {
        self.0.push_back((now, bytes, lines));
        while self.0.len() > 2 && now.duration_since(self.0[1].0) >= RATE_WINDOW {
            self.0.pop_front();
        }
    }

    /// None in the first second.
    fn per_second(&self) -> Option<(f64, f64)> {
        let (first, last) = (self.0.front()?, self.0.back()?);
        let seconds = last.0.duration_since(first.0).as_secs_f64();
        let speed = |from: u64, to: u64| to.saturating_sub(from) as f64 / seconds;
        (seconds >= 0.9).then(|| (speed(first.1, last.1), speed(first.2, last.2)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_says_what_is_sent_stored_and_rejected() {
        let seen = Seen { lines: 120_000, rejected: 12 };
        assert_eq!(
            what(&seen, Some((1_048_576.0, 21_000.0))),
            "1.00 MiB/s · 120,000 lines stored (21,000/s) · 12 rejected"
        );
        assert_eq!(what(&Seen::default(), None), "0 B/s");
    }

    #[test]
    fn the_rate_is_that_of_the_last_seconds() {
        let (start, mut speed) = (Instant::now(), Speed::default());
        assert_eq!(speed.per_second(), None);
        for second in 0..10 {
            speed.add(start + Duration::from_secs(second), second * second, 100 * second);
        }
        assert_eq!(speed.per_second(), Some((13.0, 100.0)));
    }
}
