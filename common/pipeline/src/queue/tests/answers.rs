//! Whatever Redis answers, reading it gives a value or an error, never a panic.

use fred::types::Value;
use proptest::{collection::vec, prelude::*, sample::select};

use super::*;

/// What our scripts say.
const WORDS: &[&str] =
    &["generate", "enqueue", "vip", "normal", "save", "wait", "behind", "lost", "stale", "[]"];
/// Names and values of a run, as Redis holds them.
const FIELDS: &[&str] =
    &["runId", "phase", "version", "GENERATING", "seed", "1", "-1", "x", "lastRunId"];

/// Anything, with what our scripts say among it, so that it is read further.
fn part() -> impl Strategy<Value = Value> {
    prop_oneof![
        select(WORDS).prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
        vec(any::<u8>(), 0..40).prop_map(|bytes| Value::from(bytes.as_slice())),
        Just(Value::Null),
        any::<f64>().prop_map(Value::Double),
        any::<bool>().prop_map(Value::Boolean),
    ]
}

fn answer() -> impl Strategy<Value = Value> {
    let hash = vec(select(FIELDS).prop_map(Value::from), 0..12).prop_map(Value::Array);
    let deeper = prop_oneof![4 => part(), 1 => vec(part(), 0..5).prop_map(Value::Array), 1 => hash];
    prop_oneof![4 => vec(deeper, 0..12).prop_map(Value::Array), 1 => part()]
}

proptest! {
    #[test]
    fn no_answer_is_too_strange(answer in answer()) {
        let token = Token::random();
        if let Err(error) = Claim::read(&token, &answer) {
            prop_assert!(!error.to_string().is_empty());
        }
        if let Err(error) = Closed::read(&answer) {
            prop_assert!(!error.to_string().is_empty());
        }
        if let Err(error) = Snapshot::read(&answer) {
            prop_assert!(!error.to_string().is_empty());
        }
    }
}
