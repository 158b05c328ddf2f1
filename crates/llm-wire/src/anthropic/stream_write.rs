//! The bytes of stream events.

use bytes::{BufMut, BytesMut};
use llm_types::stream::PartStart;

use crate::top::{write_json, write_str};

/// Writes the start of a block; that of a call with the proof of the thoughts before it, where the upstream gave one.
pub(super) fn block_start(index: u32, kind: &PartStart<'_>, proof: Option<&str>, out: &mut BytesMut) {
    open_event("content_block_start", out);
    out.put_slice(b"{\"type\":\"content_block_start\",\"index\":");
    write_json(&index, out);
    out.put_slice(b",\"content_block\":");
    match kind {
        PartStart::Text | PartStart::Refusal => out.put_slice(br#"{"type":"text","text":""}"#),
        PartStart::Thinking => out.put_slice(br#"{"type":"thinking","thinking":"","signature":""}"#),
        PartStart::RedactedThinking { data } => {
            out.put_slice(br#"{"type":"redacted_thinking","data":"#);
            write_str(data, out);
            out.put_u8(b'}');
        }
        PartStart::ToolCall { id, name } => call(id, name, proof, out),
        PartStart::HostedCall { json, .. } | PartStart::Opaque { json, .. } => out.put_slice(json.as_bytes()),
    }
    out.put_u8(b'}');
    close_event(out);
}

fn call(id: &str, name: &str, proof: Option<&str>, out: &mut BytesMut) {
    out.put_slice(br#"{"type":"tool_use","id":"#);
    write_str(id, out);
    out.put_slice(br#","name":"#);
    write_str(name, out);
    out.put_slice(br#","input":{}"#);
    if let Some(proof) = proof {
        out.put_slice(br#","provider_specific_fields":{"signature":"#);
        write_str(proof, out);
        out.put_u8(b'}');
    }
    out.put_u8(b'}');
}

/// Writes the end of a block.
pub(super) fn block_stop(index: u32, out: &mut BytesMut) {
    open_event("content_block_stop", out);
    out.put_slice(b"{\"type\":\"content_block_stop\",\"index\":");
    write_json(&index, out);
    out.put_u8(b'}');
    close_event(out);
}

/// Begins an event; its JSON follows.
pub(super) fn open_event(name: &str, out: &mut BytesMut) {
    out.put_slice(b"event: ");
    out.put_slice(name.as_bytes());
    out.put_slice(b"\ndata: ");
}

/// Ends an event.
pub(super) fn close_event(out: &mut BytesMut) {
    out.put_slice(b"\n\n");
}

/// Begins the growth of a block; the delta and one brace follow.
pub(super) fn delta_head(index: u32, out: &mut BytesMut) {
    open_event("content_block_delta", out);
    out.put_slice(b"{\"type\":\"content_block_delta\",\"index\":");
    write_json(&index, out);
    out.put_slice(b",\"delta\":");
}
