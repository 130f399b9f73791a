//! Dead letters that a person decides about.
//!
//! A decision has two steps: a mark on each letter, which means nothing by itself, and then the
//! name of the mark in control. Dead letters are found by the index on priority and status: they
//! are few, however many orders there are.

use std::ops::Range;

use futures_util::future::BoxFuture;
use mongodb::bson::{DateTime, Document, doc};
use pedidos_core::{
    control::{LetterAction, LetterDecision},
    order::{FALHOU, OrderId, PENDENTE, Priority, REMOVIDO},
};

use super::{
    bulk::Orders,
    call::within,
    client::Store,
    error::Result,
    filter::{dead, range},
};

/// Orders read and written at once.
const PAGE: i64 = 1_000;

/// Which dead letters a person means; all, unless one says more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LetterFilter {
    pub priority: Option<Priority>,
    /// A text that their error has in it, to the letter.
    pub error_contains: Option<String>,
}

/// The dead letters that a person may decide about.
#[derive(Debug, Clone)]
pub(crate) struct Letters<'a> {
    pub ids: Range<OrderId>,
    pub filter: &'a LetterFilter,
    /// Without those that were decided about.
    pub decided: &'a [LetterDecision],
    /// Given up at or before this time, ms since the epoch.
    pub before: i64,
}

/// How many dead letters a person meant, and how many of them are marked: there may be a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Marked {
    pub matched: u64,
    pub marked: u64,
}

impl LetterFilter {
    fn priorities(&self) -> impl Iterator<Item = Priority> {
        let only = self.priority;
        Priority::ALL.into_iter().filter(move |priority| only.is_none_or(|only| only == *priority))
    }

    /// What this asks of the error.
    fn error(&self) -> Option<Document> {
        let text = self.error_contains.as_deref()?;
        Some(doc! { "outcome.error": { "$regex": literal(text) } })
    }
}

/// A pattern that stands for this text alone. Only what has a meaning is escaped: not every server
/// takes a backslash before any other character.
fn literal(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(
            c,
            '\\' | '.' | '+' | '*' | '?' | '(' | ')' | '|' | '[' | ']' | '{' | '}' | '^' | '$'
        ) {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}

impl Store {
    /// Marks `limit` of these letters at most. One whose mark the server refuses stays as it is.
    pub(crate) fn mark_letters<'a>(
        &'a self,
        letters: &'a Letters<'a>,
        mark: &'a str,
        limit: u64,
    ) -> BoxFuture<'a, Result<Marked>> {
        Box::pin(async move {
            let Letters { ids, filter: only, decided, before } = letters;
            let known = decided.iter().map(|letters| letters.mark.as_str());
            let known: Vec<&str> = known.chain([mark]).collect();
            let add = doc! { "$addToSet": { "outcome.marks": mark } };
            // As it was found: it may have been put back since, and failed for another reason.
            let mut still = doc! { "status": FALHOU };
            still.extend(only.error().unwrap_or_default());
            let Marked { mut matched, mut marked } = Marked::default();
            for priority in only.priorities() {
                let mut filter = dead(ids, priority);
                filter.insert("outcome.marks", doc! { "$nin": &known });
                filter.extend(only.error().unwrap_or_default());
                if *before != i64::MAX {
                    filter.insert("outcome.at", doc! { "$lte": DateTime::from_millis(*before) });
                }
                matched += within(self.orders.count_documents(filter.clone())).await?;
                let mut refused = Vec::new();
                while marked < limit {
                    let most = PAGE.min(i64::try_from(limit - marked).unwrap_or(PAGE));
                    let mut rest = filter.clone();
                    if let Ok(ids) = rest.get_document_mut("_id") {
                        ids.insert("$nin", &refused);
                    }
                    let page = self.ids(rest, most, false).await?;
                    if page.is_empty() {
                        break;
                    }
                    let these = Orders::These(&page);
                    let written = self.update_orders(these, &still, &add).await?;
                    marked += written.count;
                    // They stay dead letters, and are not read again.
                    refused.extend(written.refused.iter().map(|(id, _)| id.to_string()));
                }
            }
            Ok(Marked { matched, marked })
        })
    }

    /// Dead letters with this mark, by priority.
    pub(crate) fn count_letters<'a>(
        &'a self,
        ids: &'a Range<OrderId>,
        mark: &'a str,
    ) -> BoxFuture<'a, Result<[i64; 2]>> {
        Box::pin(async move {
            let mut counts = [0; 2];
            for (count, priority) in counts.iter_mut().zip(Priority::ALL) {
                let mut filter = dead(ids, priority);
                filter.insert("outcome.marks", mark);
                *count = within(self.orders.count_documents(filter)).await? as i64;
            }
            Ok(counts)
        })
    }

    /// Carries out decisions about dead letters in a range of ids. Repeating it changes nothing.
    pub fn settle_letters<'a>(
        &'a self,
        ids: &'a Range<OrderId>,
        letters: &'a [LetterDecision],
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            for decision @ LetterDecision { mark, action } in letters {
                let at = decision.at().map(DateTime::from_millis);
                for priority in Priority::ALL {
                    let filter = doc! {
                        "priority": priority.as_str(), "status": FALHOU, "outcome.marks": mark,
                    };
                    let mut set = doc! { "status": PENDENTE, "retryMark": mark };
                    if (priority, *action) == (Priority::Vip, LetterAction::RetryLate) {
                        set.insert("lateVip", true);
                    }
                    let mut update = match action {
                        LetterAction::Remove => doc! {
                            "$set": { "status": REMOVIDO }, "$currentDate": { "removedAt": true },
                        },
                        LetterAction::Retry | LetterAction::RetryLate => doc! {
                            "$set": set,
                            "$currentDate": { "retriedAt": true },
                            // What has been tried stays, in its history.
                            "$unset": {
                                "outcome.error": "",
                                "outcome.attempts": "",
                                "outcome.at": "",
                                "outcome.marks": "",
                                "outcome.asked": "",
                                "outcome.batch": "",
                                "outcome.worker": "",
                            },
                        },
                    };
                    if let (Some(at), true) = (at, *action != LetterAction::Remove) {
                        update.insert("$addToSet", doc! { "outcome.retries": at });
                    }
                    let of = Orders::In(ids);
                    let refused = self.update_orders(of, &filter, &update).await?.refused;
                    if let Some((order, why)) = refused.first() {
                        let refused = refused.len();
                        tracing::warn!(refused, %order, why,
                            "MongoDB refuses to change dead letters; they stay dead letters");
                    }
                }
            }
            Ok(())
        })
    }

    /// VIP dead letters with this mark that were never put back late.
    pub(crate) fn count_first_late<'a>(
        &'a self,
        ids: &'a Range<OrderId>,
        mark: &'a str,
    ) -> BoxFuture<'a, Result<i64>> {
        Box::pin(async move {
            let mut filter = dead(ids, Priority::Vip);
            filter.insert("outcome.marks", mark);
            filter.insert("lateVip", doc! { "$ne": true });
            Ok(within(self.orders.count_documents(filter)).await? as i64)
        })
    }

    /// Pending orders that were put back with this mark: one more than `most` at most.
    pub(crate) fn letters_put_back<'a>(
        &'a self,
        ids: &'a Range<OrderId>,
        priority: Priority,
        mark: &'a str,
        most: i64,
    ) -> BoxFuture<'a, Result<Vec<OrderId>>> {
        Box::pin(async move {
            let mut filter = doc! { "priority": priority.as_str(), "status": PENDENTE };
            filter.extend(range(ids));
            filter.insert("retryMark", mark);
            self.ids(filter, most.saturating_add(1), true).await
        })
    }

    pub fn count_dead<'a>(
        &'a self,
        ids: &'a Range<OrderId>,
        priority: Priority,
    ) -> BoxFuture<'a, Result<u64>> {
        Box::pin(async move { within(self.orders.count_documents(dead(ids, priority))).await })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_stands_for_itself_whatever_it_has_in_it() {
        assert_eq!(
            literal("card refused: 100 % - \"#1\" ação"),
            "card refused: 100 % - \"#1\" ação"
        );
        assert_eq!(literal(r"(?i).*\d+[a-z]{2}|^$"), r"\(\?i\)\.\*\\d\+\[a-z\]\{2\}\|\^\$");
    }

    #[test]
    fn a_filter_asks_for_no_more_than_it_says() {
        let all = LetterFilter::default();
        assert_eq!(all.priorities().collect::<Vec<_>>(), Priority::ALL);
        assert_eq!(all.error(), None);
        let one = LetterFilter {
            priority: Some(Priority::Normal),
            error_contains: Some("a.b".to_owned()),
        };
        assert_eq!(one.priorities().collect::<Vec<_>>(), [Priority::Normal]);
        assert_eq!(one.error(), Some(doc! { "outcome.error": { "$regex": r"a\.b" } }));
    }
}
