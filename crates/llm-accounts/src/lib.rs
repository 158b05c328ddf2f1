//! The rules over the store's rows: who may do what, how much is left, reservation and settlement.
//!
//! A request meets this crate three times, each time without waiting:
//!
//! 1. [`Accounts::identify_now`]: a credential becomes an [`Identity`]; only a key nobody asked for lately needs the store
//!    ([`Accounts::identify`]).
//! 2. [`Accounts::admit`]: permissions, budgets, limits; what the call may cost at most is set aside in a [`Reservation`].
//! 3. [`Reservation::settle`]: the [`Bill`] replaces what was set aside and goes to the journal, which the store gets in
//!    batches, exactly once.
//!
//! | file | what |
//! |---|---|
//! | `settings` | [`AccountsSettings`], with LiteLLM's names |
//! | `credential` | where a key may stand in the headers |
//! | `entry` | the ways in beside keys: identity providers, proxies, a hook |
//! | `follow` | what a new configuration changes while the gateway runs |
//! | `digest` | keys as SHA-256; how keys are shown |
//! | `role`, `routes`, `access` | roles, route groups, who may call what |
//! | `allow` | model allow-lists |
//! | `identity`, `switches`, `together`, `load`, `binding` | who calls, and how that is read from the rows |
//! | `changes` | what other gateways on the same database did |
//! | `accounts`, `memory`, `flights`, `strangers`, `source` | [`Accounts`]: the keys in memory, look-ups shared by callers, keys that nobody knows and where they come from |
//! | `shared` | limits and budgets over several gateways |
//! | `purse`, `gate` | live spend; live request and token counts |
//! | `expiry` | when files of teams go away |
//! | `budget_fallback` | where a call goes whose model's budget is gone |
//! | `bounds`, `party`, `scope` | budgets and limits that hold together: of a caller, of end users and tags, of a call |
//! | `special` | limits that hold for some calls of a caller: by tag, tool server, session |
//! | `limits` | taking from limits, here or in the shared store |
//! | `admit`, `reservation` | the ordered list of checks; setting aside, settling |
//! | `journal`, `flush` | the write-ahead journal, its segments, its way into the store |
//! | `spend_row` | the row of a call, as LiteLLM writes it |
//! | `period`, `resets` | durations, reset instants, the reset job |
//! | `request` | bodies of management calls |
//! | `usage` | whose daily usage a caller may read |
//! | `retention` | old rows of calls go |
//! | `ledger` | rows, sums and totals against each other |
//! | `exports` | what was spent, told to services that collect costs |
//! | `models`, `credentials`, `mcp_servers`, `mcp_toolsets`, `mcp_credentials`, `guardrails` | management of deployments, their credentials, MCP servers, toolsets, what people hold for them, and guardrails in the database |
//! | `tools` | the registry of tools, and which are blocked |
//! | `policies` | which guardrails run for whom |
//! | `callbacks` | callbacks of single keys and teams, in their metadata |
//! | `health_checks` | what health checks found |
//! | `stored` | what the database adds to the configuration; settings that live there |
//! | `prices` | when the price table is fetched anew |
//! | `serving` | what management wants from the server: to check, to reload |
//! | `seal`, `mask` | secrets at rest; secrets as they are shown |
//! | `audit` | the trail of changes |
//! | `rights`, `members`, `pages` | who stands where, and what that lets them write; whom a body names; lists in pages |
//! | `agents` | A2A agents: rows, who may call them |
//! | `grants` | object permissions: MCP servers, vector stores, agents |
//! | `keys`, `users`, `teams`, `organizations`, `projects`, `customers`, `budgets`, `tags`, `groups`, `mappings` | management: what the API does to the rows |
//! | `memories`, `workflows` | what callers keep here: texts under keys, runs of workflows |
//! | `plugins` | plugins that coding agents find here |
//! | `passwords`, `sessions` | passwords as they are kept; people who log in, invitations |
//! | `scim` | people and groups as identity providers write them |
//! | `refusal` | the texts and codes of refusals |

mod access;
mod accounts;
mod admit;
mod agents;
mod alerts;
mod allow;
mod audit;
mod away;
mod binding;
mod bounds;
mod budget_fallback;
mod budgets;
mod bulk;
mod callbacks;
mod capacity;
mod changes;
mod credential;
mod credentials;
mod customers;
mod digest;
mod entry;
mod expiry;
mod exports;
mod flights;
mod flush;
mod follow;
mod gate;
mod grants;
mod groups;
mod guardrails;
mod health_checks;
mod identity;
mod journal;
mod keys;
mod ledger;
mod letters;
mod limits;
mod load;
mod mappings;
mod mask;
mod mcp_credentials;
mod mcp_servers;
mod mcp_toolsets;
mod members;
mod memories;
mod memory;
mod models;
mod organizations;
mod page_rules;
mod pages;
mod party;
mod passwords;
mod period;
mod plugins;
mod policies;
mod price_bound;
mod prices;
mod projects;
mod prompts;
mod purse;
mod refusal;
mod request;
mod reservation;
mod resets;
mod retention;
mod rights;
mod role;
mod routes;
mod scim;
mod scope;
mod seal;
mod search_tools;
mod serving;
mod sessions;
mod settings;
mod shared;
mod source;
mod special;
mod spend_alerts;
mod spend_row;
mod standing;
mod stored;
mod strangers;
mod switches;
mod tags;
mod teams;
mod together;
mod tools;
mod usage;
mod users;
mod vector_stores;
mod window;
mod workflows;

pub use accounts::Accounts;
pub use admit::Intent;
pub use agents::{agent_id_of_name, agent_url, own_card};
pub use allow::{Directory, ModelList, ProviderOf};
pub use audit::AuditQuery;
pub use capacity::{Capacity, Priorities, Share, Unit};
pub use credential::{Credential, basic_user, credential, is_credential, without_credential};
pub use digest::KeyDigest;
pub use entry::jwt::{JwtAuth, JwtEnvironment, RolePermission, Unregistered, WrongJwt};
pub use entry::settings::{EntrySettings, HEADER_FIELDS, Hook, Introspection, Network, ProxyHeaders};
pub use entry::{Asking, Connected};
pub use expiry::Expires;
pub use exports::{CloudZero, Export, ExportPlan, FocusFormat, Frequency, Vantage};
pub use grants::Grants;
pub use guardrails::{JudgedQuery, SubmissionQuery, UsageDays};
pub use health_checks::Checked;
pub use identity::Identity;
pub use journal::Flushed;
pub use keys::{Actor, AliasRule, KeyCopies, KeyGeneration, KeyListQuery, KeyMakers, KeyRotation};
pub use ledger::{LedgerCheck, LedgerReport, verify_ledger};
pub use llm_credentials::{Vault, VaultKind};
pub use mcp_credentials::{Held, HeldCredential, HeldToken};
pub use mcp_servers::take_credentials;
pub use memories::MemoryQuery;
pub use memory::InMemory;
pub use page_rules::PageRules;
pub use pages::PageQuery;
pub use passwords::PasswordPolicy;
pub use period::{Period, ResetClock};
pub use policies::{Applied, Attachment, Policies, Policy, PolicyContext, PolicyFault, StoredAttachment, StoredPolicy};
pub use price_bound::{Extras, LongPrompt, LongPrompts, PriceBound};
pub use prices::PriceSchedule;
pub use prompts::{PROMPT_ENVIRONMENT, prompt_version, serving_environment};
pub use refusal::limit_headers;
pub use request::{FieldProblem, Outcome, Problem};
pub use reservation::{Bill, Reservation, Settled};
pub use resets::Resets;
pub use retention::{Retention, seconds_of};
pub use role::Role;
pub use routes::{Permission, in_routes};
pub use scim::{ScimQuery, discovery, resource_type, schema_of, schemas, service_provider};
pub use seal::{Seal, SealFormat};
pub use serving::{Changed, ServedPrompt, Serves, Serving};
pub use sessions::{
    Attempt, FORWARDED_PROTO, FailureLimits, LoginSettings, Profile, SESSION_TEAM, Session, UiAccess, read_token,
    write_token,
};
pub use settings::{AccountsSettings, TokenLimitType};
pub use spend_alerts::UserSpendRules;
pub use standing::{Holder, Standing};
pub use stored::settings::Defaults;
pub use stored::{
    LaterSettings, Logo, Stored, StoredCredential, StoredGuardrail, StoredModel, StoredPrompt, StoredServer,
    StoredToolset, StoredVault, StoredVersion, cache_section, decides_who_gets_in, hidden_cache, sso_sections,
    sso_team_claim, tried_cache, ui_section,
};
pub use switches::GuardWish;
pub use teams::TeamListQuery;
pub use users::UserListQuery;

/// The name under which spend and logs of the master key stand, instead of anything made from it.
pub const MASTER_KEY_ALIAS: &str = "litellm_proxy_master_key";

/// The user that the master key acts as.
pub const MASTER_USER_ID: &str = "default_user_id";

/// The pseudo-user whose row holds the spend of the whole proxy.
pub const PROXY_BUDGET_USER: &str = "litellm-proxy-budget";
