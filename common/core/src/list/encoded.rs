//! The cells of a CSV record as one sequence of bytes: each with its length in front, so that
//! neither quotes nor line ends count, and no two records are the same bytes.

/// The texts between the ends.
pub fn cells<'a>(text: &'a str, ends: &'a [usize]) -> impl Iterator<Item = &'a str> {
    let starts = [0].into_iter().chain(ends.iter().copied());
    starts.zip(ends).map(|(start, end)| text.get(start..*end).unwrap_or_default())
}

/// What follows the last end is a cell too, cut off.
pub fn encode(bytes: &[u8], ends: &[usize]) -> Vec<u8> {
    let mut encoded = Vec::with_capacity(bytes.len() + 4 * ends.len() + 4);
    let mut start = 0;
    let tail = (ends.last().copied().unwrap_or_default() < bytes.len()).then_some(bytes.len());
    for end in ends.iter().copied().chain(tail) {
        let cell = bytes.get(start..end).unwrap_or_default();
        start = end;
        encoded.extend_from_slice(&(cell.len() as u32).to_le_bytes());
        encoded.extend_from_slice(cell);
    }
    encoded
}

pub fn decode(mut encoded: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, rest) = encoded.split_first_chunk::<4>()?;
        let (cell, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        encoded = rest;
        Some(cell)
    })
}
