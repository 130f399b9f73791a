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

/// A mark for dead letters, which has the time in it, ms since the epoch, at which a person decides
/// about them.
#[must_use]
pub fn letter_mark(random: &str, at: i64) -> String {
    format!("{random}@{at}")
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
    /// When the person decided, ms since the epoch. None: an earlier version made the mark.
    #[must_use]
    pub fn at(&self) -> Option<i64> {
        self.mark.split_once('@')?.1.parse().ok()
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_is_read_as_it_was_written_with_its_time() {
        let decision = |mark: &str, action| LetterDecision { mark: mark.to_owned(), action };
        let all = [
            decision(&letter_mark("00ff", 1_795_401_281_519), LetterAction::RetryLate),
            decision("00aa", LetterAction::Remove),
        ];
        assert_eq!(LetterDecision::read(&LetterDecision::written(&all)), Ok(all.to_vec()));
        assert_eq!(all.map(|it| it.at()), [Some(1_795_401_281_519), None]);
    }
}
