//! Tasks: operations whose requests and answers travel in LiteLLM's own shape (images, audio, moderation, rerank, OCR,
//! search, videos). Their formats differ in fields, not in grammar, so a codec reads the fields as an ordered tree and
//! writes what the upstream wants: JSON, a form with files, or bare bytes.

pub(crate) mod write;

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use llm_types::generate::UsageReport;
use llm_types::{Error, Format, Json, OperationKind, Result};

use crate::codec::{EncodeContext, ReplyContext, ReplyView};
use crate::top::Top;

/// What is asked.
#[derive(Debug, Clone)]
pub struct TaskRequest {
    /// The kind of call.
    pub operation: OperationKind,
    /// The model as the provider knows it.
    pub model: String,
    /// The body in LiteLLM's shape, an object without `model`; of a form its text fields (those that come several
    /// times, and those whose name ends in `[]`, as arrays).
    pub fields: Json,
    /// Files of a form.
    pub files: Vec<FilePart>,
}

impl TaskRequest {
    /// A text field that is not empty.
    #[must_use]
    pub fn str(&self, name: &str) -> Option<&str> {
        self.fields.get(name)?.as_str().filter(|s| !s.is_empty())
    }

    /// The files of a field (`image` also as `image[]`).
    pub fn files(&self, name: &str) -> impl Iterator<Item = &FilePart> {
        self.files.iter().filter(move |f| f.name.strip_suffix("[]").unwrap_or(&f.name) == name)
    }
}

/// A file of a form.
#[derive(Debug, Clone, Default)]
pub struct FilePart {
    /// The field.
    pub name: String,
    /// The file's name, as the client gave it.
    pub filename: Option<String>,
    /// Its media type, as the client gave it.
    pub content_type: Option<String>,
    /// Its bytes; of a file that goes out while it comes in, the first ones.
    pub data: Bytes,
    /// Such a file: what came behind the first bytes until now.
    pub more: Option<More>,
}

/// The rest of a file that nobody holds.
#[derive(Debug, Clone, Default)]
pub struct More {
    /// How many bytes.
    pub len: u64,
    /// The last ones, some pages of a sound.
    pub last: Bytes,
}

impl FilePart {
    /// How many bytes it has, as far as it came.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.data.len() as u64 + self.more.as_ref().map_or(0, |more| more.len)
    }
}

/// The body of a request to an upstream.
#[derive(Debug, Clone, Default)]
pub enum TaskBody {
    /// None.
    #[default]
    None,
    /// JSON.
    Json(Bytes),
    /// `multipart/form-data`: text fields, then files.
    Form {
        /// Text fields, in order
        fields: Vec<(String, String)>,
        /// Files, in order
        files: Vec<FilePart>,
    },
    /// Bytes of a media type.
    Raw {
        /// Media type
        content_type: String,
        /// The bytes
        data: Bytes,
    },
}

/// A request to an upstream, but for what its provider adds (address, credentials).
#[derive(Debug, Clone, Default)]
pub struct TaskOut {
    /// The body.
    pub body: TaskBody,
    /// A path in place of that of the provider's URL.
    pub path: Option<String>,
    /// A path behind the provider's URL (`/{voice}`).
    pub beside: Option<String>,
    /// Query parameters, not yet percent-encoded.
    pub query: Vec<(String, String)>,
    /// Further headers.
    pub headers: Vec<(String, String)>,
    /// Another method than POST.
    pub method: Option<&'static str>,
}

impl TaskOut {
    /// Takes a field out of a body of JSON or a form.
    pub fn remove_field(&mut self, name: &str) {
        match &mut self.body {
            TaskBody::Json(bytes) => {
                if let Ok(top) = Top::parse(bytes)
                    && top.get(name).is_some()
                {
                    *bytes = top.edited(&[(name, None)]);
                }
            }
            TaskBody::Form { fields, .. } => fields.retain(|(n, _)| n != name),
            TaskBody::None | TaskBody::Raw { .. } => {}
        }
    }
}

/// The answer, in the client's shape.
#[derive(Debug, Clone)]
pub struct TaskReply {
    /// The body.
    pub body: ReplyBody,
    /// What it consumed.
    pub usage: Option<UsageReport>,
    /// What its price depends on besides.
    pub sizing: Sizing,
}

impl TaskReply {
    /// An answer in JSON.
    #[must_use]
    pub fn json(body: impl Into<Bytes>, usage: Option<UsageReport>) -> Self {
        Self { body: ReplyBody::Json(body.into()), usage, sizing: Sizing::default() }
    }

    /// An answer of bytes.
    #[must_use]
    pub fn raw(content_type: impl Into<String>, data: impl Into<Bytes>, usage: Option<UsageReport>) -> Self {
        let body = ReplyBody::Raw { content_type: content_type.into(), data: data.into() };
        Self { body, usage, sizing: Sizing::default() }
    }
}

/// How large and how good, where that has its own price.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sizing {
    /// `1024x1024`, `2K` of images.
    pub image_size: Option<String>,
    /// `hd`, `low` of images.
    pub image_quality: Option<String>,
    /// `720p`, `1080p` of videos.
    pub video_resolution: Option<String>,
}

/// The body of an answer.
#[derive(Debug, Clone)]
pub enum ReplyBody {
    /// JSON.
    Json(Bytes),
    /// Bytes of a media type.
    Raw {
        /// Media type
        content_type: String,
        /// The bytes
        data: Bytes,
    },
}

/// What is to be done before there is an answer. Job-style upstreams give a ticket first.
#[derive(Debug, Clone, Default)]
pub enum Next {
    /// The reply is the answer.
    #[default]
    Done,
    /// Another request, after a while. Its reply is looked at in turn.
    Send {
        /// How long to wait before
        after: Duration,
        /// The request
        request: Box<FollowUp>,
    },
    /// The reply is the answer, and this is sent besides: something is cleared away. How it ends does not matter.
    Last {
        /// The request
        request: Box<FollowUp>,
    },
}

/// A request that follows another one, with the same credentials.
#[derive(Debug, Clone)]
pub struct FollowUp {
    /// The method.
    pub method: &'static str,
    /// Where to.
    pub url: FollowUrl,
    /// The body.
    pub body: TaskBody,
    /// Its reply is the stream that the client waits for.
    pub streams: bool,
}

/// Where a following request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FollowUrl {
    /// A URL that the upstream named. Credentials go with it only to the host of the first request.
    Absolute(String),
    /// The same, of a host of the upstream's own house, of which its codec is sure: credentials go with it.
    Own(String),
    /// The URL of the request before.
    Again,
    /// A path behind the URL of the first request, its query left out. One that starts with `/../` is beside its last
    /// segment.
    Beside(String),
    /// A path in place of that of the first request.
    Path(String),
}

/// A format of tasks, towards an upstream. The client's side is always LiteLLM's shape.
pub trait TaskCodec: Send + Sync + fmt::Debug {
    /// The format.
    fn format(&self) -> Format;

    /// Writes a request.
    ///
    /// # Errors
    /// `BadRequest` with the field to blame; `UnsupportedParams` when the upstream cannot do what is asked.
    fn encode(&self, request: &TaskRequest, ctx: &mut EncodeContext<'_>) -> Result<TaskOut>;

    /// Reads an answer and writes it in the client's shape.
    ///
    /// # Errors
    /// `InvalidReply` when the reply is not of this format; the upstream's own error when it is one inside a 200.
    fn decode(&self, request: &TaskRequest, reply: &ReplyView<'_>, ctx: &ReplyContext) -> Result<TaskReply>;

    /// Reads an error reply.
    fn decode_error(&self, reply: &ReplyView<'_>) -> Error {
        crate::openai::errors::decode(reply)
    }

    /// What follows a reply. `step` counts the replies of this call from 0.
    ///
    /// # Errors
    /// When the reply says that the job failed.
    fn next(&self, _request: &TaskRequest, _step: u32, _reply: &ReplyView<'_>) -> Result<Next> {
        Ok(Next::Done)
    }

    /// The answer is bytes or events that go on to the client as they come.
    fn streams(&self, _request: &TaskRequest) -> bool {
        false
    }

    /// The URL of a document that the upstream would not fetch itself: it is fetched before [`Self::encode`].
    fn fetches<'r>(&self, _request: &'r TaskRequest) -> Option<&'r str> {
        None
    }

    /// Puts a fetched document, a `data:` URL now, in place of its URL.
    fn put_fetched(&self, _request: &mut TaskRequest, _data_url: String) {}

    /// Usage that is known before the answer (characters of a text that becomes speech), for streamed answers.
    fn usage_of_request(&self, _request: &TaskRequest) -> Option<UsageReport> {
        None
    }

    /// What the price of a streamed answer depends on besides its usage, as it was asked for.
    fn sizing(&self, _request: &TaskRequest) -> Sizing {
        Sizing::default()
    }

    /// Nothing is missing behind this event of a streamed answer: the data of a server-sent event. `[DONE]` is such an
    /// end whatever the format.
    fn is_last_event(&self, _data: &[u8]) -> bool {
        true
    }

    /// Usage that an event of a streamed answer tells: the data of a server-sent event.
    fn usage_in_event(&self, _data: &[u8]) -> Option<UsageReport> {
        None
    }
}
