//! Who calls, and what they may do.

use pedidos_core::role::Role;
use poem_openapi::{Enum, Object};
use serde::{Deserialize, Serialize};

/// Who calls, and what they may do.
#[derive(Debug, Clone, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct SessionAnswer {
    /// The name of the key, or the token's subject; `anonymous` where no credentials are required.
    pub name: String,
    /// The caller's role.
    pub role: RoleName,
    /// How the caller authenticated.
    pub via: ViaName,
    /// When the session expires, if it is one: until then, `GET /pedidos/session` renews it.
    pub expires_at: Option<String>,
    /// Every operation that requires a role, and whether the caller has it.
    pub operations: Vec<OperationPermission>,
}

/// Whether an operation may be called.
#[derive(Debug, Clone, Object, Serialize, Deserialize)]
#[oai(rename = "Permission", rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct OperationPermission {
    /// Its `operationId`.
    pub operation: String,
    /// The role that it requires.
    pub role: RoleName,
    /// The caller has this role.
    pub allowed: bool,
}

/// The role of a caller. Each includes the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize, Deserialize)]
#[oai(rename_all = "lowercase")]
#[serde(rename_all = "lowercase")]
pub enum RoleName {
    /// May read.
    Viewer,
    /// May start and control runs.
    Operator,
    /// May delete, and read the audit trail.
    Admin,
}

/// How a caller authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize, Deserialize)]
#[oai(rename_all = "lowercase")]
#[serde(rename_all = "lowercase")]
pub enum ViaName {
    /// Not at all: no credentials are required.
    Anonymous,
    /// With a key.
    Key,
    /// With a token of the identity provider.
    Token,
    /// With the cookie of a browser that signed in.
    Session,
}

/// The browser is signed out.
#[derive(Debug, Clone, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct SignedOut {
    /// The session has ended.
    pub signed_out: bool,
}

impl From<Role> for RoleName {
    fn from(role: Role) -> Self {
        match role {
            Role::Viewer => Self::Viewer,
            Role::Operator => Self::Operator,
            Role::Admin => Self::Admin,
        }
    }
}
