//! Routes for operators and for people without a key that call no model: pages, what is public, prices, trying things out.
//!
//! | file | what |
//! |---|---|
//! | here | the table |
//! | `page` | the API document with its page |
//! | `pipelines` | messages under guardrails one after the other |
//! | `judged`, `trials` | a text under one guardrail; texts under several, and under those that are not made yet |
//! | `hub` | models, providers and prices that everybody may know |
//! | `hub_list` | the public models in pages |
//! | `endpoints` | what can be asked for, and of whom |
//! | `auto` | complexity routers before they are saved |
//! | `costs` | what a call would cost |
//! | `service` | trying a callback out, or the Redis that gateways share |
//! | `state` | how the gateway is |
//! | `debug` | what the process uses and holds |
//! | `drain` | the last call before the end |
//! | `forms` | what a form is made of: providers' fields; files that forms bring: prompts, the logo |

mod auto;
mod cached;
mod costs;
mod debug;
mod drain;
mod endpoints;
mod forms;
mod hub;
mod hub_list;
mod judged;
mod page;
mod pipelines;
mod service;
mod state;
mod trials;

use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Response};
use llm_accounts::Identity;
use llm_types::Result;

use crate::body::Reply;
use crate::core::Core;
use crate::routes::Permission;
use crate::snapshot::Snapshot;

use hub_list::Column;

pub(crate) use hub::leaving;
pub use page::home;
pub use service::mock_record;
pub(crate) use state::readiness;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// `GET /docs`, `GET /redoc`.
    Page,
    /// `GET /robots.txt`.
    Robots,
    /// `GET /config/yaml`.
    ConfigYaml,
    /// `GET /public/providers`.
    Providers,
    /// `GET /public/litellm_model_cost_map`.
    Prices,
    /// `GET /public/model_hub`.
    Hub,
    /// `GET /public/model_hub/info`.
    HubInfo,
    /// `GET /public/v1/model_hub`.
    HubPage,
    /// `GET /public/v1/model_hub/{facet}`.
    HubColumn(hub_list::Column),
    /// `GET /public/endpoints`.
    Endpoints,
    /// `GET /public/complexity_router/scorer_defaults`.
    ScorerDefaults,
    /// `POST /auto_router/validate_complexity_router_config`.
    ValidateRouter,
    /// `POST /auto_router/test_routing`.
    TestRouting,
    /// `GET /public/agent_hub`.
    AgentHub,
    /// `GET /public/mcp_hub`.
    McpHub,
    /// `GET /public/agents/fields`.
    AgentFields,
    /// `POST /cost/estimate`.
    Estimate,
    /// `POST /spend/calculate`.
    Calculate,
    /// `GET /cost_optimization/prompt_caching/requests`.
    CachedCalls,
    /// `GET /utils/model_info`.
    ModelPrice,
    /// `GET /model/deprecations`.
    Deprecations,
    /// `GET /provider/budgets`.
    ProviderBudgets,
    /// `GET /health/readiness/details`.
    Readiness,
    /// `GET /health/backlog`.
    Backlog,
    /// `GET /health/services`.
    Service,
    /// `GET /health/shared-status`.
    SharedChecks,
    /// `POST /guardrails/apply_guardrail`.
    ApplyGuardrail,
    /// `POST /utils/test_policies_and_guardrails`.
    TestGuardrails,
    /// `POST /policies/test-pipeline`.
    TestPipeline,
    /// `POST /policy/templates/test`.
    TestTemplate,
    /// `POST /guardrails/validate_blocked_words_file`.
    BlockedWords,
    /// `GET /search_tools/ui/available_providers`.
    SearchProviders,
    /// `POST /search_tools/test_connection`.
    TestSearch,
    /// `GET /public/providers/fields`.
    ProviderFields,
    /// `GET /health/license`.
    License,
    /// `POST /health/test_connection`.
    TestConnection,
    /// `GET /callbacks/configs`.
    Callbacks,
    /// `GET /health/drain`.
    Drain,
    /// `GET /debug/memory/summary`.
    Memory,
    /// `GET /debug/memory/details`.
    MemoryDetails,
    /// `GET /debug/asyncio-tasks`.
    Tasks,
    /// `GET /debug/report`.
    Report,
    /// `GET /memory-usage-in-mem-cache`.
    CacheSizes,
    /// `GET /memory-usage-in-mem-cache-items`.
    CacheItems,
    /// `GET /otel-spans`.
    Spans,
    /// `GET /model/settings`.
    ModelSettings,
    /// `POST /utils/dotprompt_json_converter`.
    Dotprompt,
    /// `POST /upload/logo`.
    Logo,
    /// `POST /coordination_redis/settings/test`.
    TestRedis,
}

/// Method, paths, what, who.
pub(crate) static ROWS: &[(Method, &[&str], Verb, Permission)] = &[
    (Method::GET, &["/docs", "/redoc"], Verb::Page, Permission::Public),
    (Method::GET, &["/robots.txt"], Verb::Robots, Permission::Public),
    (Method::GET, &["/config/yaml"], Verb::ConfigYaml, Permission::Public),
    (Method::GET, &["/public/providers"], Verb::Providers, Permission::Public),
    (Method::GET, &["/public/litellm_model_cost_map"], Verb::Prices, Permission::Public),
    (Method::GET, &["/public/model_hub"], Verb::Hub, Permission::Public),
    (Method::GET, &["/public/model_hub/info"], Verb::HubInfo, Permission::Public),
    (Method::GET, &["/public/v1/model_hub"], Verb::HubPage, Permission::Public),
    (Method::GET, &["/public/v1/model_hub/providers"], Verb::HubColumn(Column::Providers), Permission::Public),
    (Method::GET, &["/public/v1/model_hub/modes"], Verb::HubColumn(Column::Modes), Permission::Public),
    (Method::GET, &["/public/v1/model_hub/features"], Verb::HubColumn(Column::Features), Permission::Public),
    (Method::GET, &["/public/endpoints"], Verb::Endpoints, Permission::Public),
    (Method::GET, &["/public/complexity_router/scorer_defaults"], Verb::ScorerDefaults, Permission::Public),
    (Method::POST, &["/auto_router/validate_complexity_router_config"], Verb::ValidateRouter, Permission::Admin),
    (Method::POST, &["/auto_router/test_routing"], Verb::TestRouting, Permission::Admin),
    (Method::GET, &["/public/agent_hub"], Verb::AgentHub, Permission::Public),
    (Method::GET, &["/public/mcp_hub"], Verb::McpHub, Permission::Public),
    (Method::GET, &["/public/agents/fields"], Verb::AgentFields, Permission::Public),
    (Method::POST, &["/cost/estimate"], Verb::Estimate, Permission::AnyKey),
    (Method::POST, &["/spend/calculate"], Verb::Calculate, Permission::AnyKey),
    (Method::GET, &["/cost_optimization/prompt_caching/requests"], Verb::CachedCalls, Permission::Admin),
    (Method::GET, &["/utils/model_info"], Verb::ModelPrice, Permission::AnyKey),
    (Method::GET, &["/model/deprecations", "/v1/model/deprecations"], Verb::Deprecations, Permission::AnyKey),
    (Method::GET, &["/provider/budgets"], Verb::ProviderBudgets, Permission::Admin),
    (Method::GET, &["/health/readiness/details"], Verb::Readiness, Permission::Admin),
    (Method::GET, &["/health/backlog"], Verb::Backlog, Permission::AnyKey),
    (Method::GET, &["/health/services"], Verb::Service, Permission::Admin),
    (Method::POST, &["/guardrails/apply_guardrail", "/apply_guardrail"], Verb::ApplyGuardrail, Permission::AnyKey),
    (Method::POST, &["/utils/test_policies_and_guardrails"], Verb::TestGuardrails, Permission::Admin),
    (Method::POST, &["/policies/test-pipeline"], Verb::TestPipeline, Permission::Admin),
    (Method::POST, &["/policy/templates/test"], Verb::TestTemplate, Permission::Admin),
    (Method::POST, &["/guardrails/validate_blocked_words_file"], Verb::BlockedWords, Permission::Admin),
    (Method::GET, &["/search_tools/ui/available_providers"], Verb::SearchProviders, Permission::Admin),
    (Method::POST, &["/search_tools/test_connection"], Verb::TestSearch, Permission::Admin),
    (Method::GET, &["/public/providers/fields"], Verb::ProviderFields, Permission::Public),
    (Method::GET, &["/health/shared-status"], Verb::SharedChecks, Permission::Admin),
    (Method::GET, &["/health/license"], Verb::License, Permission::Admin),
    (Method::POST, &["/health/test_connection"], Verb::TestConnection, Permission::Admin),
    (Method::GET, &["/callbacks/configs"], Verb::Callbacks, Permission::Admin),
    (Method::GET, &["/health/drain"], Verb::Drain, Permission::Public),
    (Method::GET, &["/debug/memory/summary"], Verb::Memory, Permission::Admin),
    (Method::GET, &["/debug/memory/details"], Verb::MemoryDetails, Permission::Admin),
    (Method::GET, &["/debug/asyncio-tasks"], Verb::Tasks, Permission::Admin),
    (Method::GET, &["/debug/report"], Verb::Report, Permission::Admin),
    (Method::GET, &["/memory-usage-in-mem-cache"], Verb::CacheSizes, Permission::Admin),
    (Method::GET, &["/memory-usage-in-mem-cache-items"], Verb::CacheItems, Permission::Admin),
    (Method::GET, &["/otel-spans"], Verb::Spans, Permission::Admin),
    (Method::GET, &["/model/settings"], Verb::ModelSettings, Permission::Admin),
    (Method::POST, &["/utils/dotprompt_json_converter"], Verb::Dotprompt, Permission::Admin),
    (Method::POST, &["/upload/logo"], Verb::Logo, Permission::Admin),
    (Method::POST, &["/coordination_redis/settings/test"], Verb::TestRedis, Permission::Admin),
];

/// True for what `require_auth_for_public_ai_hub` closes.
pub(crate) fn is_hub(path: &str) -> bool {
    ["/public/model_hub", "/public/v1/model_hub"].iter().any(|hub| path.starts_with(hub))
}

/// Answers.
///
/// # Errors
/// 400 for what cannot be understood, 404 for what is not there.
pub(crate) async fn serve(
    core: &Core,
    snapshot: &Snapshot,
    verb: Verb,
    parts: &Parts,
    who: Option<&Arc<Identity>>,
    body: Bytes,
) -> Result<Response<Reply>> {
    Ok(match verb {
        Verb::Page => page::page(),
        Verb::Robots => page::robots(),
        Verb::ConfigYaml => page::config_yaml(),
        Verb::Providers => hub::providers(),
        Verb::Prices => hub::prices(snapshot),
        Verb::Hub => hub::models(snapshot, parts),
        Verb::AgentHub => crate::agents::hub(core, snapshot, parts),
        Verb::McpHub => crate::mcp::hub(snapshot),
        Verb::AgentFields => hub::agent_fields(),
        Verb::HubInfo => hub::info(snapshot),
        Verb::HubPage => hub_list::page(snapshot, parts)?,
        Verb::HubColumn(column) => hub_list::column(snapshot, parts, column)?,
        Verb::Endpoints => endpoints::told(),
        Verb::ScorerDefaults => auto::defaults(),
        Verb::ValidateRouter => auto::validate(&body)?,
        Verb::TestRouting => auto::try_out(snapshot, &body)?,
        Verb::Estimate => costs::estimate(snapshot, who, &body)?,
        Verb::Calculate => costs::calculate(snapshot, who, &body)?,
        Verb::CachedCalls => cached::calls(core, snapshot, parts).await?,
        Verb::ModelPrice => costs::model(snapshot, parts)?,
        Verb::Deprecations => hub::deprecations(snapshot, who, parts),
        Verb::ProviderBudgets => state::provider_budgets(snapshot),
        Verb::Readiness => readiness(core).await,
        Verb::Backlog => state::backlog(core),
        Verb::Service => service::try_out(core, parts, who).await?,
        Verb::ApplyGuardrail => judged::apply(core, snapshot, who, &body).await?,
        Verb::TestGuardrails => trials::inputs(core, snapshot, who, &body).await?,
        Verb::TestPipeline => pipelines::try_out(core, snapshot, who, &body).await?,
        Verb::TestTemplate => trials::definitions(who, &body).await?,
        Verb::BlockedWords => trials::words(&body)?,
        Verb::SearchProviders => forms::search_providers(),
        Verb::TestSearch => state::test_search(core, snapshot, &body).await?,
        Verb::ProviderFields => forms::provider_fields(),
        Verb::SharedChecks => state::shared_checks(core, snapshot),
        Verb::License => state::license(),
        Verb::TestConnection => state::test_connection(core, snapshot, &body).await?,
        Verb::Callbacks => state::callbacks(),
        Verb::Drain => drain::drain(core, snapshot, parts).await,
        Verb::Memory => debug::summary(core),
        Verb::MemoryDetails => debug::details(core, snapshot),
        Verb::Tasks => debug::tasks(core),
        Verb::Report => debug::report(core, snapshot),
        Verb::CacheSizes => debug::cache_sizes(core, who)?,
        Verb::CacheItems => debug::cache_items(core, who)?,
        Verb::Spans => debug::spans(),
        Verb::ModelSettings => forms::providers(),
        Verb::Dotprompt => forms::dotprompt(parts, body).await?,
        Verb::TestRedis => service::try_redis(core, &body).await?,
        Verb::Logo => forms::logo(core, parts, who, body).await?,
    })
}
