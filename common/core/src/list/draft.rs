//! The fields of a line, and what an order demands of them.

use std::borrow::Cow;

use super::{
    field::Field,
    order_line::OrderLine,
    reject::{Problem, RejectCode, shorten},
    valor,
};
use crate::order::{Priority, Tier};

const REF_LIMIT: usize = 128;
const CLIENTE_LIMIT: usize = 256;
const OBSERVACOES_LIMIT: usize = 1_024;

/// The texts of the fields that a line has.
#[derive(Debug, Default)]
pub struct Draft<'a> {
    pub reference: Option<Cow<'a, str>>,
    pub cliente: Option<Cow<'a, str>>,
    /// As JSON writes a number.
    pub valor: Option<Cow<'a, str>>,
    pub tier: Option<Cow<'a, str>>,
    pub priority: Option<Cow<'a, str>>,
    pub observacoes: Option<Cow<'a, str>>,
    /// A JSON object that has been checked.
    pub dados: Option<String>,
}

impl Draft<'_> {
    pub fn check(self, default_priority: Option<Priority>) -> Result<OrderLine, Problem> {
        let missing = |field: Field| {
            let text = "is missing: every order has one";
            Problem::of_field(field.as_str(), RejectCode::Required, text)
        };
        if let Some(text) = &self.reference {
            name(Field::Ref, text, REF_LIMIT)?;
        }
        let cliente = self.cliente.ok_or_else(|| missing(Field::Cliente))?;
        name(Field::Cliente, &cliente, CLIENTE_LIMIT)?;
        let valor = valor::read(&self.valor.ok_or_else(|| missing(Field::Valor))?)?;
        let tier = one_of(Field::Tier, self.tier.as_deref(), Tier::ALL, Tier::as_str)?;
        let priority =
            one_of(Field::Priority, self.priority.as_deref(), Priority::ALL, Priority::as_str)?;
        if let Some(text) = &self.observacoes {
            length(Field::Observacoes, text, OBSERVACOES_LIMIT)?;
            // Line ends may be those of Windows.
            controls(Field::Observacoes, text, &['\t', '\n', '\r'])?;
        }
        let priority = priority.or_else(|| tier.map(Tier::priority)).or(default_priority);
        let Some(priority) = priority else {
            return Err(Problem::of_field(
                Field::Priority.as_str(),
                RejectCode::NoPriority,
                "is missing, and there is no tier and no default priority: give the line a \
                 priority (VIP, NORMAL) or a tier, or the import a defaultPriority",
            ));
        };
        Ok(OrderLine {
            reference: self.reference.map(Cow::into_owned),
            cliente: cliente.into_owned(),
            valor,
            tier,
            priority,
            observacoes: self.observacoes.map(Cow::into_owned),
            dados: self.dados,
        })
    }
}

/// A text that a person or a program finds the order by.
fn name(field: Field, text: &str, limit: usize) -> Result<(), Problem> {
    if text.trim().is_empty() {
        let text = "is empty: it needs a character that is not white space";
        return Err(Problem::of_field(field.as_str(), RejectCode::Empty, text));
    }
    length(field, text, limit)?;
    controls(field, text, &[])
}

fn length(field: Field, text: &str, limit: usize) -> Result<(), Problem> {
    // No character has less than one byte.
    let length = if text.len() <= limit { 0 } else { text.chars().count() };
    if length <= limit {
        return Ok(());
    }
    let text = format!("has {length} characters: it may have {limit} at most");
    Err(Problem::of_field(field.as_str(), RejectCode::TooLong, text))
}

fn controls(field: Field, text: &str, allowed: &[char]) -> Result<(), Problem> {
    let Some(found) = text.chars().find(|c| c.is_control() && !allowed.contains(c)) else {
        return Ok(());
    };
    let text = format!("has the control character U+{:04X}: take it out", u32::from(found));
    Err(Problem::of_field(field.as_str(), RejectCode::ControlCharacter, text))
}

fn one_of<T: Copy, const N: usize>(
    field: Field,
    text: Option<&str>,
    all: [T; N],
    name: fn(T) -> &'static str,
) -> Result<Option<T>, Problem> {
    let Some(text) = text else { return Ok(None) };
    if let Some(found) = all.into_iter().find(|it| name(*it) == text) {
        return Ok(Some(found));
    }
    let all = all.map(name).join(", ");
    let text = format!("is '{}': it must be one of {all}, in upper case", shorten(text));
    Err(Problem::of_field(field.as_str(), RejectCode::NotAllowed, text))
}
