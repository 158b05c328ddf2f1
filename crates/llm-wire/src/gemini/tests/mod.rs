//! Cases that files cannot tell.

use llm_types::stream::Event;

use super::decode_error;
use super::stream_decode::Decoder;
use crate::codec::{ReplyContext, ReplyView, StreamDecoder as _};
use crate::sse::Frame;

#[test]
fn what_a_wrong_key_is_told_is_read_whatever_its_status() {
    let body = br#"{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT"}}"#;
    let error = decode_error(&ReplyView { status: 400, provider: "p", headers: &[], body });
    assert_eq!(error.status(), 401);
    assert!(error.message.contains("API key not valid."), "{}", error.message);
    let bare = decode_error(&ReplyView { status: 503, provider: "p", headers: &[], body: b"overloaded" });
    assert_eq!(bare.status(), 503);
}

/// Would take hours if every piece led to a look at all that came before.
#[test]
fn an_event_may_come_in_very_many_pieces() {
    let mut decoder = Decoder::new(&ReplyContext::default());
    let mut written = 0;
    let mut sink = |event: Event<'_>| {
        if let Event::Delta { delta: llm_types::stream::Delta::Text(text), .. } = event {
            written += text.len();
        }
    };
    decoder.frame(&Frame::data(br#"{"candidates":[{"finishReason":"STOP","content":{"parts":[{"text":""#), &mut sink);
    for _ in 0..1 << 20 {
        decoder.frame(&Frame::data(b"x"), &mut sink);
    }
    decoder.frame(&Frame::data(br#""}]}}]}"#), &mut sink);
    decoder.end(&mut sink);
    assert_eq!(written, 1 << 20);
}
