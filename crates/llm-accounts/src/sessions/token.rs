//! Tokens that the gateway signs for itself (JWT, HS256), with the master key as LiteLLM does.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use llm_types::{Json, Secret};

/// Longest token that is read, in bytes.
const LONGEST: usize = 16 << 10;

/// A token with these claims, which should have an end (`exp`).
#[must_use]
pub fn write_token(claims: &Json, key: &Secret) -> String {
    let head = URL_SAFE_NO_PAD.encode(br#"{"alg":"HS256","typ":"JWT"}"#);
    let signed = format!("{head}.{}", URL_SAFE_NO_PAD.encode(claims.to_raw().get()));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.expose().as_bytes()), signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
}

/// The claims of a token that this key signed and that has not ended; `now` is in seconds since 1970. Nothing otherwise,
/// and nothing without a key.
#[must_use]
pub fn read_token(token: &str, key: &Secret, now: i64) -> Option<Json> {
    if token.len() > LONGEST || key.is_empty() {
        return None;
    }
    let (signed, tag) = token.rsplit_once('.')?;
    let (head, claims) = signed.split_once('.')?;
    let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
    hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, key.expose().as_bytes()), signed.as_bytes(), &tag).ok()?;
    let read = |part: &str| serde_json::from_slice::<Json>(&URL_SAFE_NO_PAD.decode(part).ok()?).ok();
    if read(head)?.get("alg")?.as_str() != Some("HS256") {
        return None;
    }
    let claims = read(claims)?;
    // Whole seconds, though some write fractions.
    (claims.get("exp")?.as_f64()? > now as f64).then_some(claims)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_signed_is_read() {
        let key = Secret::new("sk-master");
        // By PyJWT: jwt.encode({"user_id": "ann", "exp": 4102444800}, "sk-master", algorithm="HS256").
        let theirs = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ1c2VyX2lkIjoiYW5uIiwiZXhwIjo0MTAyNDQ0ODAwfQ.ZDGy-PvXRdutrSoF6NU44pHXiniWWZUob3m0n3zaSjE";
        assert_eq!(read_token(theirs, &key, 0).unwrap().get("user_id").and_then(Json::as_str), Some("ann"));
        let ours =
            write_token(&Json::object([("user_id", Json::from("ann")), ("exp", Json::from(4_102_444_800_u64))]), &key);
        assert_eq!(ours, theirs);
        assert!(read_token(&ours, &key, 4_102_444_800).is_none(), "it has ended");
        assert!(read_token(&ours, &Secret::new("other"), 0).is_none());
        assert!(read_token(&ours, &Secret::new(""), 0).is_none());
        let none = write_token(&Json::object([("user_id", "ann")]), &key);
        assert!(read_token(&none, &key, 0).is_none(), "a token without an end");
        let unsigned = format!("{}.", ours.rsplit_once('.').unwrap().0);
        let other_head = ours.replacen("eyJhbGciOiJIUzI1NiI", "eyJhbGciOiJub25lIiw", 1);
        for wrong in [unsigned.as_str(), other_head.as_str(), "", "a", "a.b", "a.b.c", &"x".repeat(LONGEST + 1)] {
            assert!(read_token(wrong, &key, 0).is_none(), "{wrong}");
        }
    }
}
