//! `general_settings.pass_through_endpoints`, `files_settings` and its like → what relays use.

use std::sync::Arc;

use base64::Engine as _;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use llm_catalog::Catalog;
use llm_client::{Target, TargetConfig};
use llm_guardrails::Targets;
use llm_providers::Params;
use llm_types::Json;

use super::Context;
use super::node::{Entry, Node};
use super::section::Section;
use crate::pass::custom::{Custom, KEY_HEADER, lasting};
use crate::pass::relays::{RelaySettings, StoreIndex};
use crate::routes;

/// Reads `general_settings`.
pub(super) fn general(s: &Section<'_>, ctx: &Context<'_>, out: &mut RelaySettings) {
    out.timeout = s.seconds("pass_through_request_timeout").unwrap_or(out.timeout);
    out.no_agents = s.flag("disable_bedrock_agent_runtime_passthrough").unwrap_or_default();
    out.websockets = s.flag("enable_openai_websocket_passthrough").unwrap_or_default();
    for (at, node) in s.list("pass_through_endpoints").iter().enumerate() {
        let path = format!("{}[{at}]", s.path("pass_through_endpoints"));
        if let Some(item) = Section::open(node, path, s.problems()) {
            out.custom.extend(endpoint(&item, ctx));
        }
    }
}

/// Reads the top level.
pub(super) fn read(top: &Section<'_>, prices: &Catalog, out: &mut RelaySettings) {
    for (key, list) in [("files_settings", &mut out.files), ("finetune_settings", &mut out.finetune)] {
        for (at, node) in top.list(key).iter().enumerate() {
            let Some(item) = Section::open(node, format!("{key}[{at}]"), top.problems()) else { continue };
            list.extend(keeper(&item, item.entries(), prices));
        }
    }
    if let Some(assistants) = top.section("assistant_settings") {
        let mut entries = assistants.entries().to_vec();
        if let Some(params) = assistants.section("litellm_params") {
            entries.extend(params.entries().iter().cloned());
        }
        out.assistants = keeper(&assistants, &entries, prices);
    }
    for (at, node) in top.list("vector_store_registry").iter().enumerate() {
        let path = format!("vector_store_registry[{at}]");
        let Some(item) = Section::open(node, path, top.problems()) else { continue };
        item.accept("vector_store_info");
        let Some(params) = item.section("litellm_params") else { continue };
        let name = item.text("vector_store_name");
        item.finish();
        let id = params.entries().iter().find(|e| e.key == "vector_store_id").map(|e| plain(&e.node));
        if let (Some(id), Some(target)) = (id, keeper(&params, params.entries(), prices)) {
            out.names_of_stores.push((name.unwrap_or_else(|| id.clone()), id.clone()));
            out.vector_stores.push((id, target));
        }
    }
    for (at, node) in top.list("vector_store_indexes").iter().enumerate() {
        let path = format!("vector_store_indexes[{at}]");
        let Some(item) = Section::open(node, path, top.problems()) else { continue };
        out.indexes.extend(index(&item));
    }
    if let Some(vertex) = top.section("default_vertex_config") {
        out.vertex = Some(vertex.entries().iter().map(|e| (e.key.clone(), e.node.json())).collect::<Params>());
        vertex.accept("vertex_project vertex_location vertex_credentials");
        vertex.finish();
    }
}

/// A name for an index of a vector store.
fn index(item: &Section<'_>) -> Option<StoreIndex> {
    item.accept("index_info");
    let (name, params) = (item.text("index_name"), item.section("litellm_params"));
    item.finish();
    let params = params?;
    let made =
        StoreIndex { name: name?, index: params.text("vector_store_index")?, store: params.text("vector_store_name")? };
    params.finish();
    Some(made)
}

/// A provider with a credential of its own.
fn keeper(s: &Section<'_>, entries: &[Entry], prices: &Catalog) -> Option<Arc<Target>> {
    let provider = entries.iter().find(|e| e.key == "custom_llm_provider").map(|e| plain(&e.node));
    let provider = provider.unwrap_or_else(|| llm_providers::resource::DEFAULT.to_owned());
    let own = entries.iter().filter(|e| !matches!(e.key.as_str(), "custom_llm_provider" | "litellm_params" | "model"));
    let model = ("model".to_owned(), Json::from(format!("{provider}/*")));
    // the model of a vector store is the one that searches
    let searching = entries.iter().find(|e| e.key == "model").map(|e| ("store_model".to_owned(), e.node.json()));
    let own = own.map(|e| (e.key.clone(), e.node.json()));
    let params = std::iter::once(model).chain(searching).chain(own).collect();
    match Target::new(&TargetConfig { params, info: Vec::new() }, prices) {
        Ok(target) => Some(Arc::new(target)),
        Err(e) => {
            let message = e.message.lines().next().unwrap_or_default().to_owned();
            s.problems().error(s.mark_of("custom_llm_provider"), s.path("custom_llm_provider"), message);
            None
        }
    }
}

fn endpoint(s: &Section<'_>, ctx: &Context<'_>) -> Option<Custom> {
    let (path, target) = (s.text("path"), s.text("target"));
    let mut custom = Custom {
        path: "",
        target: String::new(),
        headers: HeaderMap::new(),
        forward_headers: s.flag("forward_headers").unwrap_or_default(),
        include_subpath: s.flag("include_subpath").unwrap_or_default(),
        cost: s.number("cost_per_request").filter(|c| *c >= 0.0).unwrap_or_default(),
        auth: s.flag("auth").unwrap_or(true),
        methods: Vec::new(),
        query: Vec::new(),
        timeout: s.seconds("timeout").filter(|t| !t.is_zero()),
        key_header: None,
        basic_user: false,
        guardrails: None,
    };
    if let Some(headers) = s.section("headers") {
        set_headers(&headers, ctx, &mut custom);
    }
    for method in s.texts("methods").unwrap_or_default() {
        match Method::from_bytes(method.to_ascii_uppercase().as_bytes()) {
            Ok(method) => custom.methods.push(method),
            Err(_) => s.error("methods", format!("{method:?} is no method")),
        }
    }
    if let Some(query) = s.section("default_query_params") {
        custom.query = query.entries().iter().map(|e| (e.key.clone(), plain(&e.node))).collect();
    }
    match s.text("custom_auth_parser").as_deref() {
        None => {}
        Some("langfuse") => custom.basic_user = true, // tidy: provider-id, the name of a way to show keys
        Some(other) => s.error("custom_auth_parser", format!("there is no parser {other:?}")),
    }
    if let Some(node) = s.node("guardrails").filter(|node| !node.is_off()) {
        match Targets::read(&node.json()) {
            Ok(targets) => custom.guardrails = Some(targets).filter(|targets| !targets.is_empty()).map(Arc::new),
            Err(why) => s.error("guardrails", why),
        }
    }
    s.accept("id is_from_config merge_query_params");
    s.finish();
    let (Some(path), Some(target)) = (path, target) else {
        s.problems().error(s.mark(), s.path("path"), "a pass-through endpoint needs a path and a target");
        return None;
    };
    custom.target = target;
    if let Err((field, why)) = custom.check(&path) {
        s.error(field, why);
        return None;
    }
    let path = path.trim_end_matches('/');
    if routes::known(path) {
        s.warn("path", "a route of the gateway has this path: the endpoint is never reached");
    }
    custom.path = lasting(path);
    Some(custom)
}

fn set_headers(s: &Section<'_>, ctx: &Context<'_>, custom: &mut Custom) {
    let find = |name: &str| s.entries().iter().find(|e| e.key.eq_ignore_ascii_case(name));
    let service = |public: &Entry, secret: &Entry| {
        let pair = format!("{}:{}", value(public, ctx), value(secret, ctx));
        format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
    };
    let basic = match (find("LANGFUSE_PUBLIC_KEY"), find("LANGFUSE_SECRET_KEY")) {
        (Some(public), Some(secret)) => Some(service(public, secret)),
        _ => None,
    };
    for entry in s.entries() {
        let text = value(entry, ctx);
        if entry.key == KEY_HEADER {
            custom.key_header = Some(text.to_ascii_lowercase());
            continue;
        }
        if basic.is_some() && entry.key.to_ascii_uppercase().starts_with("LANGFUSE_") {
            continue;
        }
        match (HeaderName::try_from(entry.key.as_str()), HeaderValue::try_from(text)) {
            (Ok(name), Ok(mut value)) => {
                value.set_sensitive(true);
                custom.headers.insert(name, value);
            }
            _ => s.problems().error(&entry.node.mark, s.path(&entry.key), "this cannot stand in a header"),
        }
    }
    if let Some(Ok(value)) = basic.map(HeaderValue::try_from) {
        custom.headers.insert(http::header::AUTHORIZATION, value);
    }
}

/// The value of a header. A reference to the environment may stand behind other words: `Bearer os.environ/KEY`.
fn value(entry: &Entry, ctx: &Context<'_>) -> String {
    let text = plain(&entry.node);
    let Some(at) = text.find("os.environ/") else { return text };
    let (before, reference) = text.split_at(at);
    match ctx.env.filled(reference.trim_start_matches("os.environ/").trim()) {
        Some(value) => format!("{before}{value}"),
        None => text,
    }
}

fn plain(node: &Node) -> String {
    match node.text() {
        Some(text) => text.to_owned(),
        None => node.json().to_string(),
    }
}
