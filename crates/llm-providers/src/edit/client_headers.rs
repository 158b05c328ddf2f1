//! Which headers a client may name in `extra_headers` of its body.

use crate::keys;

/// Names at the most.
pub(super) const MOST: usize = 32;
/// Bytes of names and values at the most.
pub(super) const MOST_BYTES: usize = 8192;

/// What frames a message, means one connection or says which host is meant: the gateway's to say. A client that could would
/// read answers to others, or send the operator's credential elsewhere. So is what chooses an account, see [`crate::keys`].
const OURS: [&str; 21] = [
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "forwarded",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-http-method",
    "x-http-method-override",
    "x-llm-via",
    "x-method-override",
];

/// True for a header that a client may name. Signatures of AWS cover theirs; those are ours as well.
#[must_use]
pub fn may_be_said(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let of_us = OURS.binary_search(&name.as_str()).is_ok() || keys::chooses_account(&name);
    !of_us && !name.starts_with("x-amz") && !name.starts_with("x-forwarded-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_frames_or_proves_is_ours() {
        assert!(OURS.is_sorted());
        for name in ["Content-Length", "transfer-encoding", "HOST", "Authorization", "X-Amz-Security-Token", "Api_Key"]
        {
            assert!(!may_be_said(name), "{name}");
        }
        for name in ["anthropic-beta", "X-Request-Id", "HTTP-Referer", "openai-beta", "user-agent"] {
            assert!(may_be_said(name), "{name}");
        }
    }
}
