//! Writes to standard output, standard error and log files without waiting for them. A reader
//! that has gone, one that does not read and a full disk neither block nor end the process;
//! `println!` would panic.

use std::{
    io::{self, Write},
    sync::mpsc::{self, Sender, SyncSender},
    thread,
    time::Duration,
};

/// Lines that may wait to be written to one destination.
const MAX_WAITING: usize = 4_096;
/// The end of a process waits this long for its last lines: a reader may not read.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// Writes whole lines to one destination, on a thread of its own. Lines that do not fit its queue
/// are dropped and counted. Cloning shares it.
#[derive(Clone)]
pub struct Writer(SyncSender<Message>);

enum Message {
    Line(Vec<u8>),
    /// The sender is told once all lines before this are written.
    Flush(Sender<()>),
}

/// Dropping it waits for a while until the lines so far are written.
pub struct FlushGuard(Writer);

impl Writer {
    /// `name` is the thread's.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn start(
        name: &str,
        mut destination: impl Write + Send + 'static,
    ) -> io::Result<(Self, FlushGuard)> {
        let (sender, messages) = mpsc::sync_channel(MAX_WAITING);
        thread::Builder::new().name(name.to_owned()).spawn(move || {
            for message in messages {
                match message {
                    Message::Line(line) => {
                        if destination.write_all(&line).and_then(|()| destination.flush()).is_err()
                        {
                            count_dropped();
                        }
                    }
                    Message::Flush(written) => {
                        let _nobody_waits = written.send(());
                    }
                }
            }
        })?;
        let writer = Self(sender);
        Ok((writer.clone(), FlushGuard(writer)))
    }

    /// Writes a line, which ends with a line feed.
    pub fn line(&self, line: Vec<u8>) {
        if self.0.try_send(Message::Line(line)).is_err() {
            count_dropped();
        }
    }
}

impl Drop for FlushGuard {
    fn drop(&mut self) {
        let (sender, written) = mpsc::channel();
        // If the queue is full, nobody reads.
        if self.0.0.try_send(Message::Flush(sender)).is_ok() {
            let _may_time_out = written.recv_timeout(FLUSH_TIMEOUT);
        }
    }
}

fn count_dropped() {
    metrics::counter!(crate::metrics::LOG_LINES_DROPPED).increment(1);
}

/// Prints lines on standard output, and does not wait for a reader.
pub fn print(lines: String) {
    let printed = thread::Builder::new().spawn(move || writeln!(io::stdout(), "{lines}"));
    // A process without a thread to spare fails elsewhere.
    drop(printed);
}

/// Writes the last lines of a process to standard error.
pub fn write_error(lines: &str) {
    if let Ok((writer, _flush)) = Writer::start("last lines", io::stderr()) {
        writer.line(format!("{lines}\n").into_bytes());
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Takes nothing until its other end is dropped.
    struct Blocked(mpsc::Receiver<()>);

    impl Write for Blocked {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _opened = self.0.recv();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn all_lines_are_written_before_the_end() {
        let kept = Kept::default();
        let (writer, flush) = Writer::start("test", kept.clone()).unwrap();
        for nth in 0..100 {
            writer.line(format!("{nth}\n").into_bytes());
        }
        drop(flush);
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.lines().count(), 100);
        assert!(text.ends_with("98\n99\n"));
    }

    #[test]
    fn a_place_that_takes_nothing_holds_nobody_up() {
        let (open, blocked) = mpsc::channel();
        let (writer, flush) = Writer::start("test", Blocked(blocked)).unwrap();
        for _ in 0..MAX_WAITING * 2 {
            writer.line(b"line\n".to_vec());
        }
        drop(flush);
        drop(open);
    }
}
