//! What the API answered.

use std::marker::PhantomData;

use serde::de::{DeserializeOwned, IgnoredAny};

use crate::failure::{Failure, Result};

/// An answer, as it came: it may have fields that this program does not know.
#[derive(Debug)]
pub struct Answer<T> {
    text: String,
    is_partial: bool,
    /// The API's name, for errors.
    api: String,
    says: PhantomData<fn() -> T>,
}

impl<T> Answer<T> {
    pub const fn new(text: String, is_partial: bool, api: String) -> Self {
        Self { text, is_partial, api, says: PhantomData }
    }

    /// Is there more to do (202)?
    pub const fn is_partial(&self) -> bool {
        self.is_partial
    }

    /// The text, if it is JSON.
    pub fn json(&self) -> Result<&str> {
        self.parsed::<IgnoredAny>()?;
        Ok(self.text.trim_end())
    }

    /// The text, whatever it is.
    pub fn text(&self) -> &str {
        self.text.trim_end()
    }

    fn parsed<A: DeserializeOwned>(&self) -> Result<A> {
        serde_json::from_str(&self.text).map_err(|error| {
            let api = &self.api;
            Failure::Failed(format!("cannot read the answer of {api}: {error}; is it the API?"))
        })
    }
}

impl<T: DeserializeOwned> Answer<T> {
    pub fn read(&self) -> Result<T> {
        self.parsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_json_is_not_printed_as_json() {
        let answer = |text: &str| Answer::<u32>::new(text.to_owned(), false, "http://a".to_owned());
        assert_eq!(answer("5\n").json().ok(), Some("5"));
        assert_eq!(answer("5").read().ok(), Some(5));
        for text in ["<html>", "{", "5 5", ""] {
            assert!(answer(text).json().is_err(), "{text}");
        }
    }
}
