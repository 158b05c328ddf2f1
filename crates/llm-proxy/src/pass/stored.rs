//! Endpoints of the operator's own that live in the database, with LiteLLM's interface for them. They lie in its table
//! of settings, below `general_settings`.

use std::sync::Arc;

use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response};
use llm_guardrails::Targets;
use llm_providers::Params;
use llm_store::{ConfigRow, Store, TeamRow};
use llm_types::{Error, Json, Kind, RawJson, Result};
use serde::Deserialize;

use super::custom::{Custom, lasting};
use super::who::query;
use crate::app::App;
use crate::body::Reply;
use crate::core::Core;
use crate::models::answer;

/// What is done with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// They are listed.
    List,
    /// Those are listed that a team may call.
    OfTeam,
    /// One is made.
    Create,
    /// One is changed.
    Update,
    /// One is deleted.
    Delete,
}

const ROW: &str = "general_settings";
const LIST: &str = "pass_through_endpoints";

/// An endpoint as it is written.
#[derive(Debug, Deserialize)]
struct Spec {
    path: String,
    target: String,
    #[serde(default)]
    headers: Option<Json>,
    #[serde(default)]
    default_query_params: Option<Json>,
    #[serde(default)]
    include_subpath: Option<bool>,
    #[serde(default)]
    forward_headers: Option<bool>,
    #[serde(default)]
    cost_per_request: Option<f64>,
    #[serde(default)]
    timeout: Option<f64>,
    #[serde(default)]
    auth: Option<bool>,
    #[serde(default)]
    methods: Option<Vec<String>>,
    #[serde(default)]
    guardrails: Option<Json>,
}

/// Answers a call of the interface.
///
/// # Errors
/// 400 for endpoints that cannot be, 404 for those that are not there, 500 without a database.
pub async fn serve(core: &Core, verb: Verb, id: Option<&str>, parts: &Parts, body: &[u8]) -> Result<Response<Reply>> {
    let asked = query(parts, "endpoint_id").map(std::borrow::Cow::into_owned);
    let id = id.map(str::to_owned).or(asked);
    let mut all = read(&core.app).await?;
    let shown = match verb {
        Verb::List => {
            let mut shown = with_config(core, all);
            shown.retain(|e| id.is_none() || e.text("id") == id.as_deref());
            shown
        }
        Verb::OfTeam => {
            let may = allowed(&core.app, id.as_deref().unwrap_or_default()).await?;
            let mut shown = with_config(core, all);
            shown.retain(|e| may.as_ref().is_none_or(|may| may.iter().any(|path| e.text("path") == Some(path))));
            shown
        }
        Verb::Create => {
            let mut new = object(body)?;
            if new.text("id").is_none() {
                set(&mut new, "id", Json::from(uuid::Uuid::new_v4().to_string()));
            }
            let custom = custom(&new)?;
            if all.iter().any(|e| e.text("path") == Some(custom.path)) {
                return Err(
                    Error::bad_request(format!("the path {} has an endpoint already", custom.path)).with_param("path")
                );
            }
            all.push(new.clone());
            write(core, all).await?;
            vec![new]
        }
        Verb::Update => {
            let changes = object(body)?;
            let known = find(&mut all, id.as_deref())?;
            for (name, value) in changes.as_object().unwrap_or_default().iter().filter(|(name, _)| name != "id") {
                set(known, name, value.clone());
            }
            custom(known)?;
            let changed = known.clone();
            write(core, all).await?;
            vec![changed]
        }
        Verb::Delete => {
            let gone = find(&mut all, id.as_deref())?.clone();
            all.retain(|e| e.text("id") != gone.text("id"));
            write(core, all).await?;
            vec![gone]
        }
    };
    Ok(answer(&Json::object([("endpoints", Json::Array(shown.iter().map(told).collect()))])))
}

/// Reads the endpoints of the database anew.
///
/// # Errors
/// When the database cannot be read.
pub async fn refresh(app: &App) -> Result<()> {
    if app.store.is_some() {
        let all = read(app).await?;
        serve_all(app, &all);
    }
    Ok(())
}

/// Those of the database, and those of the configuration.
fn with_config(core: &Core, mut all: Vec<Json>) -> Vec<Json> {
    all.extend(core.app.snapshot.load().relays.settings.custom.iter().map(of_config));
    all
}

/// The paths that a team names in its metadata; nothing where it names none, and may call all.
async fn allowed(app: &App, team: &str) -> Result<Option<Vec<String>>> {
    let (store, team) = (store(app)?, team.to_owned());
    let read = app.background.spawn(async move { store.table::<TeamRow>().get([team.as_str()]).await });
    let row = read.await.map_err(failed)?.map_err(failed)?;
    let row = row.ok_or_else(|| Error::new(Kind::NotFound, "Team not found").with_param("team_id"))?;
    let metadata: Json = row.metadata.read().unwrap_or_default();
    let named = metadata.get("allowed_passthrough_routes").filter(|named| named.as_array().is_some());
    Ok(named.map(|_| metadata.texts("allowed_passthrough_routes").map(str::to_owned).collect()))
}

fn serve_all(app: &App, all: &[Json]) {
    let usable = all.iter().filter_map(|item| match custom(item) {
        Ok(custom) => Some(custom),
        Err(error) => {
            tracing::warn!(path = item.text("path"), error = %error.message, "a stored pass-through endpoint is left out");
            None
        }
    });
    app.endpoints.store(Arc::new(usable.collect()));
}

fn store(app: &App) -> Result<Store> {
    app.store.clone().ok_or_else(|| Error::internal("No DB Connected"))
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::new(Kind::Unavailable, format!("the database cannot be asked: {error}")).with_type("no_db_connection")
}

async fn row(store: &Store) -> Result<Option<ConfigRow>> {
    store.table::<ConfigRow>().get([ROW]).await.map_err(failed)
}

async fn read(app: &App) -> Result<Vec<Json>> {
    let store = store(app)?;
    let row = app.background.spawn(async move { row(&store).await }).await.map_err(failed)??;
    let settings = row.and_then(|row| row.param_value).and_then(|value| value.read::<Json>().ok());
    let list = settings.as_ref().and_then(|s| s.get(LIST)).and_then(Json::as_array).unwrap_or_default();
    Ok(list.to_vec())
}

async fn write(core: &Core, all: Vec<Json>) -> Result<()> {
    let app = &core.app;
    serve_all(app, &all);
    let store = store(app)?;
    let written = app.background.spawn(async move {
        let mut row =
            row(&store).await?.unwrap_or_else(|| ConfigRow { param_name: ROW.to_owned(), ..ConfigRow::default() });
        let mut settings =
            row.param_value.as_ref().and_then(|v| v.read::<Json>().ok()).filter(|s| s.as_object().is_some());
        let settings = settings.get_or_insert_with(|| Json::Object(Vec::new()));
        set(settings, LIST, Json::Array(all));
        row.param_value = Some(settings.to_raw());
        store.table::<ConfigRow>().put(&row).await.map_err(failed)
    });
    written.await.map_err(failed)?.map(drop)
}

fn object(body: &[u8]) -> Result<Json> {
    let read = serde_json::from_slice::<Json>(body).ok().filter(|json| json.as_object().is_some());
    read.ok_or_else(|| Error::bad_request("the body must be a JSON object").with_param("request_body"))
}

fn set(item: &mut Json, name: &str, value: Json) {
    let Json::Object(fields) = item else { return };
    match fields.iter_mut().find(|(known, _)| known == name) {
        Some((_, old)) => *old = value,
        None => fields.push((name.to_owned(), value)),
    }
}

fn find<'j>(all: &'j mut [Json], id: Option<&str>) -> Result<&'j mut Json> {
    let known = all.iter_mut().find(|e| id.is_some() && e.text("id") == id);
    known.ok_or_else(|| Error::new(Kind::NotFound, format!("there is no endpoint {:?}", id.unwrap_or_default())))
}

/// An endpoint as LiteLLM tells it.
fn told(item: &Json) -> Json {
    let nothing = |json: Json| move || json;
    let field = |name: &str, none: Json| (name.to_owned(), item.get(name).cloned().unwrap_or_else(nothing(none)));
    Json::Object(vec![
        field("id", Json::Null),
        field("path", Json::Null),
        field("target", Json::Null),
        field("headers", Json::Object(Vec::new())),
        field("default_query_params", Json::Object(Vec::new())),
        field("include_subpath", Json::from(false)),
        field("cost_per_request", Json::from(0.0)),
        field("timeout", Json::Null),
        field("auth", Json::from(true)),
        field("guardrails", Json::Null),
        field("is_from_config", Json::from(false)),
        field("methods", Json::Null),
    ])
}

/// One of the configuration. Values of its headers are keys: they are not told.
fn of_config(custom: &Custom) -> Json {
    let headers = custom.headers.keys().map(|name| (name.as_str().to_owned(), Json::from("*****"))).collect();
    let methods = custom.methods.iter().map(|m| Json::from(m.as_str())).collect::<Vec<_>>();
    Json::object([
        ("path", Json::from(custom.path)),
        ("target", Json::from(custom.target.as_str())),
        ("headers", Json::Object(headers)),
        ("include_subpath", Json::from(custom.include_subpath)),
        ("cost_per_request", Json::from(custom.cost)),
        ("auth", Json::from(custom.auth)),
        ("is_from_config", Json::from(true)),
        ("methods", if methods.is_empty() { Json::Null } else { Json::Array(methods) }),
    ])
}

/// The endpoint that a stored object means.
fn custom(item: &Json) -> Result<Custom> {
    let raw: RawJson = item.to_raw();
    let spec: Spec = raw.read().map_err(|e| Error::bad_request(format!("no pass-through endpoint: {e}")))?;
    let wrong = |why| Error::bad_request(format!("guardrails: {why}")).with_param("guardrails");
    let guardrails = spec.guardrails.as_ref().map(Targets::read).transpose().map_err(wrong)?;
    let mut headers = HeaderMap::new();
    let mut key_header = None;
    for (name, value) in spec.headers.as_ref().and_then(Json::as_object).unwrap_or_default() {
        let value = resolved(value.as_str().unwrap_or_default());
        if name == super::custom::KEY_HEADER {
            key_header = Some(value.to_ascii_lowercase());
            continue;
        }
        let bad = || Error::bad_request(format!("{name:?} cannot stand in a header")).with_param("headers");
        let mut text = HeaderValue::try_from(value).map_err(|_| bad())?;
        text.set_sensitive(true);
        headers.insert(HeaderName::try_from(name.as_str()).map_err(|_| bad())?, text);
    }
    let query = spec.default_query_params.as_ref().and_then(Json::as_object).unwrap_or_default();
    let query = query.iter().map(|(k, v)| (k.clone(), v.as_str().map_or_else(|| v.to_string(), str::to_owned)));
    let methods = spec.methods.unwrap_or_default();
    let methods: std::result::Result<Vec<Method>, _> =
        methods.iter().map(|m| Method::from_bytes(m.to_ascii_uppercase().as_bytes())).collect();
    let custom = Custom {
        path: "",
        target: spec.target,
        headers,
        forward_headers: spec.forward_headers.unwrap_or_default(),
        include_subpath: spec.include_subpath.unwrap_or_default(),
        cost: spec.cost_per_request.filter(|c| *c >= 0.0).unwrap_or_default(),
        auth: spec.auth.unwrap_or(true),
        methods: methods.map_err(|_| Error::bad_request("there is no such method").with_param("methods"))?,
        query: query.collect(),
        timeout: spec.timeout.and_then(llm_client::target::seconds),
        key_header,
        basic_user: false,
        guardrails: guardrails.filter(|targets| !targets.is_empty()).map(Arc::new),
    };
    custom.check(&spec.path).map_err(|(field, why)| Error::bad_request(why).with_param(field))?;
    Ok(Custom { path: lasting(spec.path.trim_end_matches('/')), ..custom })
}

/// A reference to the environment may stand behind other words.
fn resolved(text: &str) -> String {
    let Some(at) = text.find("os.environ/") else { return text.to_owned() };
    let (before, reference) = text.split_at(at);
    let value = Params::default().env(reference.trim_start_matches("os.environ/").trim());
    value.map_or_else(|| text.to_owned(), |value| format!("{before}{value}"))
}
