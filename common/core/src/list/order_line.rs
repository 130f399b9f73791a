//! An order, as a line of a list describes it.

use crate::order::{Priority, Tier};

#[derive(Debug, Clone, PartialEq)]
pub struct OrderLine {
    /// The client's own id: `ref`, or `id` if there is no `ref`.
    pub reference: Option<String>,
    pub cliente: String,
    /// The price: 0..=1e12, at most two decimals.
    pub valor: f64,
    pub tier: Option<Tier>,
    pub priority: Priority,
    pub observacoes: Option<String>,
    /// The text of a JSON object: exactly as it came, if the line has nothing else that goes there.
    pub dados: Option<String>,
}
