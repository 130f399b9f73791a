//! The price, judged by its text: a binary fraction cannot tell 0.1 from what is next to it.

use super::reject::{Problem, RejectCode, shorten};

/// 1e12, in hundredths.
const MAX_CENTS: u64 = 100_000_000_000_000;
const FIELD: &str = "valor";

/// Reads a number as JSON writes it: digits, perhaps a point and at most two decimals, perhaps an
/// exponent (Java writes 12345678.5 as 1.23456785E7). The digits of `1.25e1` count as 12.5.
pub fn read(text: &str) -> Result<f64, Problem> {
    let no = |code, right: &str| {
        Err(Problem::of_field(FIELD, code, format!("is {}: {right}", shorten(text))))
    };
    if text.strip_prefix('-').is_some_and(|rest| Number::parse(rest).is_some()) {
        return no(RejectCode::Negative, "it must be 0 or more, without a sign");
    }
    let Some(number) = Number::parse(text) else {
        return no(RejectCode::NotANumber, "it must be a number such as 12.50");
    };
    // Hundredths: the digits, and so many zeros after them.
    let zeros = 2_i64.saturating_sub(number.decimals);
    if zeros < 0 {
        return no(RejectCode::Decimals, "it may have two decimals at most");
    }
    let digits = number.digits.trim_start_matches('0');
    let cents = match zeros {
        _ if digits.is_empty() => Some(0),
        0..=15 if digits.len() <= 15 => {
            let digits: u64 = digits.parse().unwrap_or(u64::MAX);
            digits.checked_mul(10_u64.pow(zeros as u32))
        }
        _ => None,
    };
    match cents {
        // Exact up to 2^53, and so the quotient is the number that is nearest to the text.
        Some(cents @ 0..=MAX_CENTS) => Ok(cents as f64 / 100.0),
        _ => no(RejectCode::TooLarge, "it may be 1000000000000 (1e12) at most"),
    }
}

struct Number {
    /// Without the point.
    digits: String,
    /// How many of the digits follow the point: fewer than none, if the exponent is large.
    decimals: i64,
}

impl Number {
    fn parse(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, Some(exponent)),
            None => (text, None),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (mantissa, None),
        };
        let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
        let signless = exponent.map(|it| it.strip_prefix(['+', '-']).unwrap_or(it));
        if ![Some(whole), fraction, signless].into_iter().flatten().all(are_digits) {
            return None;
        }
        let fraction = fraction.unwrap_or_default();
        let exponent = exponent.map_or(0, |it| {
            let beyond = if it.starts_with('-') { i64::MIN } else { i64::MAX };
            it.parse().unwrap_or(beyond)
        });
        let decimals = (fraction.len() as i64).saturating_sub(exponent);
        Some(Self { digits: format!("{whole}{fraction}"), decimals })
    }
}
