//! A list on its way to an API, to be stopped at any byte of it while something fails.

use std::sync::Arc;

use rand::{RngExt, SeedableRng, rngs::SmallRng, seq::IndexedRandom};
use tokio::{sync::mpsc, task::JoinHandle};

use crate::{
    client::{Answer, Client},
    imports::{NDJSON, Pieces, line},
};

/// Bytes that are sent at once.
const PIECE: usize = 32 * 1_024;

/// A list, and what must become of it.
pub struct List {
    pub text: Arc<str>,
    /// The numbers of its orders.
    pub accepted: Vec<u32>,
    pub rejected: usize,
}

impl List {
    /// So many lines, the same for the same seed: about one in twenty is rejected, because it is no
    /// order or because an earlier line has its `ref`.
    pub fn of(seed: u64, lines: u32) -> Self {
        let mut random = SmallRng::seed_from_u64(seed);
        let (mut text, mut accepted) = (String::new(), Vec::<u32>::new());
        for number in 0..lines {
            let order = match random.random_range(0..40) {
                0 => None,
                1 => accepted.choose(&mut random).map(|again| line(*again)),
                _ => {
                    accepted.push(number);
                    Some(line(number))
                }
            };
            text += &order.unwrap_or_else(|| format!("no order {number}"));
            text.push('\n');
        }
        let rejected = lines as usize - accepted.len();
        Self { text: text.into(), accepted, rejected }
    }

    /// The byte at this share of it.
    pub fn at(&self, share: f64) -> usize {
        (self.text.len() as f64 * share) as usize
    }
}

/// The request goes on in the background.
pub struct Sending {
    held: mpsc::Receiver<()>,
    go_on: mpsc::Sender<()>,
    request: JoinHandle<Option<Answer>>,
}

impl Sending {
    /// Sends all of the list to the import, and stops for a while at each of these bytes.
    pub fn of(client: &Client, id: &str, list: &Arc<str>, holds: &[usize]) -> Self {
        let (client, id, list) = (client.clone(), id.to_owned(), Arc::clone(list));
        let ends: Vec<usize> = holds.iter().copied().chain([list.len()]).collect();
        let (is_held, held) = mpsc::channel(1);
        let (go_on, mut goes_on) = mpsc::channel(1);
        let (pieces, body) = Pieces::new();
        let feed = async move {
            let mut at = 0;
            for end in ends {
                while at < end {
                    let next = (at + PIECE).min(end);
                    if !pieces.try_send(&list.as_bytes()[at..next]).await {
                        return;
                    }
                    at = next;
                }
                if end == list.len() {
                    return;
                }
                // Nobody waits for it, or there is no answer any more: the client has gone.
                let released = is_held.send(()).await.is_ok() && goes_on.recv().await.is_some();
                if !released {
                    return pieces.break_off().await;
                }
            }
        };
        let request = tokio::spawn(async move {
            let sends = async {
                feed.await;
                std::future::pending::<()>().await;
            };
            tokio::select! {
                answer = client.try_upload(&id, &[NDJSON], body) => answer,
                () = sends => None,
            }
        });
        Self { held, go_on, request }
    }

    /// Waits until it stops at the next byte; no, if the request is over.
    pub async fn is_held(&mut self) -> bool {
        self.held.recv().await.is_some()
    }

    /// On to the next byte at which it stops, or to the end of the list.
    pub async fn goes_on(&self) {
        // The request may be over.
        let _over = self.go_on.send(()).await;
    }

    pub fn is_over(&self) -> bool {
        self.request.is_finished()
    }

    /// The answer; none, if the connection was lost.
    pub async fn answer(self) -> Option<Answer> {
        // What releases it is kept meanwhile: without it, the client would be gone.
        self.request.await.expect("a request does not panic")
    }

    /// The client is gone, in the middle of the list.
    pub async fn break_off(self) -> Option<Answer> {
        let Self { held, go_on, request } = self;
        drop((held, go_on));
        request.await.expect("a request does not panic")
    }
}

/// Does this answer, or none, ask for the whole list once more? Fails if it refuses the list.
pub fn asks_again(answer: Option<&Answer>) -> bool {
    match answer {
        None => true,
        Some(answer) => match answer.status {
            200 => false,
            408 | 429 | 503 => true,
            409 if answer.body.contains("Another upload goes on") => true,
            _ => panic!("{answer:#?}"),
        },
    }
}
