//! The arguments of `pedidos key`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use pedidos_core::{
    key_file::{expiry, key_name},
    role::Role,
};

#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Create a key: print it, this once, and append its hash to the key file
    New(NewKey),
    /// Store a key for this user. It is sent only to the API at --url. The key is taken from
    /// --key or PEDIDOS_KEY, else from standard input
    Store,
    /// List the keys of a key file
    List {
        #[command(flatten)]
        file: KeyFileArg,
    },
    /// Revoke a key. APIs that use the key file refuse it within a second
    Revoke {
        #[command(flatten)]
        file: KeyFileArg,
        /// Name of the key
        #[arg(long, value_name = "N")]
        name: String,
    },
}

#[derive(Debug, Args)]
pub struct NewKey {
    #[command(flatten)]
    pub file: KeyFileArg,
    /// Name of the person or program that gets the key: the audit trail shows it
    #[arg(long, value_name = "N", value_parser = key_name)]
    pub name: String,
    /// What the key allows: viewer (read), operator (also start, pause and cancel runs) or admin
    /// (everything)
    #[arg(long, value_name = "R")]
    pub role: Role,
    /// When the key expires: 90d, 12h, 2027-01-31 or 2027-01-31T12:00:00Z [default: never]
    #[arg(long, value_name = "D", value_parser = expiry)]
    pub expires: Option<i64>,
}

#[derive(Debug, Args)]
pub struct KeyFileArg {
    /// The key file of the API, its API_KEYS_FILE
    #[arg(long = "file", value_name = "F", env = "API_KEYS_FILE")]
    pub path: PathBuf,
}
