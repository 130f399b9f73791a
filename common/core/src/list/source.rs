//! The bytes of a list: as they are fed, or unpacked from gzip, a step at a time.

use std::{io::Write, mem};

use flate2::write::MultiGzDecoder;

use super::error::ListError;

/// Compressed bytes in a step. A step unpacks no more than some 64 KiB, whatever is in them.
const STEP: usize = 4 * 1_024;

pub struct Source {
    plain: Vec<u8>,
    /// How many bytes of `plain` are taken.
    at: usize,
    gunzip: Option<Gunzip>,
    ended: bool,
    /// Bytes of the list that are taken, in all.
    taken: u64,
}

struct Gunzip {
    /// Several members are one list: gzip files may be appended to each other.
    decoder: MultiGzDecoder<Vec<u8>>,
    packed: Vec<u8>,
    at: usize,
    finished: bool,
}

impl Source {
    pub fn new(gzip: bool) -> Self {
        let gunzip = gzip.then(|| Gunzip {
            decoder: MultiGzDecoder::new(Vec::new()),
            packed: Vec::new(),
            at: 0,
            finished: false,
        });
        Self { plain: Vec::new(), at: 0, gunzip, ended: false, taken: 0 }
    }

    pub fn feed(&mut self, bytes: &[u8]) {
        let (kept, at) = match &mut self.gunzip {
            Some(gunzip) => (&mut gunzip.packed, &mut gunzip.at),
            None => (&mut self.plain, &mut self.at),
        };
        kept.drain(..mem::take(at));
        kept.extend_from_slice(bytes);
    }

    pub fn end(&mut self) {
        self.ended = true;
    }

    #[cfg(test)]
    pub fn held(&self) -> usize {
        let packed = self.gunzip.as_ref().map_or(0, |gunzip| gunzip.packed.capacity());
        self.plain.capacity() + packed
    }

    /// The bytes that can be read now.
    pub fn ready(&self) -> &[u8] {
        self.plain.get(self.at..).unwrap_or_default()
    }

    pub fn take(&mut self, count: usize) {
        self.at += count;
        self.taken += count as u64;
    }

    pub const fn taken(&self) -> u64 {
        self.taken
    }

    /// No byte comes after those that are ready.
    pub fn is_over(&self) -> bool {
        self.ended && self.gunzip.as_ref().is_none_or(|gunzip| gunzip.finished)
    }

    /// Unpacks a step more. False: there is nothing to unpack now.
    pub fn more(&mut self) -> Result<bool, ListError> {
        let Some(gunzip) = &mut self.gunzip else { return Ok(false) };
        let packed = gunzip.packed.get(gunzip.at..).unwrap_or_default();
        if packed.is_empty() {
            if !self.ended || mem::replace(&mut gunzip.finished, true) {
                return Ok(false);
            }
            gunzip.decoder.try_finish().map_err(|_| cut())?;
        } else {
            let step = packed.get(..STEP).unwrap_or(packed);
            match gunzip.decoder.write(step) {
                Ok(count @ 1..) => gunzip.at += count,
                Ok(0) | Err(_) => return Err(damaged()),
            }
        }
        self.plain.drain(..mem::take(&mut self.at));
        self.plain.append(gunzip.decoder.get_mut());
        Ok(true)
    }
}

fn cut() -> ListError {
    ListError::Broken(
        "The gzip stream ends too early, or its checksum is wrong: compress and send it again"
            .to_owned(),
    )
}

fn damaged() -> ListError {
    ListError::Broken(
        "The content is said to be gzip, and it is not, or it is damaged: compress it again, or \
         send it without Content-Encoding"
            .to_owned(),
    )
}
