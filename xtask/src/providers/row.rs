//! What `data/providers.toml` may say.

use indexmap::IndexMap;
use llm_types::Format;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    pub(super) params: IndexMap<String, Vec<String>>,
    pub(super) provider: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) name: String,
    /// Other first segments of model strings.
    #[serde(default)]
    pub(super) prefixes: Vec<String>,
    /// The folder with its control flow.
    pub(super) folder: Option<String>,
    pub(super) base: Option<String>,
    #[serde(default)]
    pub(super) base_env: Vec<String>,
    #[serde(default)]
    pub(super) key_env: Vec<String>,
    #[serde(default)]
    pub(super) auth: Auth,
    #[serde(default)]
    pub(super) headers: IndexMap<String, String>,
    pub(super) format: Option<String>,
    /// The language of the `embeddings` path.
    pub(super) embed_format: Option<String>,
    /// Other operations.
    #[serde(default)]
    pub(super) tasks: IndexMap<String, TaskPath>,
    /// It keeps vector stores.
    #[serde(default)]
    pub(super) stores: bool,
    pub(super) not_served: Option<String>,
    pub(super) chat: Option<String>,
    pub(super) completions: Option<String>,
    pub(super) embeddings: Option<String>,
    pub(super) responses: Option<String>,
    pub(super) messages: Option<String>,
    #[serde(default)]
    pub(super) params: Vec<String>,
    #[serde(default)]
    pub(super) params_more: Vec<String>,
    #[serde(default)]
    pub(super) params_less: Vec<String>,
    #[serde(default)]
    pub(super) params_if: IndexMap<String, Vec<String>>,
    #[serde(default)]
    pub(super) params_for_model: Vec<Named>,
    #[serde(default)]
    pub(super) params_unless_model: Vec<Named>,
    #[serde(default)]
    pub(super) embed_params: Vec<String>,
    #[serde(default)]
    pub(super) renames: IndexMap<String, String>,
    #[serde(default)]
    pub(super) quirks: Vec<String>,
    /// Quirks of some models only.
    #[serde(default)]
    pub(super) quirks_for_model: Vec<NamedQuirks>,
    /// `anthropic-beta` values that it understands, with its names for them.
    #[serde(default)]
    pub(super) betas: IndexMap<String, String>,
    /// What short model names are short for.
    pub(super) model_short: Option<String>,
    /// What dotted model names are written into.
    pub(super) model_dotted: Option<String>,
    /// Streams report usage only when the client asks.
    #[serde(default)]
    pub(super) usage_on_request: bool,
    #[serde(default)]
    pub(super) clean_reply: bool,
    /// The proof in the blocks that repeat the thoughts of its streams.
    pub(super) block_proof: Option<String>,
    #[serde(default)]
    pub(super) hosts: Vec<String>,
    #[serde(default)]
    pub(super) bare_models: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Named {
    pub(super) like: Vec<String>,
    pub(super) params: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NamedQuirks {
    pub(super) like: Vec<String>,
    pub(super) quirks: Vec<String>,
}

/// Where a task is, and in which language when not in the client's.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum TaskPath {
    Path(String),
    Said(TaskSpec),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TaskSpec {
    pub(super) path: String,
    pub(super) format: Option<String>,
    pub(super) base: Option<String>,
    pub(super) model: Option<String>,
    pub(super) takes: Option<Vec<String>>,
    #[serde(default)]
    pub(super) leaves: Vec<String>,
    pub(super) auth: Option<Auth>,
}

/// Names of tasks in the table: the operation, and the language that LiteLLM's clients speak.
pub(super) const TASKS: [(&str, &str, Format); 11] = [
    ("images", "Image", Format::OpenAiImages),
    ("image_edits", "ImageEdit", Format::OpenAiImages),
    ("image_variations", "ImageVariation", Format::OpenAiImages),
    ("transcriptions", "Transcribe", Format::OpenAiAudio),
    ("translations", "Translate", Format::OpenAiAudio),
    ("speech", "Speech", Format::OpenAiAudio),
    ("moderations", "Moderate", Format::OpenAiModerations),
    ("rerank", "Rerank", Format::CohereRerank),
    ("ocr", "Ocr", Format::MistralOcr),
    ("search", "Search", Format::Search),
    ("videos", "Video", Format::OpenAiVideos),
];

#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Auth {
    Word(String),
    Header { header: String, value: Option<String> },
    Query { query: String },
    Computed { computed: String },
}

impl Default for Auth {
    fn default() -> Self {
        Self::Word("bearer".into())
    }
}
