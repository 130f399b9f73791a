//! The fields of a line that are ours. All others go into `dados`.

/// Fields of this prefix are ours too: the export writes them, and a list may have them.
const IGNORED: &str = "pedidos_";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    Ref,
    Id,
    Cliente,
    Valor,
    Tier,
    Priority,
    Observacoes,
    Dados,
}

impl Field {
    pub const ALL: [Self; 8] = [
        Self::Ref,
        Self::Id,
        Self::Cliente,
        Self::Valor,
        Self::Tier,
        Self::Priority,
        Self::Observacoes,
        Self::Dados,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ref => "ref",
            Self::Id => "id",
            Self::Cliente => "cliente",
            Self::Valor => "valor",
            Self::Tier => "tier",
            Self::Priority => "priority",
            Self::Observacoes => "observacoes",
            Self::Dados => "dados",
        }
    }

    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.as_str() == name)
    }
}

pub fn is_ignored(name: &str) -> bool {
    name.starts_with(IGNORED)
}
