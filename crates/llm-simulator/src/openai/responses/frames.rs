//! Literal templates of the responses API. `@name@` is filled in.

pub(super) const RESPONSE: &str = r#"{"id":@id@,"object":"response","created_at":@created@,"status":@status@,"background":false,"error":null,"incomplete_details":@incomplete@,"instructions":@instructions@,"max_output_tokens":@max@,"model":@model@,"output":[@output@],"parallel_tool_calls":true,"previous_response_id":@previous@,"reasoning":{"effort":null,"summary":null},"store":true,"temperature":1.0,"text":{"format":{"type":"text"}},"tool_choice":"auto","tools":[],"top_p":1.0,"truncation":"disabled","usage":@usage@,"user":null,"metadata":{}}"#;

pub(super) const USAGE: &str = r#"{"input_tokens":@input@,"input_tokens_details":{"cached_tokens":@cached@},"output_tokens":@output@,"output_tokens_details":{"reasoning_tokens":@reasoning@},"total_tokens":@total@}"#;

pub(super) const REASONING: &str = r#"{"type":"reasoning","id":@id@,"summary":[@summary@]}"#;
pub(super) const SUMMARY: &str = r#"{"type":"summary_text","text":@text@}"#;
pub(super) const MESSAGE: &str =
    r#"{"type":"message","id":@id@,"status":@status@,"role":"assistant","content":[@content@]}"#;
pub(super) const TEXT: &str = r#"{"type":"output_text","text":@text@,"annotations":[],"logprobs":[]}"#;
pub(super) const REFUSAL: &str = r#"{"type":"refusal","refusal":@text@}"#;
pub(super) const FUNCTION: &str =
    r#"{"type":"function_call","id":@id@,"call_id":@call@,"name":@name@,"arguments":@args@,"status":@status@}"#;

/// Every event has its type twice.
pub(super) const EVENT: &str = "event: @type@\ndata: {\"type\":\"@type@\",\"sequence_number\":@number@,@fields@}\n\n";

pub(super) const ERROR_EVENT: &str = "event: error\ndata: {\"type\":\"error\",\"sequence_number\":99,\"code\":\"server_error\",\"message\":@message@,\"param\":null}\n\n";
