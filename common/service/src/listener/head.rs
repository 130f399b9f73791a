//! What the headers of a request say of its body.

/// Which of the bytes after a head are its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// 0 if no header speaks of a body.
    Length(u64),
    Chunked,
    /// It makes no sense: the HTTP library refuses the request and closes the connection.
    Unclear,
}

/// The beginning of a header's line, in lower case: enough for the headers that matter here.
#[derive(Debug, Clone, Copy, Default)]
pub struct HeaderLine {
    begin: [u8; Self::MOST],
    length: usize,
}

impl HeaderLine {
    const MOST: usize = 32;

    pub fn add(&mut self, byte: u8) {
        if let Some(place) = self.begin.get_mut(self.length) {
            *place = byte.to_ascii_lowercase();
        }
        self.length += 1;
    }

    /// None: it is no header about the body.
    pub fn framing(&self) -> Option<Framing> {
        let text = std::str::from_utf8(&self.begin[..self.length.min(Self::MOST)]).ok()?;
        let whole = self.length <= Self::MOST;
        let (name, value) = text.split_once(':')?;
        let value = value.trim();
        match name {
            "content-length" => Some(match value.parse() {
                Ok(length) if whole => Framing::Length(length),
                _ => Framing::Unclear,
            }),
            "transfer-encoding" => {
                let is_known = whole && value == "chunked";
                Some(if is_known { Framing::Chunked } else { Framing::Unclear })
            }
            _ => None,
        }
    }
}
