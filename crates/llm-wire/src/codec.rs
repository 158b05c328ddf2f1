//! The two faces of a format.

use std::fmt;

use bytes::BytesMut;
use llm_types::embed::{EmbedRequest, EmbedResponse};
use llm_types::generate::{GenerateRequest, GenerateResponse};
use llm_types::stream::{Event, EventSink};
use llm_types::{Error, FieldSet, Format, RawJson, Result};

use crate::framing::Framing;
use crate::task::Next;

/// A kind of call with its canonical request and response.
pub trait Operation: 'static {
    /// What is asked.
    type Request: Send;
    /// What is answered.
    type Response: Send;
}

/// A conversation is answered.
#[derive(Debug, Clone, Copy)]
pub struct Generate;

impl Operation for Generate {
    type Request = GenerateRequest;
    type Response = GenerateResponse;
}

/// Texts become vectors.
#[derive(Debug, Clone, Copy)]
pub struct Embed;

impl Operation for Embed {
    type Request = EmbedRequest;
    type Response = EmbedResponse;
}

/// A client's request as it came.
#[derive(Debug, Clone, Copy)]
pub struct RequestView<'a> {
    /// Path without query.
    pub path: &'a str,
    /// Query without `?`.
    pub query: &'a str,
    /// The body: one JSON object.
    pub body: &'a [u8],
}

/// An upstream's reply, whole.
#[derive(Debug, Clone, Copy)]
pub struct ReplyView<'a> {
    /// HTTP status.
    pub status: u16,
    /// The provider's id, for messages.
    pub provider: &'a str,
    /// Response headers, names in lower case.
    pub headers: &'a http_headers::Headers<'a>,
    /// The body.
    pub body: &'a [u8],
}

/// Headers as borrowed pairs: this crate does not know an HTTP library.
pub mod http_headers {
    /// Name and value pairs, names in lower case.
    pub type Headers<'a> = [(&'a str, &'a str)];

    /// The value of a header.
    #[must_use]
    pub fn get<'a>(headers: &Headers<'a>, name: &str) -> Option<&'a str> {
        headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| *v)
    }
}

/// What a model can do, as far as encoders must know it. Filled from the catalog and the deployment.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[allow(clippy::struct_excessive_bools, reason = "facts of a model are truths, one by one")]
pub struct ModelCaps {
    /// The catalog knows the model; without that the flags below are guesses from its name.
    pub known: bool,
    /// Default of `max_tokens` where the format demands one.
    pub max_output_tokens: Option<u64>,
    /// Answers JSON schemas natively.
    pub structured_output: bool,
    /// Thinks.
    pub reasoning: bool,
    /// Anthropic: decides itself how much to think.
    pub adaptive_thinking: bool,
    /// Anthropic: an adaptive model that takes a fixed thinking budget as well.
    pub legacy_thinking: bool,
    /// Anthropic: takes efforts (`output_config.effort`).
    pub effort: bool,
    /// Takes the effort `none`.
    pub effort_none: bool,
    /// Takes the effort `minimal`.
    pub effort_minimal: bool,
    /// Takes the effort `xhigh`.
    pub effort_xhigh: bool,
    /// Takes the effort `max`.
    pub effort_max: bool,
    /// Takes `any`/named tool choices (most do).
    pub forced_tool_use: bool,
    /// Takes temperature, top_p and top_k (most do).
    pub sampling_params: bool,
    /// Sees images.
    pub vision: bool,
    /// Calls tools.
    pub tools: bool,
    /// Takes system messages in the middle of a conversation.
    pub mid_system: bool,
    /// Takes `speed`.
    pub speed: bool,
    /// Keeps prompts in a cache.
    pub prompt_cache: bool,
    /// ... and may keep them for an hour.
    pub cache_hour: bool,
    /// Takes tool choices.
    pub tool_choice: bool,
    /// May be told whether to call several tools at once, by a word of its own.
    pub parallel_tool_config: bool,
}

/// What an encoder is told about the upstream, and where it reports what it had to change.
#[derive(Debug)]
pub struct EncodeContext<'a> {
    /// The model as the provider knows it.
    pub model: &'a str,
    /// The provider's id, for messages only: encoders never branch on it.
    pub provider: &'a str,
    /// What the model can do.
    pub caps: ModelCaps,
    /// Parameters that the provider cannot take are left out (true) or refused (false).
    pub drop_params: bool,
    /// Messages and parameters may be changed to make the call valid.
    pub modify_params: bool,
    /// Parameters that are copied whatever the tables say.
    pub allowed: FieldSet,
    /// Fields left out or bent on the way, for the response header and the log.
    pub lost: Vec<String>,
    /// What the answer has to be told back, see [`ReplyContext::hints`].
    pub hints: Hints,
    /// Extra request headers the body made necessary (`anthropic-beta` values).
    pub betas: Vec<&'static str>,
}

impl<'a> EncodeContext<'a> {
    /// A context for a model of which nothing is known, with nothing allowed or dropped.
    #[must_use]
    pub fn for_model(model: &'a str) -> Self {
        Self {
            model,
            provider: "",
            caps: ModelCaps::default(),
            drop_params: false,
            modify_params: false,
            allowed: FieldSet::EMPTY,
            lost: Vec::new(),
            hints: Hints::default(),
            betas: Vec::new(),
        }
    }
}

/// What the encoder of a request must remember for the decoder of its answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Hints {
    /// The answer comes as arguments of this tool and is text for the client (JSON schema emulated through a tool).
    pub json_tool: bool,
    /// Tool names that had to be rewritten: (sent, original).
    pub tool_names: Vec<(String, String)>,
    /// A text that is `{"name": .., "arguments": ..}` is a call of a tool: tools were asked for in words.
    pub calls_in_text: bool,
    /// The assistant text that the client asked to be continued and wants back in front.
    pub prefix: Option<String>,
    /// Tools of Responses clients that went out as functions.
    pub client_tools: Vec<ClientTool>,
}

/// A tool of a Responses client that an upstream of another language knows as a function.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ClientTool {
    /// The name of the function.
    pub sent: String,
    /// The name that the client gave it.
    pub name: String,
    /// The namespace that it stands in.
    pub namespace: Option<String>,
    /// Its input is free text.
    pub custom: bool,
}

/// What the writers and readers of answers are told about the request.
#[derive(Debug, Clone, Default)]
pub struct ReplyContext {
    /// The model name to write, when it differs from the upstream's (the name that the client asked for).
    pub model: Option<String>,
    /// Id to use when the upstream gave none or one of another format.
    pub fallback_id: String,
    /// Seconds since 1970, for formats that want a creation time the upstream did not give.
    pub created: u64,
    /// The client asked for a usage report in the stream.
    pub include_usage: bool,
    /// Tokens of the prompt, estimated, for formats whose first event must name them.
    pub prompt_tokens_estimate: u64,
    /// Remembered from the request.
    pub hints: Hints,
    /// The format that the upstream speaks.
    pub upstream: Option<Format>,
    /// The provider's id, for messages of errors that come inside a stream.
    pub provider: String,
    /// The model as the deployment names it, where an answer has to name it beside the one that was asked for.
    pub upstream_model: Option<String>,
    /// The request's `tool_choice` as it came, for formats whose answers repeat it.
    pub tool_choice: Option<RawJson>,
    /// What becomes of errors that come inside a stream.
    pub stream_errors: StreamErrors,
    /// Thoughts that a stream holds as content parts are told again to chat clients as blocks with this proof.
    pub block_proof: Option<&'static str>,
    /// The id of the deployment that answered, for ids by which later calls find it again.
    pub deployment: String,
    /// Counts the tokens of a text for a model, for formats whose answers tell counts that the upstream did not.
    pub count: Option<fn(&str, &str) -> u64>,
}

/// What LiteLLM makes of an error object inside a stream of OpenAI's format; it depends on the library by which it
/// reaches the provider.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum StreamErrors {
    /// The code of the object is the status.
    #[default]
    ByCode,
    /// A broken connection, without a type, whatever the code.
    Connection,
    /// An API error, without a type, with the code as the status.
    Api,
}

/// A format towards a client.
pub trait ClientCodec<O: Operation>: Send + Sync + fmt::Debug {
    /// The format.
    fn format(&self) -> Format;

    /// Reads a request.
    ///
    /// # Errors
    /// `BadRequest` with the field to blame, when the body is not a request of this format.
    fn decode_request(&self, req: &RequestView<'_>) -> Result<O::Request>;

    /// Writes an answer as JSON.
    fn encode_response(&self, resp: &O::Response, ctx: &ReplyContext, out: &mut BytesMut);

    /// Writes an error as this format's clients expect it (JSON body).
    fn encode_error(&self, err: &Error, out: &mut BytesMut);

    /// A writer of streams; nothing when the operation does not stream.
    fn stream_encoder(&self, ctx: &ReplyContext) -> Option<Box<dyn StreamEncoder>>;
}

/// A format towards an upstream.
pub trait UpstreamCodec<O: Operation>: Send + Sync + fmt::Debug {
    /// The format.
    fn format(&self) -> Format;

    /// Writes a request as JSON.
    ///
    /// # Errors
    /// `UnsupportedParams` or `BadRequest` when the format cannot say what the client wants and nothing may be dropped.
    fn encode_request(&self, req: &O::Request, ctx: &mut EncodeContext<'_>, out: &mut BytesMut) -> Result<()>;

    /// Reads an answer.
    ///
    /// # Errors
    /// `InvalidReply` when the body is not an answer of this format; the upstream's own error when it is one inside a 200.
    fn decode_response(&self, reply: &ReplyView<'_>, ctx: &ReplyContext) -> Result<O::Response>;

    /// Reads an error reply of the upstream: kind, message, what it said.
    fn decode_error(&self, reply: &ReplyView<'_>) -> Error;

    /// A reader of streams; nothing when the operation does not stream. Upstreams that cannot stream are asked for the
    /// whole answer, which is then told as a stream.
    fn stream_decoder(&self, ctx: &ReplyContext) -> Option<Box<dyn StreamDecoder>>;

    /// How its streams are cut.
    fn framing(&self) -> Framing {
        Framing::Sse
    }

    /// True for the URL of an image or a file that the upstream would not fetch itself: it is fetched before
    /// `encode_request` and stands in the request as bytes.
    fn fetches(&self, _model: &str, _url: &str) -> bool {
        false
    }

    /// True where the upstream takes one input at a time: a request of several is sent as several, and their answers
    /// are put together again. Only embeddings have such inputs.
    fn one_by_one(&self, _model: &str) -> bool {
        false
    }

    /// What follows a whole reply. `step` counts the replies of this call from 0; `stream`: a stream is wanted.
    ///
    /// # Errors
    /// When the reply says that the job failed.
    fn next(&self, _step: u32, _stream: bool, _reply: &ReplyView<'_>) -> Result<Next> {
        Ok(Next::Done)
    }
}

/// Reads the frames of a stream, one state machine per stream.
pub trait StreamDecoder: Send + fmt::Debug {
    /// Reads one frame and tells the events it holds.
    fn frame(&mut self, frame: &crate::sse::Frame<'_>, sink: &mut dyn EventSink);

    /// The connection ended. Tells what is still open: a proper end gives `End`; an end without the format's end
    /// marker gives an `Error` of kind `MidStream` and `End`. Calling it twice tells nothing more.
    fn end(&mut self, sink: &mut dyn EventSink);
}

/// Writes events as bytes of a format, framing included, one state machine per stream.
pub trait StreamEncoder: Send + fmt::Debug {
    /// Writes what this event makes necessary; may be nothing.
    fn event(&mut self, event: &Event<'_>, out: &mut BytesMut);
}
