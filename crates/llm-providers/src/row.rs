//! What a row of `data/providers.toml` says.

use std::borrow::Cow;

use llm_types::{AuthScheme, Field, FieldSet, Format, OperationKind, Secret};
use llm_wire::ModelCaps;

use crate::params::Params;
use crate::quirk::Quirks;
use crate::template;

/// Facts on a provider. Everything that differs between providers only in values is here.
#[derive(Debug, Clone, Copy)]
pub struct ProviderRow {
    /// Its id: LiteLLM's spelling, the first segment of `id/model`.
    pub id: &'static str,
    /// Its name for people.
    pub display_name: &'static str,
    /// Other first segments that name it.
    pub prefixes: &'static [&'static str],
    /// Where it is, when nobody says otherwise. May hold placeholders, see [`Header::value`].
    pub api_base: Option<&'static str>,
    /// Environment variables that override [`Self::api_base`]; the first that is set wins.
    pub api_base_env: &'static [&'static str],
    /// Environment variables that hold the key; the first that is set wins.
    pub api_key_env: &'static [&'static str],
    /// How the key is shown.
    pub auth: Auth,
    /// Headers that it wants besides.
    pub headers: &'static [Header],
    /// The language it speaks.
    pub format: RowFormat,
    /// The language of its `chat` path.
    pub chat_format: Format,
    /// The language of its `embeddings` path.
    pub embed_format: Format,
    /// Its other operations.
    pub tasks: &'static [Task],
    /// Chat parameters that it takes whatever the model.
    pub supported: FieldSet,
    /// Chat parameters that it takes only for models that can do something.
    pub supported_if: &'static [(Cap, FieldSet)],
    /// Embedding parameters that it takes.
    pub embed_supported: FieldSet,
    /// Parameters that it calls by another name.
    pub renames: &'static [(Field, &'static str)],
    /// Named deviations.
    pub quirks: Quirks,
    /// Where its operations are, below the base.
    pub paths: Paths,
    /// Its replies are true OpenAI wire: they may be forwarded untouched.
    pub clean_reply: bool,
    /// Thoughts that its streams hold as content parts are told again to chat clients as `thinking_blocks` with this proof.
    pub block_proof: Option<&'static str>,
    /// It takes `stream_options.include_usage`.
    pub stream_usage: bool,
    /// The `anthropic-beta` values that it understands, with its names for them; empty: all pass.
    pub betas: &'static [(&'static str, &'static str)],
    /// What its models are called in bodies.
    pub model_name: ModelName,
    /// Deviations of some models only, by pieces of their names.
    pub quirks_like: &'static [(&'static [&'static str], Quirks)],
    /// Hosts and path prefixes by which a base URL betrays it (`api.example.com/v1`).
    pub hosts: &'static [&'static str],
    /// First segments of bare model names that are its own, a trailing `*` is a wildcard.
    pub bare_models: &'static [&'static str],
}

/// What models are called in bodies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModelName {
    /// As they were resolved.
    AsIs,
    /// Names without a slash are short for this, `{model}` standing for them.
    Short(&'static str),
    /// Names of pieces between dots are written into this, a `{}` standing for each.
    Dotted(&'static str),
}

/// The language a provider speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RowFormat {
    /// OpenAI's: chat, completions, embeddings; which of them is said by [`Paths`].
    OpenAi,
    /// Anthropic Messages.
    Anthropic,
    /// Another one, see [`ProviderRow::chat_format`].
    Own,
    /// It is known and not served, for this reason.
    NotServed(&'static str),
}

/// An operation beside generation and embeddings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Task {
    /// The operation.
    pub operation: OperationKind,
    /// The language of its path.
    pub format: Format,
    /// Where it is, below the base; as [`Paths`]. One that starts with `^` is in place of the base's own path.
    pub path: &'static str,
    /// The base when the deployment names none, where it is not the row's.
    pub base: Option<&'static str>,
    /// What its models are called, `{model}` standing for their names; names that are written so already stay.
    pub model: Option<&'static str>,
    /// The judged parameters that it takes; nothing: all of them.
    pub takes: Option<&'static [&'static str]>,
    /// Parameters that are left out without a word.
    pub leaves: &'static [&'static str],
    /// How the key is shown, where not as the row says.
    pub auth: Option<Auth>,
}

impl Task {
    /// A task of which nothing but operation, format and path is said.
    pub(crate) const BLANK: Self = Self {
        operation: OperationKind::Search,
        format: Format::Search,
        path: "",
        base: None,
        model: None,
        takes: None,
        leaves: &[],
        auth: None,
    };
}

/// How a provider wants to be shown the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Auth {
    /// Nothing is sent.
    None,
    /// `Authorization: Bearer KEY`; a key must be known.
    Bearer,
    /// `Authorization: Bearer KEY` when a key is known.
    BearerOptional,
    /// A header with a template in which `{key}` stands for the key; a key must be known.
    Header {
        /// Header name, lower case
        name: &'static str,
        /// Value with `{key}` in it
        value: &'static str,
    },
    /// Query parameters: a template with `{key}` in it, see [`Header::value`]; a key must be known.
    Query(&'static str),
    /// Something that must be computed before the call (signatures, token exchange), by this name. The caller gives
    /// the outcome as a bearer token.
    Computed(&'static str),
}

impl Auth {
    /// The scheme in the vocabulary that credentials use.
    #[must_use]
    pub fn scheme(self) -> AuthScheme {
        match self {
            Self::None | Self::Query(_) => AuthScheme::None,
            Self::Bearer | Self::Computed(_) => AuthScheme::Bearer,
            Self::BearerOptional => AuthScheme::BearerOptional,
            Self::Header { name, value: "{key}" } => AuthScheme::Header(name.into()),
            Self::Header { name, value } => AuthScheme::Template { name: name.into(), value: value.into() },
        }
    }
}

/// A header that a provider wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Its name, lower case.
    pub name: &'static str,
    /// Its value. `{param:NAME}` is a field of the deployment, `{env:NAME}` an environment variable, `{key}` the key;
    /// `{a|b|text}` is the first of them that is known, else the text. Without any, the header is not sent.
    pub value: &'static str,
}

/// Where operations are, below the base. `None`: the provider does not have the operation in this language. A path
/// that starts with `../` is beside the last segment of the base.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Paths {
    /// OpenAI chat completions.
    pub chat: Option<&'static str>,
    /// OpenAI legacy completions.
    pub completions: Option<&'static str>,
    /// OpenAI embeddings.
    pub embeddings: Option<&'static str>,
    /// OpenAI Responses.
    pub responses: Option<&'static str>,
    /// Anthropic Messages.
    pub messages: Option<&'static str>,
}

impl Paths {
    /// No operation.
    pub const NONE: Self = Self { chat: None, completions: None, embeddings: None, responses: None, messages: None };
}

/// What a model must be able to do for a conditional parameter to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cap {
    /// The catalog knows it.
    Known,
    /// It thinks.
    Reasoning,
    /// It calls tools.
    Tools,
    /// It answers JSON schemas natively.
    StructuredOutput,
    /// It takes forced tool choices.
    ForcedToolUse,
    /// The catalog does not know it: it may be able to do anything.
    Unknown,
    /// Its name contains one of these.
    Like(&'static [&'static str]),
    /// Its name contains none of these.
    Unlike(&'static [&'static str]),
}

impl Cap {
    /// True when the model can.
    #[must_use]
    pub fn holds(self, model: &str, caps: &ModelCaps) -> bool {
        match self {
            Self::Known => caps.known,
            Self::Reasoning => caps.reasoning,
            Self::Tools => caps.known && caps.tools,
            Self::StructuredOutput => caps.structured_output,
            Self::ForcedToolUse => caps.known && caps.forced_tool_use,
            Self::Unknown => !caps.known,
            Self::Like(names) => names.iter().any(|n| model.contains(n)),
            Self::Unlike(names) => !names.iter().any(|n| model.contains(n)),
        }
    }
}

/// A row in which nothing is said; rows of the table state what differs.
pub(crate) const BLANK: ProviderRow = ProviderRow {
    id: "",
    display_name: "",
    prefixes: &[],
    api_base: None,
    api_base_env: &[],
    api_key_env: &[],
    auth: Auth::Bearer,
    headers: &[],
    format: RowFormat::OpenAi,
    chat_format: Format::OpenAiChat,
    embed_format: Format::OpenAiEmbeddings,
    tasks: &[],
    supported: FieldSet::EMPTY,
    supported_if: &[],
    embed_supported: FieldSet::EMPTY,
    renames: &[],
    quirks: Quirks::NONE,
    paths: Paths::NONE,
    clean_reply: false,
    block_proof: None,
    stream_usage: false,
    betas: &[],
    model_name: ModelName::AsIs,
    quirks_like: &[],
    hosts: &[],
    bare_models: &[],
};

impl ProviderRow {
    /// A row in which nothing is said: a bearer key, OpenAI's language, no operation.
    pub const BLANK: Self = BLANK;

    /// How it does a task.
    #[must_use]
    pub fn task(&self, operation: OperationKind) -> Option<&Task> {
        self.tasks.iter().find(|t| t.operation == operation.family())
    }

    /// The chat parameters that it takes for a model.
    #[must_use]
    pub fn supported(&self, model: &str, caps: &ModelCaps) -> FieldSet {
        self.supported_if
            .iter()
            .filter(|(cap, _)| cap.holds(model, caps))
            .fold(self.supported, |set, (_, more)| set.union(*more))
    }

    /// The deviations that hold for a model.
    #[must_use]
    pub fn quirks_for(&self, model: &str) -> Quirks {
        let like = self.quirks_like.iter().filter(|(names, _)| names.iter().any(|n| model.contains(n)));
        like.fold(self.quirks, |all, (_, more)| all.union(*more))
    }

    /// The name by which it calls a parameter.
    #[must_use]
    pub fn renamed(&self, field: Field) -> Option<&'static str> {
        self.renames.iter().find(|(from, _)| *from == field).map(|(_, to)| *to)
    }

    /// Where it is: the deployment's base, else the environment's, else the row's.
    #[must_use]
    pub fn base<'a>(&self, given: Option<&'a str>, params: &Params) -> Option<Cow<'a, str>> {
        if let Some(base) = given.filter(|b| !b.is_empty()) {
            return Some(Cow::Borrowed(base));
        }
        let env = self.api_base_env.iter().find_map(|name| params.env(name));
        env.or_else(|| template::fill(self.api_base?, params, None)).map(Cow::Owned)
    }

    /// The key: the deployment's, else the environment's.
    #[must_use]
    pub fn key(&self, given: Option<&Secret>, params: &Params) -> Option<Secret> {
        match given.filter(|k| !k.is_empty()) {
            Some(key) => Some(key.clone()),
            None => self.api_key_env.iter().find_map(|name| params.env(name)).map(Secret::new),
        }
    }
}
