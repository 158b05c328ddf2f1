//! Literal templates of Cohere's replies. `@name@` is filled in.

pub(super) const CHAT: &str = r#"{"id":@id@,"message":{"role":"assistant"@message@},"finish_reason":@finish@@usage@}"#;

pub(super) const USAGE: &str = r#","usage":{"billed_units":{"input_tokens":@prompt@,"output_tokens":@completion@},"tokens":{"input_tokens":@prompt@,"output_tokens":@completion@},"cached_tokens":@cached@}"#;

pub(super) const TEXT: &str = r#"{"type":"text","text":@text@}"#;
pub(super) const THINKING: &str = r#"{"type":"thinking","thinking":@text@}"#;
pub(super) const TOOL_CALL: &str = r#"{"id":@id@,"type":"function","function":{"name":@name@,"arguments":@args@}}"#;

pub(super) const EVENT: &str = "event: @type@\ndata: {@id@\"type\":\"@type@\"@index@@delta@}\n\n";

pub(super) const START: &str =
    r#"{"message":{"role":"assistant","content":[],"tool_plan":"","tool_calls":[],"citations":[]}}"#;
pub(super) const CONTENT: &str = r#"{"message":{"content":@content@}}"#;
pub(super) const PLAN: &str = r#"{"message":{"tool_plan":@text@}}"#;
pub(super) const CALL_START: &str = r#"{"message":{"tool_calls":@call@}}"#;
pub(super) const CALL_DELTA: &str = r#"{"message":{"tool_calls":{"function":{"arguments":@text@}}}}"#;
pub(super) const END: &str = r#"{"finish_reason":@finish@@usage@}"#;
pub(super) const FAILED: &str = r#"{"error":@message@,"finish_reason":"ERROR"}"#;

pub(super) const RERANK: &str =
    r#"{"id":@id@,"results":[@results@],"meta":{"api_version":{"version":"2"},"billed_units":{"search_units":1}}}"#;
pub(super) const RANKED: &str = r#"{"index":@index@,"relevance_score":@score@@document@}"#;

pub(super) const ERROR: &str = r#"{"id":"3f1f0e4e-ff5a-4f4c-9d5d-3e2b0a6ba111","message":@message@}"#;
