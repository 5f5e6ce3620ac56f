//! Slack's signature of a request (Slack: "Verifying requests from Slack"): HMAC-SHA256 over `v0:<timestamp>:<raw body>`.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// How far a request's clock may be from ours, in seconds, in both directions.
const SKEW: u64 = 300;
/// Length of the signature in hexadecimal digits.
const DIGITS: usize = 64;

/// Whether the request was signed with this secret, and not long ago. `body` is the raw bytes as received. Constant time.
pub(crate) fn is_signed(secret: &[u8], timestamp: &str, signature: &str, body: &[u8], now: i64) -> bool {
    let Ok(at) = timestamp.parse::<i64>() else { return false };
    let Some(hex) = signature.strip_prefix("v0=") else { return false };
    if secret.is_empty() || now.abs_diff(at) > SKEW || hex.len() != DIGITS {
        return false;
    }
    let digit = |i: usize| hex.get(2 * i..2 * i + 2).filter(|two| two.bytes().all(|b| b.is_ascii_hexdigit()));
    let tag: Option<Vec<u8>> = (0..DIGITS / 2).map(|i| u8::from_str_radix(digit(i)?, 16).ok()).collect();
    let (Some(tag), Ok(mut mac)) = (tag, Hmac::<Sha256>::new_from_slice(secret)) else { return false };
    for part in [b"v0:".as_slice(), timestamp.as_bytes(), b":", body] {
        mac.update(part);
    }
    mac.verify_slice(&tag).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of Slack's documentation.
    const SECRET: &[u8] = b"8f742231b10e8888abcd99yyyzzz85a5";
    const AT: i64 = 1_531_420_618;
    const BODY: &str = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    const SIGNATURE: &str = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";

    fn signed(at: &str, signature: &str, body: &str, now: i64) -> bool {
        is_signed(SECRET, at, signature, body.as_bytes(), now)
    }

    #[test]
    fn the_published_example_passes_within_five_minutes() {
        let at = AT.to_string();
        for now in [AT, AT + 300, AT - 300] {
            assert!(signed(&at, SIGNATURE, BODY, now), "{now}");
        }
        for now in [AT + 301, AT - 301, 0, i64::MAX, i64::MIN] {
            assert!(!signed(&at, SIGNATURE, BODY, now), "{now}");
        }
    }

    #[test]
    fn whatever_differs_is_refused() {
        let at = AT.to_string();
        let cut = SIGNATURE.strip_suffix(char::is_alphanumeric).unwrap();
        let odd = SIGNATURE.replace("a2", "+2");
        for (at, signature, body) in [
            (at.as_str(), SIGNATURE, "token=other"),
            (&at, "", BODY),
            (&at, "v0=", BODY),
            (&at, cut, BODY),
            (&at, &odd, BODY),
            (&at, &SIGNATURE.replace("v0=", "v1="), BODY),
            ("", SIGNATURE, BODY),
            ("1531420618.0", SIGNATURE, BODY),
            ("01531420618", SIGNATURE, BODY),
        ] {
            assert!(!signed(at, signature, body, AT), "{at} {signature}");
        }
        assert!(!is_signed(b"", &at, SIGNATURE, BODY.as_bytes(), AT));
        assert!(!is_signed(b"another secret", &at, SIGNATURE, BODY.as_bytes(), AT));
    }
}
