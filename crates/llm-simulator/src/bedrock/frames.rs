//! Literal templates of Bedrock's replies. `@name@` is filled in.

/// Whole Converse reply.
pub(super) const REPLY: &str = r#"{"metrics":{"latencyMs":551},"output":{"message":{"content":[@content@],"role":"assistant"}},"stopReason":@stop@@usage@}"#;

pub(super) const TEXT: &str = r#"{"text":@text@}"#;
pub(super) const REASONING: &str = r#"{"reasoningContent":{"reasoningText":{"signature":@signature@,"text":@text@}}}"#;
pub(super) const REDACTED: &str = r#"{"reasoningContent":{"redactedContent":@data@}}"#;
pub(super) const TOOL_USE: &str = r#"{"toolUse":{"input":@input@,"name":@name@,"toolUseId":@id@}}"#;

pub(super) const USAGE: &str = r#"{"cacheReadInputTokenCount":@cached@,"cacheReadInputTokens":@cached@,"cacheWriteInputTokenCount":@written@,"cacheWriteInputTokens":@written@,"inputTokens":@input@,"outputTokens":@output@,"totalTokens":@total@}"#;

// payloads of the stream; `p` pads them to hide the length of the text
pub(super) const MESSAGE_START: &str = r#"{"p":"abcdefghijk","role":"assistant"}"#;
pub(super) const TOOL_START: &str =
    r#"{"contentBlockIndex":@index@,"p":"abcdefghijklmn","start":{"toolUse":{"name":@name@,"toolUseId":@id@}}}"#;
pub(super) const DELTA: &str = r#"{"contentBlockIndex":@index@,"delta":@delta@,"p":"abcdefghijklmnopq"}"#;
pub(super) const BLOCK_STOP: &str = r#"{"contentBlockIndex":@index@,"p":"abcdefghijklmnopqrst"}"#;
pub(super) const MESSAGE_STOP: &str = r#"{"p":"abcdefghijklmno","stopReason":@stop@}"#;
pub(super) const METADATA: &str = r#"{"metrics":{"latencyMs":551},"p":"abcdef"@usage@}"#;

pub(super) const ERROR: &str = r#"{"message":@message@}"#;
