//! A log file of limited size that several processes append to: the one that finds it full
//! renames it, and the others notice.

use std::{
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// Bytes from which on a file is renamed.
pub const MAX_SIZE: u64 = 10 * 1024 * 1024;
/// Renamed files that are kept: `.1` is the newest.
pub const KEPT: u32 = 5;

/// Appends whole lines to a file.
#[derive(Debug)]
pub struct Rotating {
    path: PathBuf,
    full: u64,
    kept: u32,
    file: File,
}

impl Rotating {
    pub fn open(path: &Path, full: u64, kept: u32) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), full, kept, file: append_to(path)? })
    }

    /// Reopens the file if it has been renamed by another process, or deleted. Answers whether it
    /// was.
    fn follow(&mut self) -> io::Result<bool> {
        let ours = self.file.metadata()?;
        let named = match fs::metadata(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            named => Some(named?),
        };
        if named.is_some_and(|named| (named.dev(), named.ino()) == (ours.dev(), ours.ino())) {
            return Ok(false);
        }
        self.file = append_to(&self.path)?;
        Ok(true)
    }

    /// Only the process that holds the lock of the file while it has the name renames.
    fn rotate(&mut self) -> io::Result<()> {
        self.file.lock()?;
        if self.follow()? {
            // Another process renamed it meanwhile. The new file is not locked.
            return Ok(());
        }
        for age in (1..self.kept).rev() {
            let older = fs::rename(self.aged(age), self.aged(age + 1));
            if let Err(error) = older
                && error.kind() != io::ErrorKind::NotFound
            {
                return Err(error);
            }
        }
        fs::rename(&self.path, self.aged(1))?;
        // Closing the old one unlocks it.
        self.file = append_to(&self.path)?;
        Ok(())
    }

    fn aged(&self, age: u32) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(format!(".{age}"));
        name.into()
    }
}

impl Write for Rotating {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.follow()?;
        while self.file.metadata()?.len() >= self.full {
            self.rotate()?;
        }
        self.file.write(line)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Only its owner may read it. A file that a person opened to a group stays so; one that
/// everybody may read does not.
fn append_to(path: &Path) -> io::Result<File> {
    let file = File::options().create(true).append(true).mode(0o600).open(path)?;
    if file.metadata()?.permissions().mode() & 0o007 != 0 {
        // The file of another owner stays as it is.
        let _may_fail = file.set_permissions(fs::Permissions::from_mode(0o600));
    }
    Ok(file)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("pedidos-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn writers_that_share_a_file_lose_no_line() {
        let folder = folder("rotate");
        let path = folder.join("log.messages");
        let writer = |name: usize| {
            let path = path.clone();
            std::thread::spawn(move || {
                let mut log = Rotating::open(&path, 1000, 1000).unwrap();
                for line in 0..500 {
                    log.write_all(format!("writer {name} line {line}\n").as_bytes()).unwrap();
                }
            })
        };
        for writer in [writer(0), writer(1), writer(2)] {
            writer.join().unwrap();
        }
        let mut lines = BTreeSet::new();
        let mut sizes = Vec::new();
        for file in fs::read_dir(&folder).unwrap() {
            let text = fs::read_to_string(file.unwrap().path()).unwrap();
            lines.extend(text.lines().map(str::to_owned));
            sizes.push(text.len());
        }
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(lines.len(), 1500);
        assert!(sizes.len() > 20, "{} files", sizes.len());
        assert!(sizes.iter().all(|size| *size < 1200), "{sizes:?}");
    }

    #[test]
    fn files_are_their_owners_alone_unless_a_person_lets_a_group_in() {
        let folder = folder("rotate-mode");
        let path = folder.join("log.messages");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let mut log = Rotating::open(&path, 10, 2).unwrap();
        for _ in 0..2 {
            log.write_all(b"a long line\n").unwrap();
        }
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(&folder.join("log.messages.1")), 0o600);
        for (before, after) in [(0o644, 0o600), (0o604, 0o600), (0o640, 0o640)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(before)).unwrap();
            drop(Rotating::open(&path, 10, 2).unwrap());
            assert_eq!(mode(&path), after, "{before:o}");
        }
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn the_oldest_are_dropped_and_a_deleted_file_comes_back() {
        let folder = folder("rotate-kept");
        let path = folder.join("log.messages");
        let mut log = Rotating::open(&path, 10, 2).unwrap();
        for line in 0..6 {
            log.write_all(format!("line number {line}\n").as_bytes()).unwrap();
        }
        let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
        assert_eq!(read("log.messages"), "line number 5\n");
        assert_eq!(read("log.messages.2"), "line number 3\n");
        assert!(!folder.join("log.messages.3").exists());
        fs::remove_file(&path).unwrap();
        log.write_all(b"again\n").unwrap();
        assert_eq!(read("log.messages"), "again\n");
        fs::remove_dir_all(&folder).unwrap();
    }
}
