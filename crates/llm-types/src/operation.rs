//! What a call is, whatever language it is written in.

use crate::Format;

/// The kind of a call, whatever language it is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OperationKind {
    /// A conversation is answered: chat, Messages, Responses, Gemini, legacy completions.
    Generate,
    /// Texts become vectors.
    Embed,
    /// The tokens of a conversation are counted, nothing is generated.
    CountTokens,
    /// Pictures are drawn.
    Image,
    /// Pictures are changed.
    ImageEdit,
    /// Pictures are varied.
    ImageVariation,
    /// Speech becomes text.
    Transcribe,
    /// Speech becomes English text.
    Translate,
    /// Text becomes speech.
    Speech,
    /// Content is judged.
    Moderate,
    /// Documents are put in order.
    Rerank,
    /// Documents are read.
    Ocr,
    /// The web is searched.
    Search,
    /// A video is made.
    Video,
    /// Something of a provider's own, which nobody here reads.
    Relay,
    /// A conversation over a WebSocket.
    Realtime,
    /// A video that is being made is looked at.
    VideoStatus,
    /// A video is fetched.
    VideoContent,
    /// A video is made from another one.
    VideoRemix,
    /// A video is deleted.
    VideoDelete,
    /// Videos are listed.
    VideoList,
    /// A tool of an MCP server is called.
    Tool,
}

impl OperationKind {
    /// True for the operations whose requests travel in LiteLLM's own shape, see `llm_wire::task`.
    #[must_use]
    pub const fn is_task(self) -> bool {
        !matches!(self, Self::Generate | Self::Embed | Self::CountTokens | Self::Relay | Self::Realtime | Self::Tool)
    }

    /// The operation by whose rows and addresses it is done.
    #[must_use]
    pub const fn family(self) -> Self {
        match self {
            Self::VideoStatus | Self::VideoContent | Self::VideoRemix | Self::VideoDelete | Self::VideoList => {
                Self::Video
            }
            own => own,
        }
    }

    /// LiteLLM's `call_type` in spend rows and log records, for the asynchronous proxy path.
    #[must_use]
    pub const fn call_type(self, format: Format) -> &'static str {
        match (self, format) {
            (Self::Generate, Format::AnthropicMessages) => "anthropic_messages",
            (Self::Generate, Format::OpenAiResponses) => "aresponses",
            (Self::Generate, Format::OpenAiCompletions) => "atext_completion",
            (Self::Generate, Format::GeminiGenerate) => "agenerate_content",
            (Self::Embed, _) => "aembedding",
            (Self::Image, _) => "aimage_generation",
            (Self::ImageEdit, _) => "aimage_edit",
            (Self::ImageVariation, _) => "aimage_variation",
            (Self::Transcribe | Self::Translate, _) => "atranscription",
            (Self::Speech, _) => "aspeech",
            (Self::Moderate, _) => "amoderation",
            (Self::Rerank, _) => "arerank",
            (Self::Ocr, _) => "aocr",
            (Self::Search, _) => "asearch",
            (Self::Video, _) => "acreate_video",
            (Self::VideoStatus, _) => "avideo_status",
            (Self::VideoContent, _) => "avideo_content",
            (Self::VideoRemix, _) => "avideo_remix",
            (Self::VideoDelete, _) => "avideo_delete",
            (Self::VideoList, _) => "avideo_list",
            (Self::CountTokens, _) => "token_counter",
            (Self::Relay, _) => "pass_through_endpoint",
            (Self::Realtime, _) => "_arealtime",
            (Self::Tool, _) => "call_mcp_tool",
            (Self::Generate, _) => "acompletion",
        }
    }
}
