//! What has happened since a reader last looked: log lines and changes of phase,
//! from two capped streams in Redis. A reader's place is a [`Cursor`], which any
//! process understands (I8).

use std::{cmp::Ordering, collections::HashMap, fmt, str::FromStr};

use fred::interfaces::StreamsInterface;

use crate::{
    logs::{self, Line},
    queue::{PHASES_KEPT, Queue, QueueError},
    run::Phase,
};

/// Entries of a stream read at once.
pub const PAGE: u64 = 500;

/// A place in one stream: that of an entry, or before all of them.
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
        place.ok_or_else(|| format!("'{text}' is no place in a stream"))
    }
}

/// A reader's place in both streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cursor {
    /// In that of log lines.
    pub logs: Place,
    /// In that of changes of phase.
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
            text.split_once('.').ok_or_else(|| format!("'{text}' is no event's id"))?;
        Ok(Self { logs: logs.parse()?, phases: phases.parse()? })
    }
}

/// A change of phase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhaseChange {
    /// The phase since then.
    pub phase: Phase,
    /// The run; none if it is IDLE.
    pub run_id: Option<String>,
    /// When, ms since the epoch by Redis' clock.
    pub at: i64,
}

/// Something that has happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// A line was logged.
    Log(Line),
    /// The phase has changed.
    Phase(PhaseChange),
}

/// One of the news, and its place in its stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its place.
    pub place: Place,
    /// What it is.
    pub news: News,
}

impl Cursor {
    /// Has the reader had this already?
    #[must_use]
    pub fn is_past(&self, entry: &Entry) -> bool {
        entry.place <= *self.of(&entry.news)
    }

    /// Does this name entries that are newer than that? Then it is not of these
    /// streams.
    #[must_use]
    pub fn is_ahead_of(&self, newest: &Self) -> bool {
        self.logs > newest.logs || self.phases > newest.phases
    }

    /// The reader has had this.
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

/// The place of the newest entries.
pub async fn newest(queue: &Queue) -> Result<Cursor, QueueError> {
    let last = async |key: String| -> Result<Place, QueueError> {
        let key = &key;
        let last: Vec<(String, Fields)> = queue
            .ask(|client| async move { client.xrevrange(key, "+", "-", Some(1)).await })
            .await?;
        last.first().map_or(Ok(Place::default()), |(id, _)| place(id))
    };
    let keys = queue.keys();
    Ok(Cursor { logs: last(keys.logs()).await?, phases: last(keys.phases()).await? })
}

/// Is everything still there that came after this? Both streams drop their
/// oldest entries, and a reset drops the log.
pub async fn reaches(queue: &Queue, cursor: &Cursor) -> Result<bool, QueueError> {
    let keys = queue.keys();
    let oldest = async |key: &str| -> Result<Option<Place>, QueueError> {
        let first: Vec<(String, Fields)> =
            queue.ask(|client| async move { client.xrange(key, "-", "+", Some(1)).await }).await?;
        first.first().map(|(id, _)| place(id)).transpose()
    };
    // Dropping begins at the cap, so a shorter stream has all it ever had.
    let whole = async |key: &str, kept: i64| -> Result<bool, QueueError> {
        Ok(queue.ask(|client| async move { client.xlen::<i64, _>(key).await }).await? < kept)
    };
    let (logs, phases) = (keys.logs(), keys.phases());
    // A log that begins later is another: its place in the old one is nowhere.
    let lines = match oldest(&logs).await? {
        _ if cursor.logs == Place::default() => whole(&logs, logs::KEPT).await?,
        oldest => oldest.is_some_and(|oldest| oldest <= cursor.logs),
    };
    // Who comes late asks for the changes since a time before the first one. A Redis that
    // has lost its streams has lost the log, too.
    let changes = match oldest(&phases).await? {
        Some(oldest) if oldest > cursor.phases => whole(&phases, PHASES_KEPT).await?,
        Some(_) => true,
        None => cursor.phases == Place::default(),
    };
    Ok(lines && changes)
}

/// What came after this, oldest first; a page of each stream at most.
pub async fn after(queue: &Queue, cursor: &Cursor) -> Result<Vec<Entry>, QueueError> {
    let page = async |key: String, place: Place| -> Result<Vec<(String, Fields)>, QueueError> {
        let (key, start) = (&key, &format!("({place}"));
        queue.ask(|client| async move { client.xrange(key, start, "+", Some(PAGE)).await }).await
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
    }
}
