//! Log lines and changes of phase since a reader last asked, from two capped streams in Redis. A
//! reader's place is a [`Cursor`], which any process can read (I8).

use futures_util::future::BoxFuture;
use std::{cmp::Ordering, collections::HashMap, fmt, str::FromStr};

use fred::interfaces::StreamsInterface;

use crate::{
    logs::{self, Line},
    queue::{PHASES_KEPT, Queue, QueueError},
};
use pedidos_core::run::Phase;

/// Entries of a stream that are read at once.
pub const PAGE: u64 = 500;

/// The id of an entry of a stream; the default is before all entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Place {
    ms: u64,
    sequence: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.ms, self.sequence)
    }
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let place = text.split_once('-').and_then(|(ms, sequence)| {
            Some(Self { ms: ms.parse().ok()?, sequence: sequence.parse().ok()? })
        });
        place.ok_or_else(|| format!("'{text}' is not an id of a stream's entry"))
    }
}

/// A reader's place in both streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cursor {
    pub logs: Place,
    pub phases: Place,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.logs, self.phases)
    }
}

impl FromStr for Cursor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (logs, phases) =
            text.split_once('.').ok_or_else(|| format!("'{text}' is not the id of an event"))?;
        Ok(Self { logs: logs.parse()?, phases: phases.parse()? })
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhaseChange {
    pub phase: Phase,
    /// None if the phase is IDLE.
    pub run_id: Option<String>,
    /// ms since the epoch by Redis' clock.
    pub at: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    Log(Line),
    Phase(PhaseChange),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub place: Place,
    pub news: News,
}

impl Cursor {
    /// Does the reader have this entry already?
    #[must_use]
    pub fn is_past(&self, entry: &Entry) -> bool {
        entry.place <= *self.of(&entry.news)
    }

    /// Does this cursor name entries that are newer than the newest? Then it is of other streams.
    #[must_use]
    pub fn is_ahead_of(&self, newest: &Self) -> bool {
        self.logs > newest.logs || self.phases > newest.phases
    }

    /// The place after this entry.
    #[must_use]
    pub fn after(mut self, entry: &Entry) -> Self {
        match entry.news {
            News::Log(_) => self.logs = entry.place,
            News::Phase(_) => self.phases = entry.place,
        }
        self
    }

    const fn of(&self, news: &News) -> &Place {
        match news {
            News::Log(_) => &self.logs,
            News::Phase(_) => &self.phases,
        }
    }
}

type Fields = HashMap<String, String>;

pub fn newest(queue: &Queue) -> BoxFuture<'_, Result<Cursor, QueueError>> {
    Box::pin(async move {
        let last = async |key: String| -> Result<Place, QueueError> {
            let key = &key;
            let last: Vec<(String, Fields)> = queue
                .ask(|client| async move { client.xrevrange(key, "+", "-", Some(1)).await })
                .await?;
            last.first().map_or(Ok(Place::default()), |(id, _)| place(id))
        };
        let keys = queue.keys();
        Ok(Cursor { logs: last(keys.logs()).await?, phases: last(keys.phases()).await? })
    })
}

/// Are all entries after this place still there? Both streams drop their oldest entries, and a
/// reset deletes the log.
pub fn reaches<'a>(
    queue: &'a Queue,
    cursor: &'a Cursor,
) -> BoxFuture<'a, Result<bool, QueueError>> {
    Box::pin(async move {
        let keys = queue.keys();
        let oldest = async |key: &str| -> Result<Option<Place>, QueueError> {
            let first: Vec<(String, Fields)> = queue
                .ask(|client| async move { client.xrange(key, "-", "+", Some(1)).await })
                .await?;
            first.first().map(|(id, _)| place(id)).transpose()
        };
        // A stream drops entries at its cap, so a shorter one has all entries.
        let whole = async |key: &str, kept: i64| -> Result<bool, QueueError> {
            Ok(queue.ask(|client| async move { client.xlen::<i64, _>(key).await }).await? < kept)
        };
        let (logs, phases) = (keys.logs(), keys.phases());
        // A log that begins later is another one, in which the place is unknown.
        let lines = match oldest(&logs).await? {
            _ if cursor.logs == Place::default() => whole(&logs, logs::KEPT).await?,
            oldest => oldest.is_some_and(|oldest| oldest <= cursor.logs),
        };
        // A new reader asks for the changes since a time before the first one. A Redis that has
        // lost its streams has lost the log, too.
        let changes = match oldest(&phases).await? {
            Some(oldest) if oldest > cursor.phases => whole(&phases, PHASES_KEPT).await?,
            Some(_) => true,
            None => cursor.phases == Place::default(),
        };
        Ok(lines && changes)
    })
}

/// The entries after this place, oldest first; a page of each stream at most.
pub fn after<'a>(
    queue: &'a Queue,
    cursor: &'a Cursor,
) -> BoxFuture<'a, Result<Vec<Entry>, QueueError>> {
    Box::pin(async move {
        let page = async |key: String, place: Place| -> Result<Vec<(String, Fields)>, QueueError> {
            let (key, start) = (&key, &format!("({place}"));
            queue
                .ask(|client| async move { client.xrange(key, start, "+", Some(PAGE)).await })
                .await
        };
        let keys = queue.keys();
        let mut entries = Vec::new();
        for (id, fields) in page(keys.logs(), cursor.logs).await? {
            if let Some(line) = logs::line(fields) {
                entries.push(Entry { place: place(&id)?, news: News::Log(line) });
            }
        }
        for (id, fields) in page(keys.phases(), cursor.phases).await? {
            let text = |name: &str| fields.get(name).filter(|text| !text.is_empty()).cloned();
            let change = PhaseChange {
                phase: text("phase").unwrap_or_default().parse().map_err(QueueError::Answer)?,
                run_id: text("runId"),
                at: text("at").and_then(|at| at.parse().ok()).unwrap_or_default(),
            };
            entries.push(Entry { place: place(&id)?, news: News::Phase(change) });
        }
        // A line and a change of the same instant: the line first, as it is read.
        entries.sort_by(|one, other| match one.place.ms.cmp(&other.place.ms) {
            Ordering::Equal
                if std::mem::discriminant(&one.news) == std::mem::discriminant(&other.news) =>
            {
                one.place.cmp(&other.place)
            }
            order => order,
        });
        Ok(entries)
    })
}

fn place(id: &str) -> Result<Place, QueueError> {
    id.parse().map_err(QueueError::Answer)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Cursor;

    proptest! {
        #[test]
        fn an_id_from_a_client_is_a_place_or_refused(text in "[0-9.+-]{0,50}|\\PC{0,50}") {
            if let Ok(cursor) = text.parse::<Cursor>() {
                // What is taken means what we would say ourselves.
                prop_assert_eq!(cursor.to_string().parse::<Cursor>(), Ok(cursor));
                prop_assert_eq!(text.matches('-').count(), 2, "{}", text);
            }
        }

        #[test]
        fn an_id_of_ours_is_read_as_it_was(places in any::<[u64; 4]>()) {
            let [a, b, c, d] = places;
            let text = format!("{a}-{b}.{c}-{d}");
            prop_assert_eq!(text.parse::<Cursor>().map(|cursor| cursor.to_string()), Ok(text));
        }

        #[test]
        fn a_place_in_the_events_is_read_as_it_is_written_or_not_at_all(text in "[0-9.-]{0,50}|\\PC*") {
            if let Ok(place) = text.parse::<Cursor>() {
                let again: Cursor = place.to_string().parse().map_err(TestCaseError::fail)?;
                prop_assert_eq!(again, place);
            }
        }
    }
}
