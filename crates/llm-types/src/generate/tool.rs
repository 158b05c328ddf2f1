//! Tools that a model may call.

use crate::{Extra, Format, RawJson};

/// A tool that the model may call.
#[derive(Debug, Clone, PartialEq)]
pub struct Tool {
    /// What it is.
    pub kind: ToolKind,
    /// Anthropic's `cache_control`, as it came.
    pub cache_control: Option<RawJson>,
    /// Unknown fields of the tool object.
    pub extra: Extra,
}

/// What a tool is.
#[derive(Debug, Clone, PartialEq)]
pub enum ToolKind {
    /// A function of the client.
    Function(FunctionTool),
    /// A tool that only this format knows: run by the provider, or of the provider's own making.
    Hosted {
        /// The format it is written in
        format: Format,
        /// The whole tool object
        json: RawJson,
    },
}

/// A function of the client.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FunctionTool {
    /// Its name.
    pub name: String,
    /// What it does.
    pub description: Option<String>,
    /// JSON schema of its arguments, as it came (key order matters to prompt caches).
    pub parameters: Option<RawJson>,
    /// OpenAI's `strict`.
    pub strict: Option<bool>,
    /// It came in OpenAI's legacy `functions` list.
    pub legacy: bool,
}

/// Which tool must or may be called.
#[derive(Debug, Clone, PartialEq)]
pub enum ToolChoice {
    /// The model decides.
    Auto,
    /// No tool.
    None,
    /// Some tool.
    Required,
    /// This function.
    Function(String),
    /// Anything else, as it came.
    Other {
        /// The format it is written in
        format: Format,
        /// The value
        json: RawJson,
    },
}
