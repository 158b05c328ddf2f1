//! The face of a provider.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use llm_catalog::Catalog;
use llm_types::{AuthNeed, Error, FieldSet, Format, Json, OperationKind, Result, Secret};
use llm_wire::framing::Framing;
use llm_wire::task::TaskOut;
use llm_wire::{ModelCaps, ReplyView};

use crate::batches::BatchHouse;
use crate::endpoint::{row_endpoint, row_protocols};
use crate::params::Params;
use crate::quirk::Quirks;
use crate::resource::{Resource, row_realtime, row_resource};
use crate::row::{ProviderRow, RowFormat};
use crate::stores::StoreHouse;
use crate::tuning::TuningHouse;
use crate::uploads::UploadHouse;

/// What somebody wants to do with a provider.
#[derive(Debug, Clone, Copy)]
pub struct Want<'a> {
    /// The kind of call.
    pub operation: OperationKind,
    /// The language of the client.
    pub format: Format,
    /// The model as the provider knows it.
    pub model: &'a str,
}

/// Languages, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Protocols([Option<Format>; 4]);

impl Protocols {
    /// Adds a language at the end, once.
    pub fn push(&mut self, format: Format) {
        if !self.has(format)
            && let Some(free) = self.0.iter_mut().find(|f| f.is_none())
        {
            *free = Some(format);
        }
    }

    /// The best one.
    #[must_use]
    pub fn best(&self) -> Option<Format> {
        self.0.first().copied().flatten()
    }

    /// True when a language is among them.
    #[must_use]
    pub fn has(&self, format: Format) -> bool {
        self.iter().any(|f| f == format)
    }

    /// True when the operation is not supported.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.best().is_none()
    }

    /// All, best first.
    pub fn iter(&self) -> impl Iterator<Item = Format> {
        self.0.iter().copied().flatten()
    }
}

/// A call that is about to be made.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The kind of call.
    pub operation: OperationKind,
    /// The language towards the provider.
    pub format: Format,
    /// The language of the client.
    pub client_format: Format,
    /// The model as the provider knows it.
    pub model: &'a str,
    /// Wanted as a stream.
    pub stream: bool,
    /// The deployment's base URL.
    pub api_base: Option<&'a str>,
    /// The deployment's key.
    pub api_key: Option<&'a Secret>,
    /// The deployment's other parameters.
    pub params: &'a Params,
    /// `anthropic-beta` values that the body made necessary.
    pub betas: &'a [&'static str],
    /// Headers of the client, names in lower case. Only those that the provider understands go on.
    pub client_headers: &'a [(String, String)],
}

impl<'a> Call<'a> {
    /// A call in OpenAI's language of chat, whole, without a base or a key of the deployment.
    pub(crate) const fn new(operation: OperationKind, format: Format, model: &'a str, params: &'a Params) -> Self {
        Self {
            operation,
            format,
            client_format: Format::OpenAiChat,
            model,
            stream: false,
            api_base: None,
            api_key: None,
            params,
            betas: &[],
            client_headers: &[],
        }
    }
}

/// Where a request goes.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// The method.
    pub method: Method,
    /// The whole URL.
    pub url: String,
    /// Headers, credentials included.
    pub headers: HeaderMap,
    /// What has to be computed just before the request is sent.
    pub auth: Option<AuthNeed>,
    /// It depends on more than the deployment and the format (on `stream`, betas or client headers): do not keep it
    /// for other calls.
    pub per_request: bool,
}

impl Default for Endpoint {
    fn default() -> Self {
        Self { method: Method::POST, url: String::new(), headers: HeaderMap::new(), auth: None, per_request: false }
    }
}

impl Endpoint {
    /// Sets a header.
    ///
    /// # Errors
    /// `BadRequest` when the name or the value cannot stand in a header.
    pub fn set(&mut self, name: &str, value: &str) -> Result<()> {
        let bad = || Error::bad_request(format!("the header {name:?} cannot be sent")).with_param("extra_headers");
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad())?;
        let mut text = HeaderValue::from_str(value).map_err(|_| bad())?;
        text.set_sensitive(matches!(key, header::AUTHORIZATION) || name.contains("key") || name.contains("token"));
        self.headers.insert(key, text);
        Ok(())
    }

    /// Sets `extra_headers` and `headers` of the deployment.
    ///
    /// # Errors
    /// As [`Self::set`].
    pub fn set_extra(&mut self, params: &Params) -> Result<()> {
        params.pairs("headers").chain(params.pairs("extra_headers")).try_for_each(|(k, v)| self.set(k, v))
    }
}

/// Where beginnings of conversations are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CachedPlace {
    /// The URL of all of them.
    pub url: String,
    /// The model as it is named there.
    pub model: String,
}

/// A model host.
pub trait Provider: Send + Sync + fmt::Debug {
    /// The facts on it.
    fn row(&self) -> &'static ProviderRow;

    /// The languages in which it can do something, best first. The client's own comes first where it is among them.
    /// None at all: see [`not_served`].
    fn protocols(&self, want: &Want<'_>) -> Protocols {
        row_protocols(self.row(), want)
    }

    /// Where the call goes and with which headers. Cheap; the outcome may be kept per deployment and format unless
    /// [`Endpoint::per_request`] says otherwise.
    ///
    /// # Errors
    /// `Authentication` without a needed key, `BadRequest` without a base URL or with headers that cannot be sent.
    fn endpoint(&self, call: &Call<'_>, out: &mut Endpoint) -> Result<()> {
        row_endpoint(self.row(), call, out)
    }

    /// Where something is that it keeps: files, batches, threads. The method is the client's.
    ///
    /// # Errors
    /// `BadRequest` when it keeps nothing of the kind, or as [`Self::endpoint`].
    fn resource(&self, resource: &Resource<'_>, out: &mut Endpoint) -> Result<()> {
        row_resource(self.row(), resource, out)
    }

    /// True where interactions are its own language. Elsewhere they are told as calls of the Responses API.
    fn interacts(&self) -> bool {
        false
    }

    /// How it keeps batches, where not as OpenAI does.
    fn batches(&self) -> Option<&'static dyn BatchHouse> {
        None
    }

    /// How it keeps files that are announced before they are sent; nothing where files are kept otherwise.
    fn uploads(&self) -> Option<&'static dyn UploadHouse> {
        None
    }

    /// How it keeps fine-tuning jobs, where not as OpenAI does.
    fn tuning(&self) -> Option<&'static dyn TuningHouse> {
        None
    }

    /// How its vector stores are searched, where not as OpenAI's are. `model` stands behind its name where it has several
    /// kinds of them.
    fn stores(&self, _model: &str) -> Option<&'static dyn StoreHouse> {
        None
    }

    /// Where a session over a WebSocket begins.
    ///
    /// # Errors
    /// As [`Self::resource`].
    fn realtime(&self, session: &Resource<'_>, out: &mut Endpoint) -> Result<()> {
        row_realtime(self.row(), session, out)
    }

    /// Where it keeps the beginnings of conversations for requests that begin the same way. Nothing: marks for caches
    /// are not followed.
    fn cached_contents(&self, _call: &Call<'_>) -> Option<CachedPlace> {
        None
    }

    /// Where pictures are put before a conversation names them by their ids. Nothing: they stand in the request.
    fn picture_files(&self, _call: &Call<'_>) -> Option<String> {
        None
    }

    /// Where the type of something that a conversation names by its address can be asked for, with nothing but the
    /// credentials of the call. Nothing: nowhere.
    fn media_facts(&self, _call: &Call<'_>, _url: &str) -> Option<String> {
        None
    }

    /// True where [`Self::prepare`] has something to do.
    fn prepares(&self, _call: &Call<'_>) -> bool {
        false
    }

    /// A last change to the encoded body.
    ///
    /// # Errors
    /// When the body cannot be what the provider wants.
    fn prepare(&self, _call: &Call<'_>, body: Bytes) -> Result<Bytes> {
        Ok(body)
    }

    /// True where [`Self::steer`] has something to do.
    fn steers(&self, _call: &Call<'_>) -> bool {
        false
    }

    /// A last change to the encoded body and to where it goes, by what the body says: ids of sessions that stand in
    /// paths and headers. Only for endpoints that are [`Endpoint::per_request`].
    ///
    /// # Errors
    /// When what the body says cannot stand there.
    fn steer(&self, _call: &Call<'_>, body: Bytes, _endpoint: &mut Endpoint) -> Result<Bytes> {
        Ok(body)
    }

    /// A last change to a task's encoded request.
    fn prepare_task(&self, _call: &Call<'_>, _endpoint: &Endpoint, _out: &mut TaskOut) {}

    /// The deviations that hold for a model of a deployment.
    fn quirks(&self, model: &str, _params: &Params) -> Quirks {
        self.row().quirks_for(model)
    }

    /// The model as it is written into the body, when it is not the one that was resolved.
    fn wire_model<'a>(&self, model: &'a str) -> Cow<'a, str> {
        crate::edit::model::wire_model(self.row(), model)
    }

    /// The model as a task names it, see [`crate::row::Task::model`].
    fn task_model<'a>(&self, operation: OperationKind, model: &'a str) -> Cow<'a, str> {
        match self.row().task(operation).and_then(|t| t.model) {
            Some(template) => crate::edit::model::templated(template, model),
            None => Cow::Borrowed(model),
        }
    }

    /// Fields that every task of a deployment gets.
    ///
    /// # Errors
    /// What the provider refuses to be asked.
    fn fill_task(&self, _call: &Call<'_>, _fields: &mut Json) -> Result<()> {
        Ok(())
    }

    /// What a model can do here, where that is not what the catalog says.
    fn caps(&self, _model: &str, caps: ModelCaps) -> ModelCaps {
        caps
    }

    /// The model whose rules apply: the deployment's `base_model` where its name says nothing.
    fn rules_model<'a>(&self, model: &'a str, _params: &'a Params) -> &'a str {
        model
    }

    /// The chat parameters that it takes for a model.
    fn supported(&self, model: &str, caps: &ModelCaps) -> FieldSet {
        self.row().supported(model, caps)
    }

    /// True where it does not fetch URLs of images and files itself although its language can name them: they are
    /// fetched before the request is written.
    fn fetches(&self, _format: Format, _model: &str) -> bool {
        false
    }

    /// True for a URL that it fetches itself although others who speak its language do not.
    fn takes_url(&self, _format: Format, _url: &str) -> bool {
        false
    }

    /// A last word on what a model can do, behind the catalog's.
    fn bend_caps(&self, _catalog: &Catalog, _model: &str, _caps: &mut ModelCaps) {}

    /// How its streams are cut, where not as their language usually is.
    fn framing(&self, _call: &Call<'_>) -> Option<Framing> {
        None
    }

    /// Reads an error reply in the provider's own dialect. `None`: the format's reading is right.
    fn decode_error(&self, _reply: &ReplyView<'_>) -> Option<Error> {
        None
    }
}

/// What a client is told of an operation that a known provider cannot be asked for.
#[must_use]
pub fn not_served(row: &ProviderRow, want: &Want<'_>) -> Error {
    match row.format {
        RowFormat::NotServed(why) => Error::bad_request(format!("provider {} is known but not served: {why}", row.id)),
        _ => Error::bad_request(format!("provider {} does not serve {}", row.id, want.format)),
    }
}

/// A provider without control flow of its own: its row says everything.
#[derive(Debug)]
pub struct Compatible(pub &'static ProviderRow);

impl Provider for Compatible {
    fn row(&self) -> &'static ProviderRow {
        self.0
    }
}
