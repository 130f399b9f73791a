//! A line of NDJSON.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, Visitor},
};
use serde_json::{error::Category, value::RawValue};

use super::{
    dados,
    draft::Draft,
    field::{Field, is_ignored},
    reject::{Problem, RejectCode, shorten},
};

pub fn read(line: &[u8]) -> Result<Draft<'_>, Problem> {
    let text = std::str::from_utf8(line).map_err(|error| {
        let text = format!(
            "byte {} of the line is not UTF-8: save the list as UTF-8 (it may be Latin-1)",
            error.valid_up_to() + 1
        );
        Problem::of_line(RejectCode::NotUtf8, text)
    })?;
    let members: Members<'_> = serde_json::from_str(text).map_err(|error| not_read(&error))?;
    if let Some(name) = &members.twice {
        return Err(dados::twice(name));
    }
    members.draft()
}

fn not_read(error: &serde_json::Error) -> Problem {
    match error.classify() {
        Category::Data => Problem::of_line(
            RejectCode::NotAnObject,
            "the line is no JSON object: each line is one, such as {\"cliente\":\"Ana\",\"valor\":12.5}",
        ),
        _ => Problem::of_line(
            RejectCode::NotJson,
            format!(
                "the line is not valid JSON: {} (character {}); each line is a whole JSON object",
                dados::what(&error.to_string()),
                error.column()
            ),
        ),
    }
}

/// The members of the line's object, each as its text.
#[derive(Default)]
struct Members<'a> {
    known: [Option<&'a RawValue>; Field::ALL.len()],
    others: Vec<(Cow<'a, str>, &'a RawValue)>,
    /// A field that is given twice. Others are compared with `dados` later.
    twice: Option<Cow<'a, str>>,
}

impl<'a> Members<'a> {
    fn get(&self, field: Field) -> Option<&'a str> {
        let raw = self.known.get(field as usize).copied().flatten()?.get();
        (raw != "null").then_some(raw)
    }

    fn draft(self) -> Result<Draft<'a>, Problem> {
        let mut others: Vec<dados::Member<'_>> = Vec::new();
        let reference = match (self.get(Field::Ref), self.get(Field::Id)) {
            (Some(own), id) => {
                others.extend(id.map(|raw| (Field::Id.as_str().into(), raw.into())));
                Some(reference(Field::Ref, own)?)
            }
            (None, Some(id)) => Some(reference(Field::Id, id)?),
            (None, None) => None,
        };
        let object = self.get(Field::Dados);
        let text = |field| self.get(field).map(|raw| string(field, raw)).transpose();
        let (cliente, tier, priority, observacoes) = (
            text(Field::Cliente)?,
            text(Field::Tier)?,
            text(Field::Priority)?,
            text(Field::Observacoes)?,
        );
        let valor = self.get(Field::Valor).map(number).transpose()?;
        others.extend(self.others.into_iter().map(|(name, raw)| (name, raw.get().into())));
        let dados = dados::join(object, &others)?;
        Ok(Draft { reference, cliente, valor, tier, priority, observacoes, dados })
    }
}

fn reference(field: Field, raw: &str) -> Result<Cow<'_, str>, Problem> {
    if raw.bytes().all(|c| c.is_ascii_digit()) {
        return Ok(raw.into());
    }
    if raw.starts_with('"') {
        return string(field, raw);
    }
    let text = format!("is {}: it must be a string or a whole number", shorten(raw));
    Err(Problem::of_field(field.as_str(), RejectCode::Type, text))
}

fn string(field: Field, raw: &str) -> Result<Cow<'_, str>, Problem> {
    if !raw.starts_with('"') {
        let text = format!("is {}: it must be a string, in quotes", shorten(raw));
        return Err(Problem::of_field(field.as_str(), RejectCode::Type, text));
    }
    serde_json::from_str::<Text<'_>>(raw).map(|text| text.0).map_err(|error| {
        let text = format!("is not a valid JSON string: {}", dados::what(&error.to_string()));
        Problem::of_field(field.as_str(), RejectCode::NotJson, text)
    })
}

fn number(raw: &str) -> Result<Cow<'_, str>, Problem> {
    if raw.starts_with(|c: char| c == '-' || c.is_ascii_digit()) {
        return Ok(raw.into());
    }
    let text = format!("is {}: it must be a number, without quotes", shorten(raw));
    Err(Problem::of_field(Field::Valor.as_str(), RejectCode::Type, text))
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(Self::default())
    }
}

impl<'de: 'a, 'a> Visitor<'de> for Members<'a> {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Self, A::Error> {
        while let Some(Text(name)) = map.next_key()? {
            if let Some(field) = Field::of(&name) {
                let value = map.next_value()?;
                if let Some(slot) = self.known.get_mut(field as usize)
                    && slot.replace(value).is_some()
                {
                    self.twice = Some(name);
                }
            } else if is_ignored(&name) {
                map.next_value::<IgnoredAny>()?;
            } else {
                self.others.push((name, map.next_value()?));
            }
        }
        Ok(self)
    }
}

/// A string, borrowed from the line if it has no escapes.
struct Text<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_str(Self(Cow::Borrowed("")))
    }
}

impl<'de: 'a, 'a> Visitor<'de> for Text<'a> {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self, E> {
        Ok(Self(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self, E> {
        Ok(Self(Cow::Owned(text.to_owned())))
    }
}
