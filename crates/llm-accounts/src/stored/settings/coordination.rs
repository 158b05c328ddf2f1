//! The Redis that gateways share state over, as the database says it (`general_settings.coordination_redis`). Connections are made
//! at the start, so a change counts from the next one on.

use llm_types::Json;

use super::{GENERAL, replaced};
use crate::Accounts;
use crate::keys::{Actor, bad};
use crate::request::{FieldProblem, Outcome, Problem};
use crate::stored::cache::{at_home, hidden_cache, tried_cache};

/// The setting.
pub(super) const SETTING: &str = "coordination_redis";

/// One of these says where it is.
const TARGETS: [&str; 4] = ["host", "url", "startup_nodes", "sentinel_nodes"];

/// Variables that say where a Redis is.
const VARIABLES: [&str; 4] = ["REDIS_URL", "REDIS_HOST", "REDIS_CLUSTER_NODES", "REDIS_SENTINEL_NODES"];

/// Name, type, label, part of the form, what it is.
const FIELDS: &[(&str, &str, &str, &str, &str)] = &[
    ("host", "String", "Host", "connection", "Name or address of the server"),
    ("port", "Integer", "Port", "connection", "Its port"),
    ("username", "String", "Username", "connection", "Name to log in with"),
    ("password", "String", "Password", "connection", "Password to log in with"),
    ("url", "String", "Redis URL", "connection", "Address with everything in it, in place of host and port"),
    ("ssl", "Boolean", "SSL", "connection", "Whether to speak TLS"),
    ("startup_nodes", "List", "Cluster Startup Nodes", "cluster", "Some nodes of a cluster"),
    ("sentinel_nodes", "List", "Sentinel Nodes", "sentinel", "The sentinels"),
    ("sentinel_password", "String", "Sentinel Password", "sentinel", "Password of the sentinels"),
    ("service_name", "String", "Service Name", "sentinel", "The sentinels' name for the master"),
];

impl Accounts {
    /// `GET /coordination_redis/settings`: what the next start would take, secrets hidden, and where it comes from.
    ///
    /// # Errors
    /// When nothing is served, or the store fails.
    pub async fn coordination_redis(&self) -> Outcome<Json> {
        let there = self.coordination().await?;
        let shown = hidden_cache(&there);
        let field = |(name, kind, label, part, what): &(&str, &str, &str, &str, &str)| {
            Json::object([
                ("field_name", Json::from(*name)),
                ("field_type", Json::from(*kind)),
                ("field_value", shown.get(name).cloned().unwrap_or_default()),
                ("field_description", Json::from(*what)),
                ("field_default", if *name == "port" { Json::from(6379_i64) } else { Json::Null }),
                ("ui_field_name", Json::from(*label)),
                ("section", Json::from(*part)),
            ])
        };
        let fields = Json::Array(FIELDS.iter().map(field).collect());
        let source = Json::from(self.coordination_source(&there)?);
        Ok(Json::object([("values", shown), ("fields", fields), ("source", source)]))
    }

    /// `POST /coordination_redis/settings`: replaces all of it; what comes back hidden stays.
    ///
    /// # Errors
    /// 422 without settings, 400 for settings that say no place or could not be served, and for hidden values beside another
    /// address.
    pub async fn set_coordination_redis(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        self.stores_models()?;
        let (settings, _) = at_home(asked(body)?, &self.coordination().await?)?;
        targeted(&settings)?;
        let mut draft = self.stored().await?;
        let there = self.section_row(self.store_or_refuse()?.table(), GENERAL).await?;
        let given = Json::object([(SETTING, settings.clone())]);
        let after = self.change(GENERAL, &there, &given, replaced)?;
        self.write_sections(actor, &mut draft, vec![(GENERAL, after)]).await?;
        Ok(Json::object([
            (
                "message",
                Json::from("Coordination Redis settings updated successfully. Restart the proxy to apply them."),
            ),
            ("status", Json::from("success")),
            ("settings", hidden_cache(&settings)),
        ]))
    }

    /// The settings of a body that are to be tried, and whether they mean the server that is saved: only that one is shown what
    /// the environment says.
    ///
    /// # Errors
    /// As [`Accounts::set_coordination_redis`], and as [`tried_cache`].
    pub async fn tried_coordination(&self, body: &Json) -> Outcome<(Json, bool)> {
        let (settings, at_home) = tried_cache(asked(body)?, &self.coordination().await?)?;
        targeted(&settings)?;
        Ok((settings, at_home))
    }

    /// What the next start would take: the database's, else the file's.
    async fn coordination(&self) -> Outcome<Json> {
        let stored = self.section_row(self.store_or_refuse()?.table(), GENERAL).await?;
        let of = |section: &Json| section.get(SETTING).filter(|value| value.as_object().is_some()).cloned();
        let file = || self.serving().ok().and_then(|serving| of(&serving.section(GENERAL)));
        Ok(of(&stored).or_else(file).unwrap_or_else(|| Json::Object(Vec::new())))
    }

    fn coordination_source(&self, settings: &Json) -> Outcome<Option<&'static str>> {
        let serving = self.serving()?;
        let (router, litellm) = (serving.in_force("router_settings"), serving.in_force("litellm_settings"));
        let has = |section: &Json, name: &str| section.get(name).is_some_and(|value| !value.is_null());
        let kind = litellm.get("cache_params").and_then(|params| params.text("type")).unwrap_or("redis");
        let cache = litellm.get("cache").and_then(Json::as_bool) == Some(true)
            && litellm.get("cache_params").is_some()
            && ["redis", "dual", "redis-semantic", "valkey-semantic"].contains(&kind);
        let variable = |name: &&str| serving.environment()(name).is_some_and(|value| !value.is_empty());
        Ok(if settings.as_object().is_some_and(|fields| !fields.is_empty()) {
            Some(SETTING)
        } else if has(&router, "redis_url") || has(&router, "redis_host") {
            Some("router_settings")
        } else if cache {
            Some("cache_backend")
        } else {
            VARIABLES.iter().any(variable).then_some("environment")
        })
    }
}

/// The settings of a body, as they were sent.
fn asked(body: &Json) -> Outcome<&[(String, Json)]> {
    let given = body.get("settings");
    given.and_then(Json::as_object).ok_or_else(|| {
        let (field, input) = ("settings".to_owned(), given.cloned().unwrap_or_default());
        let (kind, message) = match input.is_null() {
            true => ("missing", "Field required"),
            false => ("dict_type", "Input should be a valid dictionary"),
        };
        Problem::Fields(vec![FieldProblem { field, kind, message, input }])
    })
}

fn targeted(settings: &Json) -> Outcome<()> {
    let filled = |name: &&str| settings.get(name).is_some_and(|value| value.as_str() != Some(""));
    if TARGETS.iter().any(filled) {
        return Ok(());
    }
    let why = "coordination_redis needs a connection target: set one of host, url, startup_nodes, or sentinel_nodes";
    Err(bad(why).with_param("settings").into())
}
