//! What the database adds to a configuration: models, credentials and settings, opened.

mod cache;
mod form;
mod guarded;
mod sealing;
pub(crate) mod settings;
mod sso;
mod ui;
mod vaults;

use llm_store::{
    AgentRow, CacheConfigRow, ConfigOverrideRow, ConfigRow, CredentialRow, Filter, GuardrailRow, McpServerRow,
    McpToolsetRow, PolicyAttachmentRow, PolicyRow, PromptRow, ProxyModelRow, RegisteredVectorStoreRow, SearchToolRow,
    SsoConfigRow, Store, Table as _, ToolRow, UiSettingsRow, VectorStoreIndexRow,
};
use llm_types::{Error, Json};

use crate::Accounts;
use crate::callbacks;
use crate::policies::{StoredAttachment, StoredPolicy};
use crate::request::Outcome;
use crate::seal::Seal;
pub use cache::{cache_section, hidden_cache, tried_cache};
pub(crate) use form::object as settings_of;
pub use guarded::decides_who_gets_in;
pub(crate) use settings::shown;
pub(crate) use sso::is_web;
pub use sso::{sso_sections, sso_team_claim};
pub(crate) use ui::KnownLogo;
pub use ui::{LaterSettings, Logo, ui_section};
pub use vaults::StoredVault;

/// A model of the database.
#[derive(Clone)]
pub struct StoredModel {
    /// The deployment's id.
    pub id: String,
    /// `model_name`.
    pub name: String,
    /// `litellm_params`, secrets opened.
    pub params: Json,
    /// `model_info`.
    pub info: Json,
    /// Nobody may use it for now.
    pub blocked: bool,
}

/// Named credentials of the database.
#[derive(Clone)]
pub struct StoredCredential {
    /// `credential_name`.
    pub name: String,
    /// `credential_values`, opened.
    pub values: Json,
}

/// An MCP server of the database.
#[derive(Clone)]
pub struct StoredServer {
    /// `server_id`.
    pub id: String,
    /// Its name, its alias or its id.
    pub name: String,
    /// What a configuration would say of it, secrets opened.
    pub spec: Json,
}

/// An A2A agent of the database.
#[derive(Clone)]
pub struct StoredAgent {
    /// `agent_id`.
    pub id: String,
    /// `agent_name`.
    pub name: String,
    /// What a configuration would say of it, secrets opened.
    pub spec: Json,
}

/// A toolset of the database.
#[derive(Debug, Clone)]
pub struct StoredToolset {
    /// `toolset_id`.
    pub id: String,
    /// `toolset_name`.
    pub name: String,
    /// Servers and their tools.
    pub tools: Vec<(String, String)>,
}

/// A guardrail of the database.
#[derive(Clone)]
pub struct StoredGuardrail {
    /// `guardrail_id`.
    pub id: String,
    /// `guardrail_name`.
    pub name: String,
    /// What a configuration would say of it, secrets opened.
    pub entry: Json,
}

/// A managed prompt of the database.
#[derive(Clone)]
pub struct StoredPrompt {
    /// The row's own id.
    pub key: String,
    /// `prompt_id`.
    pub id: String,
    /// Its version.
    pub version: i64,
    /// Its environment.
    pub environment: String,
    /// `litellm_params`, secrets opened.
    pub params: Json,
}

/// All of it. It holds secrets: it has no `Debug` that shows them.
#[derive(Clone, Default)]
pub struct Stored {
    /// The models, by id.
    pub models: Vec<StoredModel>,
    /// The credentials, by name.
    pub credentials: Vec<StoredCredential>,
    /// The MCP servers that are approved.
    pub mcp_servers: Vec<StoredServer>,
    /// Named sets of their tools.
    pub mcp_toolsets: Vec<StoredToolset>,
    /// Tools of MCP servers that nobody may call.
    pub blocked_tools: Vec<String>,
    /// The A2A agents.
    pub agents: Vec<StoredAgent>,
    /// The guardrails that are in force.
    pub guardrails: Vec<StoredGuardrail>,
    /// The policies, every version.
    pub policies: Vec<StoredPolicy>,
    /// Whose calls they are for.
    pub policy_attachments: Vec<StoredAttachment>,
    /// The managed prompts, every version.
    pub prompts: Vec<StoredPrompt>,
    /// Sections of the configuration: name and content.
    pub sections: Vec<(String, Json)>,
    /// Where people log in, opened: see [`sso_sections`].
    pub sso: Json,
    /// Search tools: id, and what a configuration would say of each, opened.
    pub search_tools: Vec<(String, Json)>,
    /// Registered vector stores, in the same way.
    pub vector_stores: Vec<(String, Json)>,
    /// Indexes of vector stores: name, and what a configuration would say of each.
    pub indexes: Vec<(String, Json)>,
    /// Settings of the pages: see [`ui_section`].
    pub ui: Json,
    /// The response cache, opened: see [`cache_section`].
    pub cache: Json,
    /// The secret manager in place of the configuration's.
    pub vault: Option<StoredVault>,
}

// What they hold is secret: their names may be printed.
impl std::fmt::Debug for StoredModel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredModel").field("id", &self.id).field("name", &self.name).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for StoredCredential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredCredential").field("name", &self.name).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for StoredServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredServer").field("id", &self.id).field("name", &self.name).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for StoredAgent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredAgent").field("id", &self.id).field("name", &self.name).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for StoredGuardrail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredGuardrail").field("id", &self.id).field("name", &self.name).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for StoredPrompt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredPrompt").field("id", &self.id).field("version", &self.version).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Stored {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = self.sections.iter().map(|(name, _)| name.as_str()).collect();
        let (models, credentials) = (self.models.len(), self.credentials.len());
        f.debug_struct("Stored")
            .field("models", &models)
            .field("credentials", &credentials)
            .field("mcp_servers", &self.mcp_servers.len())
            .field("mcp_toolsets", &self.mcp_toolsets.len())
            .field("agents", &self.agents.len())
            .field("guardrails", &self.guardrails.len())
            .field("policies", &self.policies.len())
            .field("prompts", &self.prompts.len())
            .field("of", &names)
            .finish()
    }
}

/// Changes when what the database adds to a configuration does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoredVersion(Vec<String>);

impl Accounts {
    /// Seals and opens secrets; nothing without a salt key and a master key.
    #[must_use]
    pub fn seal(&self) -> Option<Seal> {
        self.settings().seal()
    }

    /// The seal of a call that stores a secret.
    ///
    /// # Errors
    /// 500 without a key: secrets are not stored in the clear.
    pub(crate) fn seal_or_refuse(&self) -> Outcome<Seal> {
        let why = "Secrets cannot be stored: set LITELLM_SALT_KEY or a master key";
        self.seal().ok_or_else(|| Error::internal(why).into())
    }

    /// Metadata of a key or a team that are about to be stored: secrets of their callbacks are sealed.
    ///
    /// # Errors
    /// 500 when there are some and no key to seal them with.
    pub(crate) fn sealed_metadata(&self, metadata: Option<Json>) -> Outcome<Option<Json>> {
        match metadata {
            Some(metadata) if callbacks::bare(&metadata) => {
                Ok(Some(callbacks::sealed(metadata, &self.seal_or_refuse()?)?))
            }
            metadata => Ok(metadata),
        }
    }

    /// Refuses changes to models and configuration where they are not to live in the database.
    ///
    /// # Errors
    /// 500, in LiteLLM's words.
    pub(crate) fn stores_models(&self) -> Outcome<()> {
        if self.settings().store_model_in_db {
            return Ok(());
        }
        Err(Error::internal("Set `'STORE_MODEL_IN_DB='True'` in your env to enable this feature.").into())
    }

    /// What the database adds to the configuration.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn stored(&self) -> Outcome<Stored> {
        Ok(Stored::read(self.store_or_refuse()?, self.settings().seal().as_ref()).await?)
    }

    /// Changes whenever [`Accounts::stored`] would.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn stored_version(&self) -> Outcome<StoredVersion> {
        Ok(StoredVersion::read(self.store_or_refuse()?).await?)
    }
}

/// Tables whose content is part of the configuration.
const TABLES: [&str; 16] = [
    ProxyModelRow::NAME,
    CredentialRow::NAME,
    McpServerRow::NAME,
    McpToolsetRow::NAME,
    GuardrailRow::NAME,
    PolicyRow::NAME,
    PolicyAttachmentRow::NAME,
    PromptRow::NAME,
    SsoConfigRow::NAME,
    UiSettingsRow::NAME,
    CacheConfigRow::NAME,
    SearchToolRow::NAME,
    RegisteredVectorStoreRow::NAME,
    VectorStoreIndexRow::NAME,
    AgentRow::NAME,
    ConfigOverrideRow::NAME,
];

impl StoredVersion {
    /// Reads it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn read(store: &Store) -> llm_store::Result<Self> {
        let mut version = store.versions(&TABLES).await?.map(|version| format!("{version:?}")).to_vec();
        // Of the registry of tools only those that are blocked change anything: others come with every new tool that is called.
        version.extend(store.table::<ToolRow>().find(blocked_tools()).await?.into_iter().map(|row| row.tool_name));
        let sections = store.table::<ConfigRow>().find(Filter::new()).await?;
        for row in sections.into_iter().filter(|row| settings::SECTIONS.contains(&row.param_name.as_str())) {
            let value = row.param_value.as_ref().map(llm_types::RawJson::get).unwrap_or_default();
            version.push(format!("{}={value} {}", row.param_name, row.reload_revision));
        }
        Ok(Self(version))
    }
}

impl Stored {
    /// Reads all of it; secrets that `seal` does not open stay as they are.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn read(store: &Store, seal: Option<&Seal>) -> llm_store::Result<Self> {
        let open = |raw: &llm_types::RawJson| crate::seal::opened(seal, raw);
        let models = store.table::<ProxyModelRow>().find(Filter::new()).await?;
        let credentials = store.table::<CredentialRow>().find(Filter::new()).await?;
        let servers = store.table::<McpServerRow>().find(Filter::new()).await?;
        let toolsets = store.table::<McpToolsetRow>().find(Filter::new()).await?;
        let blocked = store.table::<ToolRow>().find(blocked_tools()).await?;
        let agents = store.table::<AgentRow>().find(Filter::new()).await?;
        let guardrails = store.table::<GuardrailRow>().find(Filter::new()).await?;
        let policies = store.table::<PolicyRow>().find(Filter::new()).await?;
        let attachments = store.table::<PolicyAttachmentRow>().find(Filter::new()).await?;
        let prompts = store.table::<PromptRow>().find(Filter::new()).await?;
        let rows = store.table::<ConfigRow>().find(Filter::new()).await?;
        let sso = store.table::<SsoConfigRow>().find(Filter::new()).await?;
        let pages = store.table::<UiSettingsRow>().get([ui::ROW]).await?;
        let tools = store.table::<SearchToolRow>().find(Filter::new()).await?;
        let vectors = store.table::<RegisteredVectorStoreRow>().find(Filter::new()).await?;
        let indexes = store.table::<VectorStoreIndexRow>().find(Filter::new()).await?;
        let cached = store.table::<CacheConfigRow>().get([cache::ROW]).await?;
        let overrides = store.table::<ConfigOverrideRow>().find(Filter::new()).await?;
        Ok(Self {
            vault: vaults::of(&overrides, seal),
            agents: agents.iter().map(|row| StoredAgent::of(row, seal)).collect(),
            guardrails: guardrails.iter().filter_map(|row| StoredGuardrail::of(row, seal)).collect(),
            policies: policies.iter().map(StoredPolicy::of).collect(),
            policy_attachments: attachments.iter().map(StoredAttachment::of).collect(),
            prompts: prompts.iter().map(|row| StoredPrompt::of(row, seal)).collect(),
            mcp_servers: servers.iter().filter_map(|row| StoredServer::of(row, seal)).collect(),
            blocked_tools: blocked.into_iter().map(|row| row.tool_name).collect(),
            mcp_toolsets: toolsets.iter().map(StoredToolset::of).collect(),
            models: models.iter().map(|row| StoredModel::of(row, open(&row.litellm_params))).collect(),
            credentials: credentials
                .into_iter()
                .map(|row| StoredCredential { values: open(&row.credential_values), name: row.credential_name })
                .collect(),
            sections: settings::sections(&rows, open),
            search_tools: tools
                .iter()
                .map(|row| (row.search_tool_id.clone(), crate::search_tools::entry(row, open(&row.litellm_params))))
                .collect(),
            vector_stores: vectors
                .iter()
                .map(|row| {
                    (
                        row.vector_store_id.clone(),
                        crate::vector_stores::entry(row, row.litellm_params.as_ref().map(open)),
                    )
                })
                .collect(),
            indexes: indexes
                .iter()
                .map(|row| (row.index_name.clone(), crate::vector_stores::indexes::entry(row)))
                .collect(),
            ui: ui::read(pages.as_ref()),
            cache: cache::opened(cached.as_ref(), open),
            sso: sso::opened(sso.first(), open),
        })
    }
}

fn blocked_tools() -> Filter {
    Filter::new().is("input_policy", crate::tools::BLOCKED)
}

impl StoredModel {
    pub(crate) fn of(row: &ProxyModelRow, params: Json) -> Self {
        Self {
            id: row.model_id.clone(),
            name: row.model_name.clone(),
            params,
            info: row.model_info.as_ref().and_then(|raw| raw.read().ok()).unwrap_or_default(),
            blocked: row.blocked,
        }
    }
}
