//! Literal templates of Gemini's replies. `@name@` is filled in.

/// Whole reply. The service answers with indented JSON.
pub(super) const REPLY: &str = r#"{
  "candidates": [@candidates@
  ],@usage@
  "modelVersion": @model@,
  "responseId": @id@
}
"#;

pub(super) const CANDIDATE: &str = r#"
    {
      "content": {
        "parts": [@parts@],
        "role": "model"
      },
      "finishReason": @finish@,
      "index": @index@
    }"#;

pub(super) const USAGE: &str = r#"
  "usageMetadata": @usage@,"#;

/// One piece of a stream.
pub(super) const CHUNK: &str = r#"{"candidates": [{"content": {"parts": [@part@],"role": "model"},@finish@"index": @index@}],@usage@"modelVersion": @model@,"responseId": @id@}"#;

pub(super) const CHUNK_USAGE: &str = r#""usageMetadata": @usage@,"#;

pub(super) const FINISH: &str = r#""finishReason": @finish@,"#;

pub(super) const TEXT: &str = r#"{"text": @text@@signature@}"#;
pub(super) const THOUGHT: &str = r#"{"text": @text@,"thought": true}"#;
pub(super) const CALL: &str = r#"{"functionCall": {"name": @name@,"args": @args@}@signature@}"#;
pub(super) const SIGNATURE: &str = r#","thoughtSignature": @signature@"#;

pub(super) const COUNTS: &str = r#"{"promptTokenCount": @prompt@,"candidatesTokenCount": @candidates@,"totalTokenCount": @total@,"promptTokensDetails": [{"modality": "TEXT","tokenCount": @prompt@}]@cached@@thoughts@}"#;

pub(super) const CACHED: &str =
    r#","cachedContentTokenCount": @cached@,"cacheTokensDetails": [{"modality": "TEXT","tokenCount": @cached@}]"#;

pub(super) const THOUGHTS: &str = r#","thoughtsTokenCount": @thoughts@"#;

/// Counts of a chunk before the last.
pub(super) const PROMPT_COUNTS: &str = r#"{"promptTokenCount": @prompt@,"totalTokenCount": @prompt@}"#;

/// A prompt that was refused has no candidates.
pub(super) const BLOCKED: &str = r#"{"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"},"usageMetadata": {"promptTokenCount": @prompt@,"totalTokenCount": @prompt@},"modelVersion": @model@,"responseId": @id@}"#;

pub(super) const ERROR: &str = r#"{
  "error": {
    "code": @code@,
    "message": @message@,
    "status": @status@@details@
  }
}
"#;

/// The same in a stream, on one line.
pub(super) const ERROR_EVENT: &str = r#"{"error": {"code": @code@,"message": @message@,"status": @status@}}"#;

pub(super) const BAD_KEY: &str = r#",
    "details": [
      {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "API_KEY_INVALID",
        "domain": "googleapis.com",
        "metadata": {
          "service": "generativelanguage.googleapis.com"
        }
      }
    ]"#;

pub(super) const RETRY: &str = r#",
    "details": [
      {
        "@type": "type.googleapis.com/google.rpc.RetryInfo",
        "retryDelay": "1s"
      }
    ]"#;

pub(super) const VIOLATION: &str = r#",
    "details": [
      {
        "@type": "type.googleapis.com/google.rpc.BadRequest",
        "fieldViolations": [
          {
            "description": @description@
          }
        ]
      }
    ]"#;

pub(super) const EMBEDDING: &str = r#"{
  "embedding": @values@
}
"#;

pub(super) const EMBEDDINGS: &str = r#"{
  "embeddings": [@embeddings@
  ]
}
"#;

pub(super) const VALUES: &str = r#"
    {
      "values": [@values@
      ]
    }"#;

/// Imagen's.
pub(super) const PREDICTIONS: &str = r#"{
  "predictions": [@predictions@
  ]
}
"#;

pub(super) const PICTURE: &str = r#"
    {
      "mimeType": "image/png",
      "bytesBase64Encoded": "@data@"
    }"#;
