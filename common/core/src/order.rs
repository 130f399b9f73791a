//! Orders: what they are, their ids, and the generator that derives them.
//!
//! Only `createdAt` is not derived: it is the time, by Redis' clock, at which the lease was granted
//! under which the order was stored. A worker's own clock may be hours off.

mod generator;
mod id;
mod priorities;

use bson::{DateTime, Document, RawDocumentBuf, cstr, doc};
use serde::{Deserialize, Serialize};

pub use self::{
    generator::Generator,
    id::OrderId,
    priorities::{Priorities, VipBits},
};

/// The status of an order that is not processed yet.
pub const PENDENTE: &str = "pendente";
/// Terminal: processed.
pub const PROCESSADO: &str = "processado";
/// Terminal: a dead letter.
pub const FALHOU: &str = "falhou";
/// Terminal: taken out of the queue by a person.
pub const REMOVIDO: &str = "removido";
/// Terminal: its run was cancelled first.
pub const CANCELADO: &str = "cancelado";

/// Which of the two queues an order waits in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Priority {
    /// Tier DIAMANTE: processed before any NORMAL order.
    Vip,
    /// Every other tier: waits behind the fence.
    Normal,
}

impl Priority {
    /// Both, in the order in which they are processed.
    pub const ALL: [Self; 2] = [Self::Vip, Self::Normal];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Vip => "VIP",
            Self::Normal => "NORMAL",
        }
    }

    /// The `observacoes` of a processed order.
    #[must_use]
    pub const fn processed_note(self) -> &'static str {
        match self {
            Self::Vip => "enviado com prioridade",
            Self::Normal => "processado sem prioridade",
        }
    }
}

/// A customer's tier, evenly drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Tier {
    Bronze,
    Prata,
    Ouro,
    /// The only one whose orders are VIP.
    Diamante,
}

impl Tier {
    pub(crate) const ALL: [Self; 4] = [Self::Bronze, Self::Prata, Self::Ouro, Self::Diamante];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bronze => "BRONZE",
            Self::Prata => "PRATA",
            Self::Ouro => "OURO",
            Self::Diamante => "DIAMANTE",
        }
    }

    #[must_use]
    pub const fn priority(self) -> Priority {
        match self {
            Self::Diamante => Priority::Vip,
            Self::Bronze | Self::Prata | Self::Ouro => Priority::Normal,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    pub id: OrderId,
    pub tier: Tier,
    /// Price in hundredths, 0..=100,000.
    pub cents: u32,
    /// Its `observacoes` until it is processed.
    pub note: &'static str,
}

impl Order {
    #[must_use]
    pub const fn priority(&self) -> Priority {
        self.tier.priority()
    }

    #[must_use]
    pub fn cliente(&self) -> String {
        format!("Cliente {}", self.id.index())
    }

    /// The price: 0.00..=1000.00, two decimals.
    #[must_use]
    pub fn valor(&self) -> f64 {
        f64::from(self.cents) / 100.0
    }

    /// The document of a new order.
    #[must_use]
    pub fn to_raw_document(&self, run_id: &str, created_at: DateTime) -> RawDocumentBuf {
        let mut buffer = OrderId::text_buffer();
        let id = self.id.encode(&mut buffer);
        let mut raw = RawDocumentBuf::new();
        raw.append(cstr!("_id"), id);
        raw.append(cstr!("id"), id);
        raw.append(cstr!("cliente"), self.cliente());
        raw.append(cstr!("valor"), self.valor());
        raw.append(cstr!("tier"), self.tier.as_str());
        raw.append(cstr!("priority"), self.priority().as_str());
        raw.append(cstr!("observacoes"), self.note);
        raw.append(cstr!("status"), PENDENTE);
        raw.append(cstr!("createdAt"), created_at);
        raw.append(cstr!("runId"), run_id);
        raw
    }

    /// The fields that nothing may change later: the verification compares them.
    #[must_use]
    pub fn fixed_fields(&self, run_id: &str) -> Document {
        let id = self.id.to_string();
        doc! {
            "_id": &id,
            "id": &id,
            "cliente": self.cliente(),
            "valor": self.valor(),
            "tier": self.tier.as_str(),
            "priority": self.priority().as_str(),
            "runId": run_id,
        }
    }
}
