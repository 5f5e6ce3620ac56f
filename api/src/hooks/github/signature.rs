//! GitHub's signature over a body (docs.github.com, "Validating webhook deliveries").

use axum::http::HeaderMap;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

const SIGNATURE_BYTES: usize = 32;

/// Whether `X-Hub-Signature-256` was made with `secret` over this body. Compares in constant time; an empty secret signs nothing.
#[must_use]
pub fn verify(secret: &SecretString, headers: &HeaderMap, body: &[u8]) -> bool {
    let mut sent = headers.get_all("x-hub-signature-256").iter();
    let (Some(signature), None) = (sent.next(), sent.next()) else { return false };
    let Some(signature) = signature.to_str().ok().and_then(decoded) else { return false };
    let secret = secret.expose_secret();
    if secret.is_empty() {
        return false;
    }
    let Ok(mut mac) = <Hmac<Sha256> as KeyInit>::new_from_slice(secret.as_bytes()) else { return false };
    mac.update(body);
    mac.verify_slice(&signature).is_ok()
}

/// The bytes of `sha256=<hexadecimal>`.
fn decoded(signature: &str) -> Option<Vec<u8>> {
    let digits = signature.strip_prefix("sha256=")?.as_bytes();
    if digits.len() != 2 * SIGNATURE_BYTES {
        return None;
    }
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let byte = |pair: &[u8]| Some(digit(pair.first()?)? << 4 | digit(pair.last()?)?);
    digits.chunks_exact(2).map(byte).collect()
}
