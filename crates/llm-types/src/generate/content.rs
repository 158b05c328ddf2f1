//! Turns and the parts they are made of.

use crate::{Extra, Format, RawJson};

/// Who speaks in a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Instructions of the operator.
    System,
    /// OpenAI's newer name for instructions.
    Developer,
    /// The person, or whoever stands in for them. May hold tool results (Anthropic).
    User,
    /// The model.
    Assistant,
    /// Results of tools (OpenAI's own role); its parts are [`PartKind::ToolResult`].
    Tool,
}

/// One contribution to the conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    /// Who speaks.
    pub role: Role,
    /// What is said, in order.
    pub parts: Vec<Part>,
    /// The content was a bare string (true) or a list of parts (false).
    pub flat: bool,
    /// Name of the speaker, where the format has one.
    pub name: Option<String>,
    /// Unknown fields.
    pub extra: Extra,
}

impl Turn {
    /// A turn of one text.
    #[must_use]
    pub fn text(role: Role, text: impl Into<String>) -> Self {
        Self { role, parts: vec![Part::text(text)], flat: true, name: None, extra: Extra::default() }
    }

    /// A turn of several parts.
    #[must_use]
    pub fn of(role: Role, parts: Vec<Part>) -> Self {
        Self { role, parts, flat: false, name: None, extra: Extra::default() }
    }
}

/// A piece of content.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// What it is.
    pub kind: PartKind,
    /// Anthropic's `cache_control`, as it came.
    pub cache_control: Option<RawJson>,
    /// Unknown fields.
    pub extra: Extra,
}

impl Part {
    /// A part without marks.
    #[must_use]
    pub fn new(kind: PartKind) -> Self {
        Self { kind, cache_control: None, extra: Extra::default() }
    }

    /// A text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(PartKind::Text { text: text.into(), citations: Vec::new() })
    }

    /// The text, if it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        if let PartKind::Text { text, .. } = &self.kind { Some(text) } else { None }
    }
}

/// What a part is.
#[derive(Debug, Clone, PartialEq)]
pub enum PartKind {
    /// Text, with the sources it cites (as the format wrote them).
    Text {
        /// The text
        text: String,
        /// Sources, raw, in the format of the answer
        citations: Vec<RawJson>,
    },
    /// A picture.
    Image(Media),
    /// Sound.
    Audio(Media),
    /// A moving picture.
    Video(Media),
    /// A document (PDF, text) or an uploaded file.
    File(FileRef),
    /// Visible thinking. The signature is opaque and goes back byte for byte.
    Thinking {
        /// The thoughts
        text: String,
        /// The provider's proof that they are its own
        signature: Option<String>,
    },
    /// Thinking that the provider encrypted.
    RedactedThinking {
        /// Opaque data
        data: String,
    },
    /// The model calls a tool.
    ToolCall(ToolCall),
    /// What a tool answered.
    ToolResult(ToolResult),
    /// The model declines to answer.
    Refusal(String),
    /// A block of a tool that the provider runs itself (web search, code execution), call or result.
    HostedTool {
        /// The format it is written in
        format: Format,
        /// The block
        json: RawJson,
    },
    /// Any other block of one format; written back only into that format.
    Opaque {
        /// The format it is written in
        format: Format,
        /// The block
        json: RawJson,
    },
}

/// Bytes or an address of a picture, a sound or a film.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Media {
    /// Where it is.
    pub source: MediaSource,
    /// IANA media type, where known (`image/png`); for OpenAI audio the bare format name (`wav`).
    pub media_type: Option<String>,
    /// OpenAI's `detail`.
    pub detail: Option<String>,
}

/// Where media are.
#[derive(Debug, Clone, PartialEq)]
pub enum MediaSource {
    /// At a URL that the provider fetches.
    Url(String),
    /// Inline, base64.
    Base64(String),
    /// Inline, plain text (Anthropic text documents).
    Text(String),
    /// Uploaded before, under this id.
    FileId(String),
}

impl Default for MediaSource {
    fn default() -> Self {
        Self::Base64(String::new())
    }
}

/// A document.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FileRef {
    /// Where it is.
    pub source: MediaSource,
    /// IANA media type, where known.
    pub media_type: Option<String>,
    /// File name or title.
    pub name: Option<String>,
}

/// A tool call of the model.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ToolCall {
    /// Id by which the result refers to it.
    pub id: String,
    /// Name of the tool.
    pub name: String,
    /// Arguments as JSON text. Models write invalid JSON at times: it is carried, not judged.
    pub arguments: String,
}

/// The answer of a tool.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ToolResult {
    /// Id of the call it answers.
    pub call_id: String,
    /// Name of the tool, where the format repeats it.
    pub name: Option<String>,
    /// The answer.
    pub parts: Vec<Part>,
    /// The answer was a bare string.
    pub flat: bool,
    /// The tool failed.
    pub is_error: Option<bool>,
}
