//! Figures as a person reads them: rates, durations, times of day.

use pedidos_core::text::count;

/// Stands where there is no figure.
pub const NONE: &str = "-";

/// Orders per second; below ten, with a decimal.
pub fn rate(per_second: f64) -> String {
    if per_second < 10.0 {
        format!("{:.1}", per_second.max(0.0))
    } else {
        count(per_second.round() as u64)
    }
}

/// A duration in milliseconds, as exact as its size calls for.
pub fn duration(ms: u64) -> String {
    // Rounded before the unit is chosen, so that 59,990 ms is not "60.0s".
    let tenths = (ms + 50) / 100;
    let (hours, minutes, seconds) = (tenths / 36_000, tenths / 600 % 60, tenths / 10 % 60);
    match (hours, minutes) {
        (0, 0) if ms < 1_000 => format!("{ms}ms"),
        (0, 0) => format!("{seconds}.{}s", tenths % 10),
        (0, _) => format!("{minutes}m {seconds:02}.{}s", tenths % 10),
        _ => format!("{hours}h {minutes:02}m"),
    }
}

/// A duration that is an estimate: no finer than seconds.
pub fn about(ms: u64) -> String {
    let seconds = (ms + 500) / 1_000;
    match (seconds / 3_600, seconds / 60 % 60) {
        (0, 0) => format!("{seconds}s"),
        (0, minutes) => format!("{minutes}m {:02}s", seconds % 60),
        (hours, minutes) => format!("{hours}h {minutes:02}m"),
    }
}

/// The time of day of an ISO time: `2026-03-01T12:00:20.456Z` → `12:00:20.456`.
pub fn clock(time: Option<&str>) -> &str {
    let Some(time) = time else { return NONE };
    match time.split_once('T') {
        Some((_, clock)) => clock.trim_end_matches('Z'),
        None => time,
    }
}

/// The day and the time of an ISO time: `2026-03-01T12:00:20.456Z` → `2026-03-01 12:00`.
pub fn minute(time: &str) -> String {
    time.get(..16).unwrap_or(time).replace('T', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_rates_keep_a_decimal() {
        assert_eq!([0.0, 0.25, 9.94, 12_345.6].map(rate), ["0.0", "0.2", "9.9", "12,346"]);
    }

    #[test]
    fn durations_fit_their_size() {
        let durations = [0, 12, 999, 1_000, 59_940, 59_990, 83_000, 3_780_000];
        let expected = ["0ms", "12ms", "999ms", "1.0s", "59.9s", "1m 00.0s", "1m 23.0s", "1h 03m"];
        assert_eq!(durations.map(duration), expected);
    }

    #[test]
    fn estimates_pretend_nothing() {
        let estimates = [400, 35_400, 83_000, 7_380_000].map(about);
        assert_eq!(estimates, ["0s", "35s", "1m 23s", "2h 03m"]);
    }

    #[test]
    fn a_time_is_shown_by_its_clock() {
        assert_eq!(clock(Some("2026-03-01T12:00:20.456Z")), "12:00:20.456");
        assert_eq!(clock(Some("soon")), "soon");
        assert_eq!(clock(None), "-");
        assert_eq!(minute("2026-03-01T12:00:20.456Z"), "2026-03-01 12:00");
    }
}
