//! Literal templates of OpenAI's and Azure OpenAI's replies. `@name@` is filled in.

/// Whole chat reply. The service answers with indented JSON.
pub(super) const CHAT: &str = r#"{
  "id": @id@,
  "object": "chat.completion",
  "created": @created@,
  "model": @model@,
  "choices": [@choices@
  ]@usage@,
  "service_tier": "default",
  "system_fingerprint": "fp_44709d6fcb"
}
"#;

pub(super) const CHOICE: &str = r#"
    {
      "index": @index@,
      "message": {
        "role": "assistant",
        "content": @content@,@reasoning@@tools@
        "refusal": @refusal@,
        "annotations": []
      },
      "logprobs": @logprobs@,
      "finish_reason": @finish@
    }"#;

pub(super) const TOOL_CALLS: &str = r#"
        "tool_calls": [@calls@
        ],"#;

pub(super) const TOOL_CALL: &str = r#"
          {
            "id": @id@,
            "type": "function",
            "function": {
              "name": @name@,
              "arguments": @args@
            }
          }"#;

pub(super) const REASONING: &str = r#"
        "reasoning_content": @reasoning@,"#;

pub(super) const USAGE: &str = r#"{"prompt_tokens":@prompt@,"completion_tokens":@completion@,"total_tokens":@total@,"prompt_tokens_details":{"cached_tokens":@cached@,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":@reasoning@,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}"#;

/// One chunk of a chat stream.
pub(super) const CHUNK: &str = r#"{"id":@id@,"object":"chat.completion.chunk","created":@created@,"model":@model@,"service_tier":"default","system_fingerprint":"fp_44709d6fcb","choices":[@choices@]@usage@@obfuscation@}"#;

pub(super) const CHUNK_CHOICE: &str =
    r#"{"index":@index@,"delta":@delta@,"logprobs":@logprobs@,"finish_reason":@finish@}"#;

pub(super) const LOGPROB: &str = r#"{"token":@token@,"logprob":@logprob@,"bytes":@bytes@,"top_logprobs":[@top@]}"#;

pub(super) const TOP_LOGPROB: &str = r#"{"token":@token@,"logprob":@logprob@,"bytes":@bytes@}"#;

/// Azure sorts its keys and adds filter results.
pub(super) const AZURE_CHAT: &str = r#"{"choices":[@choices@],"created":@created@,"id":@id@,"model":@model@,"object":"chat.completion","prompt_filter_results":[{"prompt_index":0,"content_filter_results":{"hate":{"filtered":false,"severity":"safe"},"jailbreak":{"filtered":false,"detected":false},"self_harm":{"filtered":false,"severity":"safe"},"sexual":{"filtered":false,"severity":"safe"},"violence":{"filtered":false,"severity":"safe"}}}],"system_fingerprint":"fp_44709d6fcb"@usage@}
"#;

pub(super) const AZURE_CHOICE: &str = r#"{"content_filter_results":{"hate":{"filtered":false,"severity":"safe"},"self_harm":{"filtered":false,"severity":"safe"},"sexual":{"filtered":false,"severity":"safe"},"violence":{"filtered":false,"severity":"safe"}},"finish_reason":@finish@,"index":@index@,"logprobs":@logprobs@,"message":{"annotations":[],"content":@content@,@reasoning@"refusal":@refusal@,"role":"assistant"@tools@}}"#;

pub(super) const AZURE_FIRST_CHUNK: &str = r#"{"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[{"prompt_index":0,"content_filter_results":{"hate":{"filtered":false,"severity":"safe"},"jailbreak":{"filtered":false,"detected":false},"self_harm":{"filtered":false,"severity":"safe"},"sexual":{"filtered":false,"severity":"safe"},"violence":{"filtered":false,"severity":"safe"}}}]}"#;

pub(super) const AZURE_CHUNK: &str = r#"{"choices":[@choices@],"created":@created@,"id":@id@,"model":@model@,"object":"chat.completion.chunk","system_fingerprint":"fp_44709d6fcb"@usage@}"#;

pub(super) const AZURE_CHUNK_CHOICE: &str =
    r#"{"content_filter_results":{},"delta":@delta@,"finish_reason":@finish@,"index":@index@,"logprobs":@logprobs@}"#;

/// Legacy completion, whole and streamed.
pub(super) const COMPLETION: &str = r#"{"id":@id@,"object":"text_completion","created":@created@,"model":@model@,"choices":[@choices@]@usage@}
"#;

pub(super) const COMPLETION_CHOICE: &str =
    r#"{"text":@text@,"index":@index@,"logprobs":null,"finish_reason":@finish@}"#;

pub(super) const COMPLETION_USAGE: &str =
    r#"{"prompt_tokens":@prompt@,"completion_tokens":@completion@,"total_tokens":@total@}"#;

pub(super) const EMBEDDINGS: &str = r#"{
  "object": "list",
  "data": [@data@
  ],
  "model": @model@,
  "usage": {
    "prompt_tokens": @prompt@,
    "total_tokens": @prompt@
  }
}
"#;

pub(super) const EMBEDDING: &str = r#"
    {
      "object": "embedding",
      "index": @index@,
      "embedding": @embedding@
    }"#;

pub(super) const MODELS: &str = r#"{
  "object": "list",
  "data": [@data@
  ]
}
"#;

pub(super) const MODEL: &str = r#"
    {
      "id": @id@,
      "object": "model",
      "created": 1715367049,
      "owned_by": "system"
    }"#;

pub(super) const ERROR: &str = r#"{
    "error": {
        "message": @message@,
        "type": @type@,
        "param": @param@,
        "code": @code@
    }
}
"#;

/// An error event inside a stream.
pub(super) const ERROR_EVENT: &str =
    r#"{"error":{"message":@message@,"type":"server_error","param":null,"code":null}}"#;

pub(super) const AZURE_ERROR: &str = r#"{"error":{"code":@code@,"message":@message@}}"#;

pub(super) const AZURE_INVALID: &str = r#"{"error":{"message":@message@,"type":@type@,"param":@param@,"code":@code@}}"#;

pub(super) const AZURE_FILTERED: &str = r#"{"error":{"message":@message@,"type":null,"param":"prompt","code":"content_filter","status":400,"innererror":{"code":"ResponsibleAIPolicyViolation","content_filter_result":{"hate":{"filtered":true,"severity":"high"},"jailbreak":{"filtered":false,"detected":false},"self_harm":{"filtered":false,"severity":"safe"},"sexual":{"filtered":false,"severity":"safe"},"violence":{"filtered":false,"severity":"safe"}}}}}"#;
