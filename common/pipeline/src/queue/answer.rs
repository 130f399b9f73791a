//! Reads an answer part by part, in the order in which its script writes it.

use std::slice;

use fred::types::Value;
use pedidos_core::order::OrderId;

use super::error::{Result, unexpected};

pub(super) struct Answer<'a> {
    whole: &'a Value,
    parts: slice::Iter<'a, Value>,
}

impl<'a> Answer<'a> {
    pub(super) fn read(whole: &'a Value) -> Result<Self> {
        match whole {
            Value::Array(parts) => Ok(Self { whole, parts: parts.iter() }),
            _ => Err(unexpected(whole)),
        }
    }

    pub(super) fn is_at_its_end(&self) -> bool {
        self.parts.as_slice().is_empty()
    }

    pub(super) fn value(&mut self) -> Result<&'a Value> {
        self.parts.next().ok_or_else(|| unexpected(self.whole))
    }

    pub(super) fn text(&mut self) -> Result<String> {
        self.read_as(Value::as_string)
    }

    pub(super) fn int(&mut self) -> Result<i64> {
        self.read_as(Value::as_i64)
    }

    pub(super) fn count(&mut self) -> Result<u64> {
        self.read_as(Value::as_u64)
    }

    pub(super) fn ids(&mut self) -> Result<Vec<OrderId>> {
        self.read_as(|value| Some(OrderId::unpack(value.as_bytes()?).collect()))
    }

    /// What no answer of a script is.
    pub(super) fn unexpected(&self) -> super::error::QueueError {
        unexpected(self.whole)
    }

    fn read_as<T>(&mut self, read: impl Fn(&'a Value) -> Option<T>) -> Result<T> {
        read(self.value()?).ok_or_else(|| unexpected(self.whole))
    }
}
