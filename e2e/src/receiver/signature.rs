//! Standard Webhooks: who knows the secret has sent this.

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use pedidos_core::time::now_ms;
use ring::hmac;

use super::call::Call;

/// A new secret, as a person would write it into a setting.
pub fn secret() -> String {
    let random = [uuid::Uuid::new_v4().into_bytes(), uuid::Uuid::new_v4().into_bytes()].concat();
    format!("whsec_{}", BASE64.encode(random))
}

/// Does one of the call's signatures come from this secret, and its time from the minutes in which
/// it was received?
pub fn is_signed(call: &Call, secret: &str) -> bool {
    let (id, timestamp) = (call.header("webhook-id"), call.header("webhook-timestamp"));
    let sent: i64 = timestamp.parse().unwrap_or_default();
    let secret = secret.strip_prefix("whsec_").expect("it begins so");
    let key = BASE64.decode(secret).expect("it is base64");
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let message = [format!("{id}.{timestamp}.").as_bytes(), &call.body].concat();
    let is_right = |signature: &str| {
        let signature = signature.strip_prefix("v1,").and_then(|it| BASE64.decode(it).ok());
        signature.is_some_and(|signature| hmac::verify(&key, &message, &signature).is_ok())
    };
    let received = now_ms() / 1_000 - call.received.elapsed().as_secs() as i64;
    let is_fresh = (received - sent).abs() < 300;
    is_fresh && call.header("webhook-signature").split(' ').any(is_right)
}
