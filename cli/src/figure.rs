//! Figures as a person reads them: counts, rates, durations, times of day.

/// What stands where there is no figure.
pub const NONE: &str = "-";

/// A count with thousands separators.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Orders per second; below ten, with a decimal.
pub fn rate(per_second: f64) -> String {
    if per_second < 10.0 {
        format!("{:.1}", per_second.max(0.0))
    } else {
        count(per_second.round() as u64)
    }
}

/// A duration in milliseconds, as exact as its size calls for.
pub fn duration(ms: f64) -> String {
    // Rounded before the unit is chosen, so that 59,990 ms is not "60.0s".
    let tenths = (ms.max(0.0) / 100.0).round() as u64;
    let (hours, minutes, seconds) = (tenths / 36_000, tenths / 600 % 60, tenths / 10 % 60);
    match (hours, minutes) {
        (0, 0) if ms < 999.5 => format!("{}ms", ms.max(0.0).round()),
        (0, 0) => format!("{seconds}.{}s", tenths % 10),
        (0, _) => format!("{minutes}m {seconds:02}.{}s", tenths % 10),
        _ => format!("{hours}h {minutes:02}m"),
    }
}

/// A duration that is an estimate: no finer than seconds.
pub fn about(ms: f64) -> String {
    let seconds = (ms.max(0.0) / 1_000.0).round() as u64;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_thousands_separators() {
        let counts = [0, 7, 999, 1_000, 12_345, 1_000_000].map(count);
        assert_eq!(counts, ["0", "7", "999", "1,000", "12,345", "1,000,000"]);
    }

    #[test]
    fn small_rates_keep_a_decimal() {
        assert_eq!([0.0, 0.25, 9.94, 12_345.6].map(rate), ["0.0", "0.2", "9.9", "12,346"]);
    }

    #[test]
    fn durations_fit_their_size() {
        let durations = [0.0, 12.3, 999.4, 999.6, 59_940.0, 59_990.0, 83_000.0, 3_780_000.0];
        let expected = ["0ms", "12ms", "999ms", "1.0s", "59.9s", "1m 00.0s", "1m 23.0s", "1h 03m"];
        assert_eq!(durations.map(duration), expected);
    }

    #[test]
    fn estimates_pretend_nothing() {
        let estimates = [400.0, 35_400.0, 83_000.0, 7_380_000.0].map(about);
        assert_eq!(estimates, ["0s", "35s", "1m 23s", "2h 03m"]);
    }

    #[test]
    fn a_time_is_shown_by_its_clock() {
        assert_eq!(clock(Some("2026-03-01T12:00:20.456Z")), "12:00:20.456");
        assert_eq!(clock(Some("soon")), "soon");
        assert_eq!(clock(None), "-");
    }
}
