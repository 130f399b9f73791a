//! What a person decides about dead letters.

use serde::{Deserialize, Serialize};

/// What a person decided about the dead letters that carry a mark. The mark alone means
/// nothing: the decision counts from the moment that control names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LetterDecision {
    /// The mark, as it is in `outcome.marks`: random, and used once.
    pub mark: String,
    #[serde(rename = "fate")]
    pub action: LetterAction,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum LetterAction {
    #[serde(rename = "retried")]
    Retry,
    /// As `Retry`, after the fence had opened: the VIP orders among them are late.
    #[serde(rename = "retriedLate")]
    RetryLate,
    #[serde(rename = "removed")]
    Remove,
}

impl LetterDecision {
    /// As the run's hash in Redis keeps them, for the workers that carry them out.
    #[must_use]
    pub fn written(letters: &[Self]) -> String {
        let one = |letters: &Self| {
            let action = match letters.action {
                LetterAction::Retry => 'r',
                LetterAction::RetryLate => 'l',
                LetterAction::Remove => 'x',
            };
            format!("{action}{}", letters.mark)
        };
        letters.iter().map(one).collect::<Vec<_>>().join(" ")
    }

    /// Reads what [`Self::written`] wrote.
    pub fn read(text: &str) -> Result<Vec<Self>, String> {
        let one = |word: &str| {
            let (action, mark) = word.split_at_checked(1).unwrap_or_default();
            let action = match action {
                "r" => LetterAction::Retry,
                "l" => LetterAction::RetryLate,
                "x" => LetterAction::Remove,
                _ => return Err(format!("letters: {text}")),
            };
            Ok(Self { mark: mark.to_owned(), action })
        };
        text.split_whitespace().map(one).collect()
    }
}

/// Dead letters that were put back after the end of their run. A Redis that shows that end
/// queues them without a replay: it has counted every order, and no lease is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PutBack {
    /// Written on each of them, as `retryMark` once it is put back.
    pub mark: String,
    /// VIP and NORMAL.
    pub orders: [i64; 2],
    /// VIP orders among them that are put back late for the first time.
    pub late_vip: i64,
    /// The version of control that says that the run has ended.
    pub base: i64,
}
