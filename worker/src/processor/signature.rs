//! Signs calls as Standard Webhooks 1.0.0 says (standardwebhooks.com): HMAC-SHA256 over the id, the time
//! and the body, with a dot between them.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::hmac;

/// Signs with a secret, or with two while one replaces the other.
#[derive(Clone)]
pub struct Signer(Vec<hmac::Key>);

impl Signer {
    /// Secrets are `whsec_` and 24 to 64 bytes in base64.
    ///
    /// # Errors
    /// One is not; the error does not show it.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        secrets.into_iter().map(key).collect::<Result<_, _>>().map(Self)
    }

    /// The value of `webhook-signature`. `time`: seconds since the epoch.
    pub fn sign(&self, id: &str, time: i64, body: &[u8]) -> String {
        let signed = |key: &hmac::Key| {
            let mut context = hmac::Context::with_key(key);
            context.update(format!("{id}.{time}.").as_bytes());
            context.update(body);
            format!("v1,{}", STANDARD.encode(context.sign()))
        };
        self.0.iter().map(signed).collect::<Vec<_>>().join(" ")
    }
}

fn key(secret: &str) -> Result<hmac::Key, String> {
    let bytes = STANDARD.decode(secret.strip_prefix("whsec_").unwrap_or(secret));
    match bytes {
        Ok(bytes) if (24..=64).contains(&bytes.len()) => {
            Ok(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
        }
        _ => Err("not whsec_ and 24 to 64 random bytes in base64".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// The example of the specification's own libraries.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn sign(secrets: &[&str]) -> String {
        let body = br#"{"test": 2432232314}"#;
        let signer = Signer::new(secrets.iter().copied()).unwrap();
        signer.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body)
    }

    #[test]
    fn a_call_is_signed_as_the_published_example() {
        assert_eq!(sign(&[SECRET]), SIGNATURE);
        assert_eq!(sign(&[SECRET.strip_prefix("whsec_").unwrap()]), SIGNATURE);
    }

    #[test]
    fn while_a_secret_is_replaced_both_sign() {
        let both = sign(&["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", SECRET]);
        let signatures: Vec<_> = both.split(' ').collect();
        assert_eq!((signatures.len(), signatures[1]), (2, SIGNATURE));
        assert_ne!(signatures[0], SIGNATURE);
    }

    #[test]
    fn a_secret_that_is_none_is_refused_and_not_shown() {
        for wrong in ["", "whsec_", "whsec_short", "whsec_MfKQ9r8GKYqrTw", "not base64 at all!"] {
            let error = Signer::new([wrong]).err().unwrap();
            assert!(wrong.len() < 10 || !error.contains(wrong), "{error}");
        }
    }
}
