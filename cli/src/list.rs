//! A list of orders, as `pedidos import` sends it: read from a file piece by piece, its fields
//! renamed on the way. However often it is sent, it is the same list.

mod body;
mod csv;
#[cfg(test)]
mod documented;
mod format;
mod mapping;
mod ndjson;
mod source;

pub use self::{
    body::Sent,
    format::{Format, FormatFlags},
    mapping::{Mapping, Rename},
    source::Source,
};
