//! The clock of this machine, and times as text.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use time::{
    Date, OffsetDateTime,
    format_description::{FormatItem, well_known::Rfc3339},
    macros::format_description,
};

/// ISO-8601, UTC, milliseconds: the one format for times as text.
const TIME: &[FormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

/// `ms`: since the epoch.
#[must_use]
pub fn iso(ms: i64) -> String {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000)
        .ok()
        .and_then(|time| time.format(TIME).ok())
        .unwrap_or_default()
}

/// Reads `2027-01-31T12:00:00Z` or `2027-01-31`, as ms since the epoch.
pub fn instant(text: &str) -> Result<i64, String> {
    let day = format_description!("[year]-[month]-[day]");
    let at = OffsetDateTime::parse(text, &Rfc3339)
        .or_else(|_| Date::parse(text, &day).map(|day| day.midnight().assume_utc()));
    let at = at.map_err(|_| format!("'{text}' is not a time like 2027-01-31T12:00:00Z"))?;
    Ok((at.unix_timestamp_nanos() / 1_000_000) as i64)
}

/// The clock of this machine, ms since the epoch.
#[must_use]
pub fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_millis() as i64
}
