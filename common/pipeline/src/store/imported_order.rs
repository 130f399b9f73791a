//! An imported order, as it is stored.

use mongodb::bson::{DateTime, Document, RawDocumentBuf, cstr, raw::CStr};
use pedidos_core::{
    list::OrderLine,
    order::{OrderId, PENDENTE},
};
use ring::digest::{Context, SHA256};

use super::error::{Result, corrupt};

/// The fields that processing does not change, in the order in which they are hashed.
const FIXED: [&CStr; 9] = [
    cstr!("_id"),
    cstr!("id"),
    cstr!("ref"),
    cstr!("cliente"),
    cstr!("valor"),
    cstr!("tier"),
    cstr!("priority"),
    cstr!("dados"),
    cstr!("runId"),
];

/// The hash over the orders of a block.
pub struct BlockHash(Context);

impl Default for BlockHash {
    fn default() -> Self {
        Self(Context::new(&SHA256))
    }
}

impl BlockHash {
    fn add(&mut self, fixed: &RawDocumentBuf) {
        self.0.update(fixed.as_bytes());
    }

    /// Adds an order as it was read.
    pub fn add_stored(&mut self, order: &Document) -> Result<()> {
        let mut fixed = RawDocumentBuf::new();
        for field in FIXED {
            if let Some(value) = order.get(field.as_str()) {
                fixed.append(
                    field,
                    mongodb::bson::RawBson::try_from(value.clone()).map_err(corrupt)?,
                );
            }
        }
        self.add(&fixed);
        Ok(())
    }

    /// In hexadecimal digits.
    #[must_use]
    pub fn hex(self) -> String {
        pedidos_core::bytes::hex(self.0.finish().as_ref())
    }
}

/// The document of a new order, which is added to the hash of its block.
pub(crate) fn document(
    line: &OrderLine,
    id: OrderId,
    import_id: &str,
    attempt: i64,
    created_at: DateTime,
    hash: &mut BlockHash,
) -> RawDocumentBuf {
    let id = id.to_string();
    let mut raw = RawDocumentBuf::new();
    raw.append(cstr!("_id"), id.as_str());
    raw.append(cstr!("id"), id.as_str());
    if let Some(reference) = &line.reference {
        raw.append(cstr!("ref"), reference.as_str());
    }
    raw.append(cstr!("cliente"), line.cliente.as_str());
    raw.append(cstr!("valor"), line.valor);
    if let Some(tier) = line.tier {
        raw.append(cstr!("tier"), tier.as_str());
    }
    raw.append(cstr!("priority"), line.priority.as_str());
    if let Some(dados) = &line.dados {
        raw.append(cstr!("dados"), dados.as_str());
    }
    raw.append(cstr!("runId"), import_id);
    hash.add(&raw);
    if let Some(observacoes) = &line.observacoes {
        raw.append(cstr!("observacoes"), observacoes.as_str());
    }
    raw.append(cstr!("status"), PENDENTE);
    raw.append(cstr!("createdAt"), created_at);
    raw.append(cstr!("attempt"), attempt);
    raw
}
