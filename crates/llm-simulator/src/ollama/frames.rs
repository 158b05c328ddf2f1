//! Literal templates of Ollama's replies. `@name@` is filled in.

pub(super) const PIECE: &str = r#"{"model":@model@,"created_at":"2026-01-01T00:00:00.000000Z","message":{"role":"assistant","content":@content@@more@},"done":false}"#;

/// A whole answer, and the last line of a stream.
pub(super) const DONE: &str = r#"{"model":@model@,"created_at":"2026-01-01T00:00:00.000000Z","message":{"role":"assistant","content":@content@@more@},"done_reason":@reason@,"done":true@usage@}"#;

pub(super) const USAGE: &str = r#","total_duration":5043500667,"load_duration":5025959,"prompt_eval_count":@prompt@,"prompt_eval_duration":325953000,"eval_count":@completion@,"eval_duration":4709213000"#;

pub(super) const THINKING: &str = r#","thinking":@text@"#;
pub(super) const TOOL_CALLS: &str = r#","tool_calls":[@calls@]"#;
pub(super) const TOOL_CALL: &str = r#"{"function":{"name":@name@,"arguments":@args@}}"#;

pub(super) const ERROR: &str = r#"{"error":@message@}"#;
