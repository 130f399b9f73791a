//! `pedidos rejects`: the rejects of an import, as they come, to standard output.

use std::{
    hash::{DefaultHasher, Hasher},
    io,
    time::{Duration, Instant},
};

use pedidos_core::backoff::LogOnce;
use tokio::time::{sleep, timeout};

use crate::{
    args::Rejects,
    client::Client,
    copy::Copy,
    failure::{Failure, Result},
    output,
    upload::Patience,
};

/// A download that stands still for so long is broken off.
const STILL: Duration = Duration::from_mins(1);

/// With --json the rejects are an array.
pub async fn run(client: &Client, args: &Rejects) -> Result<()> {
    if args.csv && output::is_json() {
        return Err(Failure::Usage("--csv and --json contradict each other".to_owned()));
    }
    let format = if args.csv { "csv" } else { "ndjson" };
    match copy(client, &args.id, format).await {
        // The reader has what it wants.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done,
    }
}

/// A download that breaks off is begun again, and goes on behind what was printed: the list of the
/// rejects of an import only grows.
async fn copy(client: &Client, id: &str, format: &str) -> Result<()> {
    let (mut out, mut printed) = (Copy::new(), Printed::default());
    let (mut patience, mut said) = (Patience::new(Instant::now()), LogOnce::default());
    loop {
        let before = printed.bytes;
        let failure = match attempt(client, id, format, &mut out, &mut printed).await {
            Ok(()) => return out.finish(),
            Err(failure) => failure,
        };
        if printed.bytes > before {
            patience.advance(Instant::now());
        }
        let pause = patience.after(&failure, Instant::now()).filter(|_| printed.bytes > 0);
        let Some(pause) = pause else { return Err(broken_off(failure, &printed)) };
        if said.is_new(&failure.to_string()) {
            output::note(&format!("{failure}; going on after {} bytes", printed.bytes));
        }
        sleep(pause).await;
    }
}

fn broken_off(failure: Failure, printed: &Printed) -> Failure {
    match failure {
        Failure::Unreachable(why) if printed.bytes > 0 => {
            Failure::Unreachable(format!("{why}; the list of rejects is not whole"))
        }
        other => other,
    }
}

async fn attempt(
    client: &Client,
    id: &str,
    format: &str,
    out: &mut Copy,
    printed: &mut Printed,
) -> Result<()> {
    let late = |_| Failure::Unreachable(format!("no answer within {STILL:?}"));
    let mut answer = timeout(STILL, client.rejects(id, format)).await.map_err(late)??;
    let mut again = printed.again();
    while let Some(piece) = timeout(STILL, client.piece(&mut answer)).await.map_err(late)?? {
        let new = again.skip(piece.as_ref())?;
        out.add(new)?;
        printed.add(new);
    }
    again.end()
}

/// What was printed: how much, and which bytes.
#[derive(Debug, Clone, Default)]
struct Printed {
    bytes: u64,
    hash: DefaultHasher,
}

impl Printed {
    fn add(&mut self, piece: &[u8]) {
        self.bytes += piece.len() as u64;
        // Byte by byte: the hash must not depend on where pieces end.
        for byte in piece {
            self.hash.write_u8(*byte);
        }
    }

    fn again(&self) -> Again {
        Again { left: self.bytes, before: self.hash.finish(), seen: Self::default() }
    }
}

/// The same list, read again: what of it was printed.
#[derive(Debug)]
struct Again {
    left: u64,
    before: u64,
    seen: Printed,
}

impl Again {
    /// The part of this piece that was not printed yet. Fails if what was printed is not what comes now.
    fn skip<'a>(&mut self, piece: &'a [u8]) -> Result<&'a [u8]> {
        if self.left == 0 {
            return Ok(piece);
        }
        let old = usize::try_from(self.left).unwrap_or(usize::MAX).min(piece.len());
        let (old, new) = piece.split_at(old);
        self.seen.add(old);
        self.left -= old.len() as u64;
        if self.left == 0 && self.seen.hash.finish() != self.before {
            return Err(changed());
        }
        Ok(new)
    }

    /// The list must not be shorter than before.
    fn end(&self) -> Result<()> {
        if self.left == 0 { Ok(()) } else { Err(changed()) }
    }
}

fn changed() -> Failure {
    Failure::Failed("the list of rejects is another one than before; get it again".to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn printed(text: &str) -> Printed {
        let mut printed = Printed::default();
        text.as_bytes().chunks(3).for_each(|piece| printed.add(piece));
        printed
    }

    #[test]
    fn what_was_printed_is_skipped_wherever_the_pieces_end() {
        let text = "line 1\nline 2\nline 3\n";
        for before in 0..=text.len() {
            for size in 1..=text.len() {
                let mut again = printed(&text[..before]).again();
                let mut rest = Vec::new();
                for piece in text.as_bytes().chunks(size) {
                    rest.extend_from_slice(again.skip(piece).unwrap());
                }
                again.end().unwrap();
                assert_eq!(rest, &text.as_bytes()[before..], "{before} of pieces of {size}");
            }
        }
    }

    #[test]
    fn another_list_is_not_gone_on_with() {
        let mut again = printed("line 1\n").again();
        assert_eq!(again.skip(b"line 2\nline 3\n").unwrap_err().exit_code(), 1);
        let mut again = printed("line 1\n").again();
        again.skip(b"line").unwrap();
        assert_eq!(again.end().unwrap_err().exit_code(), 1);
    }
}
