//! Every operation beside chat: bodies in the words of its own clients, answers in the same words.

use std::pin::Pin;

use bytes::{Bytes, BytesMut};
use http_body::Body as _;
use llm_types::{Error, Format, Json, OperationKind, Result};
use llm_wire::ids::{Made, decode_made};
use llm_wire::task::FilePart;

use super::Client;
use crate::answer::{Answer, Report};
use crate::bytes_out::ByteStream;
use crate::call::Call;
use crate::tokens::Counted;

/// `litellm_params` such as `api_base` and `api_key`.
pub type Params<'a> = &'a [(&'a str, &'a str)];

/// An answer as its clients read it, and what it consumed.
#[derive(Debug, Clone)]
pub struct Answered {
    /// The body: JSON, or sound.
    pub body: Bytes,
    /// Its media type, where it is not JSON.
    pub content_type: Option<String>,
    /// What it consumed and cost.
    pub report: Box<Report>,
}

impl Answered {
    /// The body as a tree.
    ///
    /// # Errors
    /// `InvalidReply` when it is not JSON: sound, for one.
    pub fn json(&self) -> Result<Json> {
        let why =
            |e: serde_json::Error| Error::new(llm_types::Kind::InvalidReply, format!("the answer is no JSON: {e}"));
        serde_json::from_slice(&self.body).map_err(why)
    }

    /// What it cost, in US dollars.
    #[must_use]
    pub fn cost(&self) -> f64 {
        self.report.cost.total
    }
}

macro_rules! bodies {
    ($($(#[$doc:meta])* $name:ident = $operation:ident, $format:ident;)*) => {
        impl Client {
            $(
                $(#[$doc])*
                /// `model` is set by the call.
                ///
                /// # Errors
                /// Whatever the provider or the way to it refuses.
                pub async fn $name(&self, model: &str, body: Json, params: Params<'_>) -> Result<Answered> {
                    self.ask(OperationKind::$operation, Format::$format, model, body, Vec::new(), params).await
                }
            )*
        }
    };
}

bodies! {
    /// Legacy completions: `prompt`, a text or a list.
    text_completion = Generate, OpenAiCompletions;
    /// OpenAI's Responses: `input`, `instructions`, `tools` ...
    responses = Generate, OpenAiResponses;
    /// Anthropic's Messages: `messages`, `max_tokens`, `system` ...
    messages = Generate, AnthropicMessages;
    /// Google's generateContent: `contents`, `generationConfig` ...
    generate_content = Generate, GeminiGenerate;
    /// Pictures are drawn: `prompt`, `n`, `size` ...
    image_generation = Image, OpenAiImages;
    /// Content is judged: `input`.
    moderation = Moderate, OpenAiModerations;
    /// Documents are put in order: `query`, `documents`, `top_n` ...
    rerank = Rerank, CohereRerank;
    /// Documents are read: `document`.
    ocr = Ocr, MistralOcr;
    /// The web is searched: `query`. The model is the search provider.
    search = Search, Search;
    /// Text becomes sound: `input`, `voice` ...
    speech = Speech, OpenAiAudio;
    /// A video is begun: `prompt`, `seconds`, `size` ... The answer's `id` is the `video_id` of the calls below.
    video_generation = Video, OpenAiVideos;
    /// A video is looked at: `video_id`.
    video_status = VideoStatus, OpenAiVideos;
    /// A video is fetched: `video_id`, `variant`.
    video_content = VideoContent, OpenAiVideos;
    /// A video is made from another one: `video_id`, `prompt`.
    video_remix = VideoRemix, OpenAiVideos;
    /// A video is deleted: `video_id`.
    video_delete = VideoDelete, OpenAiVideos;
}

macro_rules! forms {
    ($($(#[$doc:meta])* $name:ident = $operation:ident, $format:ident;)*) => {
        impl Client {
            $(
                $(#[$doc])*
                /// `fields` are the form's texts; `model` is set by the call.
                ///
                /// # Errors
                /// Whatever the provider or the way to it refuses.
                pub async fn $name(
                    &self,
                    model: &str,
                    files: Vec<FilePart>,
                    fields: Json,
                    params: Params<'_>,
                ) -> Result<Answered> {
                    self.ask(OperationKind::$operation, Format::$format, model, fields, files, params).await
                }
            )*
        }
    };
}

forms! {
    /// Pictures are changed: files `image` and `mask`, fields `prompt` ...
    image_edit = ImageEdit, OpenAiImages;
    /// Pictures are varied: a file `image`.
    image_variation = ImageVariation, OpenAiImages;
    /// Speech becomes text: a file `file`, fields `language` ...
    transcription = Transcribe, OpenAiAudio;
    /// Speech becomes English text: a file `file`.
    translation = Translate, OpenAiAudio;
}

impl Client {
    /// A conversation of the Responses API is made shorter: `input`, `instructions`.
    ///
    /// # Errors
    /// Whatever the provider or the way to it refuses.
    pub async fn compact_responses(&self, model: &str, mut body: Json, params: Params<'_>) -> Result<Answered> {
        super::resources::object(&body)?;
        body.set("model", model);
        let mut call =
            Call::new(OperationKind::Generate, Format::OpenAiResponses, Bytes::from(body.to_string()), model);
        call.beside = Some("/compact");
        self.whole(model, call, params).await
    }

    /// Tokens of a prompt, and who counted: a body of OpenAI's chat (`messages`, `tools`). Providers that can count are asked.
    ///
    /// # Errors
    /// `BadRequest` for an unknown provider or a body without messages.
    pub async fn count_tokens(&self, model: &str, body: Json, params: Params<'_>) -> Result<Counted> {
        let body = Bytes::from(body.to_string());
        let call = Call::new(OperationKind::CountTokens, Format::OpenAiChat, body, model);
        self.engine_of(model, params)?.count_tokens(&*self.http, &call).await
    }

    async fn ask(
        &self,
        operation: OperationKind,
        format: Format,
        model: &str,
        mut body: Json,
        files: Vec<FilePart>,
        params: Params<'_>,
    ) -> Result<Answered> {
        super::resources::object(&body)?;
        if format.model_in_body() {
            body.set("model", model);
        }
        // The id that was told says who made the video; the provider knows its own.
        if let Some(made) = body.text("video_id").and_then(|id| decode_made(Made::Video, id)) {
            body.set("video_id", made.id);
        }
        let mut call = Call::new(operation, format, Bytes::from(body.to_string()), model);
        call.files = files.into();
        self.whole(model, call, params).await
    }

    /// Answers a call and reads the answer to its end.
    pub(super) async fn whole(&self, model: &str, call: Call, params: Params<'_>) -> Result<Answered> {
        match self.answer(model, params, &call).await? {
            Answer::Whole { head, body, report } => {
                let kind = head.content_type.as_ref().and_then(|kind| kind.to_str().ok()).map(str::to_owned);
                Ok(Answered { body, content_type: kind, report })
            }
            Answer::Bytes { head, body } => {
                let kind = head.content_type.as_ref().and_then(|kind| kind.to_str().ok()).map(str::to_owned);
                let (body, report) = collect(body).await?;
                Ok(Answered { body, content_type: kind.or(Some("application/octet-stream".to_owned())), report })
            }
            Answer::Stream { .. } => Err(Error::internal("a stream for a plain call")),
        }
    }
}

/// All bytes, and what they cost.
async fn collect(mut body: Box<ByteStream>) -> Result<(Bytes, Box<Report>)> {
    let (tell, told) = tokio::sync::oneshot::channel();
    body.set_tail(Box::new(|report: Box<Report>| drop(tell.send(report))));
    let mut all = BytesMut::new();
    while let Some(frame) = std::future::poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await {
        if let Ok(data) = frame?.into_data() {
            all.extend_from_slice(&data);
        }
    }
    drop(body);
    let report = told.await.map_err(|_| Error::internal("the answer ended without a report"))?;
    Ok((all.freeze(), report))
}
