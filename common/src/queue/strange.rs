//! What Redis answers is read, whatever it is: a wrong answer is an error, never a panic.

use fred::types::Value;
use proptest::{collection::vec, prelude::*, sample::select};

use super::{Snapshot, Token, claimed, closed};
use crate::{events::Cursor, order::OrderId};

/// What our scripts say.
const WORDS: &[&str] =
    &["generate", "enqueue", "vip", "normal", "save", "wait", "behind", "stale", "[]"];
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
        if let Err(error) = claimed(&token, &answer) {
            prop_assert!(!error.to_string().is_empty());
        }
        if let Err(error) = closed(&answer) {
            prop_assert!(!error.to_string().is_empty());
        }
        if let Err(error) = Snapshot::parse(answer) {
            prop_assert!(!error.to_string().is_empty());
        }
    }

    #[test]
    fn a_place_in_the_events_is_read_as_it_is_written_or_not_at_all(text in "[0-9.-]{0,50}|\\PC*") {
        if let Ok(place) = text.parse::<Cursor>() {
            let again: Cursor = place.to_string().parse().map_err(TestCaseError::fail)?;
            prop_assert_eq!(again, place);
        }
    }

    #[test]
    fn an_id_is_read_as_it_is_written_or_not_at_all(text in "[0-9a-f-]{0,40}|\\PC*") {
        if let Ok(id) = text.parse::<OrderId>() {
            prop_assert_eq!(id.to_string().parse::<OrderId>().ok(), Some(id));
        }
    }

    #[test]
    fn ids_back_to_back_are_all_that_fit(bytes in vec(any::<u8>(), 0..100)) {
        let ids: Vec<_> = OrderId::unpack(&bytes).collect();
        prop_assert_eq!(ids.len(), bytes.len() / OrderId::BYTES);
        prop_assert!(bytes.starts_with(&OrderId::pack(&ids)));
    }
}
