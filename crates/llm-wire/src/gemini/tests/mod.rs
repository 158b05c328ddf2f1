//! Cases that files cannot tell.

use super::decode_error;
use crate::codec::ReplyView;

#[test]
fn what_a_wrong_key_is_told_is_read_whatever_its_status() {
    let body = br#"{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT"}}"#;
    let error = decode_error(&ReplyView { status: 400, provider: "p", headers: &[], body });
    assert_eq!(error.status(), 401);
    assert!(error.message.contains("API key not valid."), "{}", error.message);
    let bare = decode_error(&ReplyView { status: 503, provider: "p", headers: &[], body: b"overloaded" });
    assert_eq!(bare.status(), 503);
}
