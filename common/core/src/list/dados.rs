//! The object that an order takes along: what a line has in `dados`, as it came, and then all that
//! has no field of its own.

use std::{borrow::Cow, collections::HashSet, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use super::reject::{Problem, RejectCode};

const FIELD: &str = "dados";
const LIMIT: usize = 16 * 1_024;

/// A member that goes into `dados`: its name, and its value as JSON text.
pub type Member<'a> = (Cow<'a, str>, Cow<'a, str>);

/// Puts the members behind those of the object. Answers its text, once a reader of JSON reads it.
pub fn join(object: Option<&str>, members: &[Member<'_>]) -> Result<Option<String>, Problem> {
    let text = match (object, members) {
        (None, []) => return Ok(None),
        (Some(object), []) => object.to_owned(),
        (object, members) => append(object.unwrap_or("{}"), members)?,
    };
    check(&text)?;
    Ok(Some(text))
}

fn append(object: &str, members: &[Member<'_>]) -> Result<String, Problem> {
    check(object)?;
    let own = serde_json::from_str::<Names>(object).map_err(|error| problem(&error))?.0;
    let mut is_first = own.is_empty();
    let mut names: HashSet<Cow<'_, str>> = own.into_iter().map(Cow::Owned).collect();
    let mut text = object.strip_suffix('}').unwrap_or(object).to_owned();
    for (name, value) in members {
        if !names.insert(Cow::Borrowed(name)) {
            return Err(twice(name));
        }
        if !is_first {
            text.push(',');
        }
        is_first = false;
        text.push_str(&quoted(name));
        text.push(':');
        text.push_str(value);
    }
    text.push('}');
    Ok(text)
}

/// A string as JSON writes it.
pub fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

pub fn twice(name: &str) -> Problem {
    let text = "is given twice, in the line or in the line and in dados: give it once";
    Problem::of_field(name, RejectCode::DuplicateKey, text)
}

fn check(text: &str) -> Result<(), Problem> {
    if text.len() > LIMIT {
        let text =
            format!("has {} bytes with what else is in the line: {LIMIT} at most", text.len());
        return Err(Problem::of_field(FIELD, RejectCode::TooLong, text));
    }
    if !text.starts_with('{') {
        let text = "must be a JSON object, such as {\"color\":\"blue\"}";
        return Err(Problem::of_field(FIELD, RejectCode::Type, text));
    }
    serde_json::from_str::<Whole>(text).map_err(|error| problem(&error))?;
    Ok(())
}

fn problem(error: &serde_json::Error) -> Problem {
    let text = error.to_string();
    if text.starts_with("recursion limit exceeded") {
        let text = "has more than 127 objects and lists in each other: make it flatter";
        return Problem::of_field(FIELD, RejectCode::TooDeep, text);
    }
    let text = format!("is not valid JSON: {}", what(&text));
    Problem::of_field(FIELD, RejectCode::NotJson, text)
}

/// Without the place, which counts from the start of the value.
pub fn what(error: &str) -> &str {
    error.rsplit_once(" at line ").map_or(error, |(what, _)| what)
}

/// Any value, read to its end: what serde_json ignores it does not check for depth, for the range
/// of numbers, or for halves of characters.
struct Whole;

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Whole {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self, A::Error> {
        while list.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self, A::Error> {
        while map.next_entry::<Self, Self>()?.is_some() {}
        Ok(self)
    }
}

/// The names of an object's members.
struct Names(Vec<String>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(Self(Vec::new()))
    }
}

impl<'de> Visitor<'de> for Names {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Self, A::Error> {
        while let Some((name, _)) = map.next_entry::<String, IgnoredAny>()? {
            self.0.push(name);
        }
        Ok(self)
    }
}
