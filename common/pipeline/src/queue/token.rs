//! Tokens name leases.

/// The name of a lease, made by its claimer: 128 random bits, so that neither another worker
/// nor an older Redis gives it twice (I6).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Token(String);

impl Token {
    /// From the operating system's randomness.
    #[must_use]
    pub fn random() -> Self {
        Self(format!("{:032x}", rand::random::<u128>()))
    }

    pub(super) const fn from_redis(text: String) -> Self {
        Self(text)
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
