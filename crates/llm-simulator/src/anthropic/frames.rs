//! Literal templates of Anthropic's replies. `@name@` is filled in.

pub(super) const MESSAGE: &str = r#"{"model":@model@,"id":@id@,"type":"message","role":"assistant","content":[@content@],"stop_reason":@stop@,"stop_sequence":@sequence@@usage@}"#;

pub(super) const TEXT: &str = r#"{"type":"text","text":@text@}"#;
pub(super) const THINKING: &str = r#"{"type":"thinking","thinking":@text@,"signature":@signature@}"#;
pub(super) const REDACTED: &str = r#"{"type":"redacted_thinking","data":@data@}"#;
pub(super) const TOOL_USE: &str = r#"{"type":"tool_use","id":@id@,"name":@name@,"input":@input@}"#;

pub(super) const USAGE: &str = r#"{"input_tokens":@input@,"cache_creation_input_tokens":@written@,"cache_read_input_tokens":@cached@,"cache_creation":{"ephemeral_5m_input_tokens":@written5m@,"ephemeral_1h_input_tokens":@written1h@},"output_tokens":@output@,"service_tier":"standard"}"#;

/// Usage of `message_delta`: cumulative.
pub(super) const USAGE_DELTA: &str = r#"{"input_tokens":@input@,"cache_creation_input_tokens":@written@,"cache_read_input_tokens":@cached@,"output_tokens":@output@}"#;

pub(super) const MESSAGE_START: &str =
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":@message@}\n\n";

// the service pads events with blanks inside the object
pub(super) const BLOCK_START: &str = "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":@index@,\"content_block\":@block@  }\n\n";

pub(super) const BLOCK_DELTA: &str =
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":@index@,\"delta\":@delta@ }\n\n";

pub(super) const BLOCK_STOP: &str =
    "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":@index@    }\n\n";

pub(super) const PING: &str = "event: ping\ndata: {\"type\": \"ping\"}\n\n";

pub(super) const MESSAGE_DELTA: &str = "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":@stop@,\"stop_sequence\":@sequence@}@usage@    }\n\n";

pub(super) const MESSAGE_STOP: &str = "event: message_stop\ndata: {\"type\":\"message_stop\"         }\n\n";

pub(super) const ERROR_EVENT: &str = "event: error\ndata: @error@\n\n";

/// What such an event holds.
pub(super) const ERROR_BODY: &str = r#"{"type":"error","error":{"type":"overloaded_error","message":@message@}}"#;

pub(super) const ERROR: &str =
    r#"{"type":"error","error":{"type":@type@,"message":@message@},"request_id":"req_011CSHoEeqs5C35K2UUqR7Fy"}"#;

pub(super) const TOKENS: &str = r#"{"input_tokens":@tokens@}"#;

pub(super) const MODELS: &str = r#"{"data":[@data@],"has_more":false,"first_id":@first@,"last_id":@last@}"#;

pub(super) const MODEL: &str = r#"{"type":"model","id":@id@,"display_name":@id@,"created_at":"2025-09-29T00:00:00Z"}"#;
