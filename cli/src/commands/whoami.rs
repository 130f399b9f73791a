//! `pedidos whoami`: whose key this is.

use pedidos_api_types::session::{RoleName, SessionAnswer, ViaName};
use pedidos_core::text::one_line;

use super::show;
use crate::{client::Client, failure::Result};

pub async fn run(client: &Client) -> Result<()> {
    show::answer(&client.session().await?, text)
}

fn text(session: &SessionAnswer) -> String {
    let role = |role| match role {
        RoleName::Viewer => "viewer",
        RoleName::Operator => "operator",
        RoleName::Admin => "admin",
    };
    let via = match session.via {
        ViaName::Anonymous => "without a key",
        ViaName::Key => "by key",
        ViaName::Token => "by token",
        ViaName::Session => "by session",
    };
    let mut lines = vec![format!("{} ({} {via})", one_line(&session.name), role(session.role))];
    let not_allowed = session.operations.iter().filter(|operation| !operation.allowed);
    let not_allowed: Vec<_> = not_allowed
        .map(|it| format!("  {} (for {})", one_line(&it.operation), role(it.role)))
        .collect();
    if not_allowed.is_empty() {
        lines.push("may call every operation".to_owned());
    } else {
        lines.push("may call every operation but".to_owned());
        lines.extend(not_allowed);
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    #[test]
    fn a_caller_is_told_what_is_not_allowed() {
        let mut session = json!({
            "name": "ana", "role": "operator", "via": "key", "expiresAt": null,
            "operations": [
                { "operation": "cancel", "role": "operator", "allowed": true },
                { "operation": "reset", "role": "admin", "allowed": false }
            ]
        });
        let said =
            |session: &serde_json::Value| text(&serde_json::from_value(session.clone()).unwrap());
        assert_eq!(
            said(&session),
            "ana (operator by key)\nmay call every operation but\n  reset (for admin)"
        );
        session["operations"][1]["allowed"] = json!(true);
        assert_eq!(said(&session), "ana (operator by key)\nmay call every operation");
    }
}
