//! Literal templates of what models answer to Invoke. `@name@` is filled in.

pub(super) const TITAN: &str = r#"{"inputTextTokenCount":@prompt@,"results":[{"tokenCount":@completion@,"outputText":@text@,"completionReason":@finish@}]}"#;
pub(super) const TITAN_PIECE: &str = r#"{"outputText":@text@,"index":0,"totalOutputTextTokenCount":null,"completionReason":null,"inputTextTokenCount":@prompt@}"#;
pub(super) const TITAN_END: &str = r#"{"outputText":"","index":0,"totalOutputTextTokenCount":@completion@,"completionReason":@finish@,"inputTextTokenCount":@prompt@}"#;

pub(super) const LLAMA: &str = r#"{"generation":@text@,"prompt_token_count":@prompt@,"generation_token_count":@completion@,"stop_reason":@finish@}"#;
pub(super) const LLAMA_PIECE: &str =
    r#"{"generation":@text@,"prompt_token_count":null,"generation_token_count":1,"stop_reason":null}"#;
pub(super) const LLAMA_END: &str =
    r#"{"generation":"","prompt_token_count":null,"generation_token_count":@completion@,"stop_reason":@finish@}"#;

pub(super) const MISTRAL: &str = r#"{"outputs":[{"text":@text@,"stop_reason":@finish@}]}"#;
pub(super) const MISTRAL_PIECE: &str = r#"{"outputs":[{"text":@text@,"stop_reason":null}]}"#;
pub(super) const MISTRAL_END: &str = r#"{"outputs":[{"text":"","stop_reason":@finish@}]}"#;

pub(super) const COMMAND: &str =
    r#"{"generations":[{"finish_reason":@finish@,"id":@id@,"text":@text@}],"id":@id@,"prompt":@asked@}"#;
pub(super) const COMMAND_PIECE: &str = r#"{"index":0,"is_finished":false,"text":@text@}"#;
pub(super) const COMMAND_END: &str = r#"{"finish_reason":@finish@,"index":0,"is_finished":true}"#;

pub(super) const COMMAND_R: &str = r#"{"response_id":@id@,"text":@text@,"generation_id":@id@,"chat_history":[{"role":"USER","message":@asked@},{"role":"CHATBOT","message":@text@}],"finish_reason":@finish@}"#;
pub(super) const COMMAND_R_PIECE: &str = r#"{"is_finished":false,"event_type":"text-generation","text":@text@}"#;
pub(super) const COMMAND_R_END: &str = r#"{"is_finished":true,"event_type":"stream-end","finish_reason":@finish@,"response":{"response_id":@id@,"text":@text@,"generation_id":@id@,"finish_reason":@finish@}}"#;

pub(super) const JURASSIC: &str = r#"{"id":1234,"prompt":{"text":@asked@,"tokens":[]},"completions":[{"data":{"text":@text@,"tokens":[]},"finishReason":{"reason":@finish@}}]}"#;

pub(super) const DEEPSEEK: &str = r#"{"choices":[{"text":@text@,"stop_reason":@finish@}]}"#;
pub(super) const DEEPSEEK_PIECE: &str = r#"{"choices":[{"text":@text@,"stop_reason":null}]}"#;
pub(super) const DEEPSEEK_END: &str = r#"{"choices":[{"text":"","stop_reason":@finish@}]}"#;

/// OpenAI's shape, as AI21's Jamba has it.
pub(super) const CHAT: &str = r#"{"id":@id@,"choices":[{"index":0,"message":{"role":"assistant","content":@text@,"tool_calls":null},"finish_reason":@finish@}],"usage":{"prompt_tokens":@prompt@,"completion_tokens":@completion@,"total_tokens":@total@},"meta":{"requestDurationMillis":551},"model":@model@}"#;
pub(super) const CHAT_PIECE: &str =
    r#"{"id":@id@,"choices":[{"index":0,"delta":{"content":@text@},"finish_reason":null}]}"#;
pub(super) const CHAT_END: &str = r#"{"id":@id@,"choices":[{"index":0,"delta":{"content":""},"finish_reason":@finish@}],"usage":{"prompt_tokens":@prompt@,"completion_tokens":@completion@,"total_tokens":@total@}}"#;

/// The payload of AWS's message; `p` pads it to hide its length.
pub(super) const CHUNK: &str = r#"{"bytes":@bytes@,"p":"abcdefghijkl"}"#;

pub(super) const METRICS: &str = r#""amazon-bedrock-invocationMetrics":{"inputTokenCount":@prompt@,"outputTokenCount":@completion@,"invocationLatency":551,"firstByteLatency":120}"#;

pub(super) const TITAN_EMBED: &str = r#"{"embedding":@vector@,"inputTextTokenCount":@tokens@}"#;
pub(super) const TITAN_EMBED_2: &str =
    r#"{"embedding":@vector@,"embeddingsByType":{"float":@vector@},"inputTextTokenCount":@tokens@}"#;
pub(super) const COHERE_EMBED: &str =
    r#"{"embeddings":[@rows@],"id":@id@,"response_type":"embeddings_floats","texts":@texts@}"#;
pub(super) const COHERE_EMBED_TYPES: &str =
    r#"{"embeddings":{"float":[@rows@]},"id":@id@,"response_type":"embeddings_by_type","texts":@texts@}"#;

pub(super) const AMAZON_IMAGES: &str = r#"{"images":[@images@],"error":null}"#;
pub(super) const ARTIFACTS: &str = r#"{"result":"success","artifacts":[@images@]}"#;
pub(super) const ARTIFACT: &str = r#"{"seed":4294967,"base64":"@data@","finishReason":"SUCCESS"}"#;
pub(super) const STABILITY: &str = r#"{"seeds":[4294967],"finish_reasons":[null],"images":[@images@]}"#;
