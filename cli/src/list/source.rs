//! The file of a list. It is opened once and read from its start each time it is sent.

use std::{
    env,
    fs::{File, OpenOptions},
    io::{self, BufReader, Read},
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    thread,
};

use flate2::read::MultiGzDecoder;
use hyper::body::Bytes;
use tokio::sync::oneshot;

use super::{
    body::{Pieces, Sent},
    csv::Table,
    format::Format,
    mapping::Mapping,
    ndjson::Lines,
};
use crate::failure::{Failure, Result};

/// A list is read and sent in pieces of about this length.
const PIECE: usize = 64 * 1_024;

#[derive(Debug)]
pub struct Source {
    list: Arc<List>,
    size: u64,
}

#[derive(Debug)]
struct List {
    file: File,
    format: Format,
    mapping: Mapping,
}

impl Source {
    /// Opens the file. What is no file, such as `-` or a pipe, is copied first.
    pub async fn open(name: &str, format: Format, mapping: Mapping) -> Result<Self> {
        let failed = |error: io::Error| Failure::Failed(format!("cannot read {name}: {error}"));
        let file = if name == "-" {
            copy(io::stdin()).await?
        } else {
            let file = File::open(name).map_err(failed)?;
            let kind = file.metadata().map_err(failed)?;
            if kind.is_dir() {
                return Err(Failure::Usage(format!("{name} is a folder, not a list")));
            }
            if kind.is_file() { file } else { copy(file).await? }
        };
        Self::of(name, file, format, mapping)
    }

    /// Runs a command, and keeps what it writes: lines of JSON.
    pub async fn written_by(command: &mut Command, mapping: Mapping) -> Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        let failed = |error: io::Error| Failure::Failed(format!("cannot execute {name}: {error}"));
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().map_err(failed)?;
        let Some(output) = child.stdout.take() else {
            return Err(failed(io::ErrorKind::BrokenPipe.into()));
        };
        let file = copy(output).await?;
        let status = child.wait().map_err(failed)?;
        if !status.success() {
            return Err(Failure::Failed(format!(
                "{name} has failed ({status}); nothing is imported"
            )));
        }
        let format = Format { is_csv: false, gzip: false };
        Self::of("the collection", file, format, mapping)
    }

    fn of(name: &str, file: File, format: Format, mapping: Mapping) -> Result<Self> {
        let failed = |error: io::Error| Failure::Failed(format!("cannot read {name}: {error}"));
        let size = file.metadata().map_err(failed)?.len();
        let list = Arc::new(List { file, format, mapping });
        list.check().map_err(|error| match error.kind() {
            io::ErrorKind::InvalidInput => Failure::Usage(error.to_string()),
            _ => failed(error),
        })?;
        Ok(Self { list, size })
    }

    /// Bytes of the file.
    pub fn size(&self) -> u64 {
        self.size
    }

    pub fn content_type(&self) -> &'static str {
        self.list.format.content_type()
    }

    /// Is it sent as gzip? A list whose fields are renamed is unpacked for that.
    pub fn is_sent_as_gzip(&self) -> bool {
        self.list.format.gzip && self.list.mapping.is_empty()
    }

    /// The list from its start, and how far it is sent.
    pub fn body(&self) -> (reqwest::Body, Arc<Sent>) {
        let (sender, pieces) = Pieces::new();
        let sent = Arc::new(Sent::default());
        let (list, of_thread) = (Arc::clone(&self.list), Arc::clone(&sent));
        thread::spawn(move || {
            let read = list.read(&of_thread, &mut |piece| {
                sender.blocking_send(Ok(piece)).map_err(|_| io::ErrorKind::BrokenPipe.into())
            });
            // The receiver has gone: the request is over.
            if let Err(error) = read
                && !sender.is_closed()
            {
                of_thread.fail(error.to_string());
                let _gone = sender.blocking_send(Err(error));
            }
        });
        (reqwest::Body::wrap(pieces), sent)
    }
}

impl List {
    /// Finds what is wrong with the mapping before anything is sent.
    fn check(&self) -> io::Result<()> {
        if self.mapping.is_empty() || !self.format.is_csv {
            return Ok(());
        }
        let (mut table, mut text) = (Table::new(&self.mapping), Vec::new());
        let sent = Sent::default();
        let (mut from, mut piece) = (self.unpacked(&sent), vec![0; PIECE]);
        while !table.is_over() {
            let length = from.read(&mut piece)?;
            if length == 0 {
                return table.finish(&mut text).map_err(invalid);
            }
            table.feed(piece.get(..length).unwrap_or_default(), &mut text).map_err(invalid)?;
            text.clear();
        }
        Ok(())
    }

    /// Hands on the list piece by piece.
    fn read(
        &self,
        sent: &Sent,
        hand_on: &mut dyn FnMut(Bytes) -> io::Result<()>,
    ) -> io::Result<()> {
        if self.mapping.is_empty() {
            let mut from = At { file: &self.file, offset: 0, sent };
            return pieces(&mut from, |piece| hand_on(Bytes::copy_from_slice(piece)));
        }
        let mut from = self.unpacked(sent);
        let mut out = Vec::new();
        let (mut lines, mut table) = (Lines::new(&self.mapping), Table::new(&self.mapping));
        pieces(&mut from, |piece| {
            if self.format.is_csv {
                table.feed(piece, &mut out).map_err(invalid)?;
            } else {
                lines.feed(piece, &mut out);
            }
            if out.is_empty() { Ok(()) } else { hand_on(std::mem::take(&mut out).into()) }
        })?;
        if self.format.is_csv {
            table.finish(&mut out).map_err(invalid)?;
        } else {
            lines.finish(&mut out);
        }
        if out.is_empty() { Ok(()) } else { hand_on(out.into()) }
    }

    fn unpacked<'a>(&'a self, sent: &'a Sent) -> Box<dyn Read + 'a> {
        let from = At { file: &self.file, offset: 0, sent };
        if self.format.gzip {
            Box::new(MultiGzDecoder::new(BufReader::with_capacity(PIECE, from)))
        } else {
            Box::new(from)
        }
    }
}

fn invalid(text: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, text)
}

fn pieces(from: &mut impl Read, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    let mut piece = vec![0; PIECE];
    loop {
        match from.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(length) => each(piece.get(..length).unwrap_or_default())?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Reads a file from a place of its own, so that two readers do not disturb each other.
struct At<'a> {
    file: &'a File,
    offset: u64,
    sent: &'a Sent,
}

impl Read for At<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read_at(buffer, self.offset)?;
        self.offset += length as u64;
        self.sent.add(length);
        Ok(length)
    }
}

/// Copies what can be read only once to a file without a name, which ends with this process.
async fn copy(mut from: impl Read + Send + 'static) -> Result<File> {
    let folder = env::temp_dir();
    let no_copy = |error: io::Error| {
        let folder = folder.display();
        Failure::Failed(format!("cannot keep a copy of the list in {folder}: {error}"))
    };
    let mut file = unnamed(&folder).map_err(no_copy)?;
    // On a thread that nobody waits for, so that Ctrl-C ends a process that waits for a pipe.
    let (sender, copied) = oneshot::channel();
    thread::spawn(move || sender.send(io::copy(&mut from, &mut file).map(|_| file)));
    copied.await.unwrap_or_else(|_| Err(io::ErrorKind::BrokenPipe.into())).map_err(no_copy)
}

fn unnamed(folder: &Path) -> io::Result<File> {
    let path = folder.join(format!("pedidos-{:032x}", rand::random::<u128>()));
    let mut options = OpenOptions::new();
    let file = options.read(true).write(true).create_new(true).mode(0o600).open(&path)?;
    std::fs::remove_file(&path)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    async fn source(bytes: &[u8], format: Format, map: &str) -> Result<Source> {
        let renames = map.split(',').filter(|one| !one.is_empty());
        let mapping = Mapping::new(renames.map(|one| one.parse().unwrap()).collect())?;
        let path = env::temp_dir().join(format!("pedidos-test-{:032x}", rand::random::<u128>()));
        std::fs::write(&path, bytes).unwrap();
        let source = Source::open(path.to_str().unwrap(), format, mapping).await;
        std::fs::remove_file(&path).unwrap();
        source
    }

    fn sent(source: &Source) -> (Vec<u8>, u64) {
        let (sent, mut all) = (Sent::default(), Vec::new());
        let read = source.list.read(&sent, &mut |piece| {
            all.extend_from_slice(&piece);
            Ok(())
        });
        read.unwrap();
        (all, sent.bytes())
    }

    fn gzip(text: &str) -> Vec<u8> {
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(text.as_bytes()).unwrap();
        packed.finish().unwrap()
    }

    #[tokio::test]
    async fn a_list_is_the_same_however_often_it_is_sent() {
        let lines = "{\"name\":\"Ana\",\"valor\":1.50}\n".repeat(10_000);
        let format = Format { is_csv: false, gzip: false };
        let source = source(lines.as_bytes(), format, "cliente=name").await.unwrap();
        let (first, bytes) = sent(&source);
        assert_eq!(bytes, lines.len() as u64);
        assert_eq!(sent(&source).0, first);
        let expected = "{\"valor\":1.50,\"cliente\":\"Ana\"}\n".repeat(10_000);
        assert!(first == expected.as_bytes());
    }

    #[tokio::test]
    async fn gzip_is_sent_as_it_is_and_unpacked_only_to_rename_fields() {
        let packed = gzip("name,valor\nAna,1\n");
        let format = Format { is_csv: true, gzip: true };
        let as_it_is = source(&packed, format, "").await.unwrap();
        assert!(as_it_is.is_sent_as_gzip() && sent(&as_it_is).0 == packed);
        let mapped = source(&packed, format, "cliente=name").await.unwrap();
        assert!(!mapped.is_sent_as_gzip());
        assert_eq!(sent(&mapped), (b"cliente,valor\nAna,1\n".to_vec(), packed.len() as u64));
    }

    #[tokio::test]
    async fn a_column_that_is_missing_is_found_before_anything_is_sent() {
        let format = Format { is_csv: true, gzip: false };
        let failure = source(b"name,valor\n", format, "cliente=nome").await.unwrap_err();
        assert_eq!(failure.exit_code(), 2);
        assert!(failure.to_string().contains("no column nome"), "{failure}");
    }

    #[tokio::test]
    async fn what_can_be_read_once_is_copied() {
        let mut file = copy(io::Cursor::new(b"abc".to_vec())).await.unwrap();
        file.write_all(b"d").unwrap();
        let mut text = [0; 4];
        file.read_exact_at(&mut text, 0).unwrap();
        assert_eq!(&text, b"abcd");
    }
}
