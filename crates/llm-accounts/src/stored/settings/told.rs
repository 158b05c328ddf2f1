//! Callbacks and settings of the router, as they are in force.

use llm_types::Json;

use crate::request::Outcome;
use crate::{Accounts, mask};

/// Settings of the router: name, type, meaning.
const ROUTER_FIELDS: &[(&str, &str, &str)] = &[
    ("routing_strategy", "String", "How a deployment of a group is chosen"),
    ("routing_strategy_args", "Dictionary", "Settings of the strategy"),
    ("routing_groups", "List", "Groups of models with a strategy of their own"),
    ("num_retries", "Integer", "Retries of a failed call"),
    ("timeout", "Float", "Seconds a call may take"),
    ("max_fallbacks", "Integer", "Fallbacks of one call at the most"),
    ("retry_after", "Float", "Least seconds before a retry"),
    ("allowed_fails", "Integer", "Failures of a minute before a deployment rests"),
    ("cooldown_time", "Float", "Seconds a deployment rests"),
    ("retry_policy", "Dictionary", "Retries by kind of failure"),
    ("model_group_retry_policy", "Dictionary", "The same, for single groups"),
    ("allowed_fails_policy", "Dictionary", "Failures before a rest, by kind"),
    ("fallbacks", "List", "Models that stand in for a model that failed"),
    ("context_window_fallbacks", "List", "The same, for prompts that are too long"),
    ("content_policy_fallbacks", "List", "The same, for content that was refused"),
    ("default_fallbacks", "List", "Models that stand in for any model"),
    ("model_group_alias", "Dictionary", "Other names of groups"),
    ("enable_tag_filtering", "Boolean", "Tags of calls choose deployments"),
    ("enable_pre_call_checks", "Boolean", "Prompts are held against the windows of models"),
    ("optional_pre_call_checks", "List", "Further checks before a call"),
    ("provider_budget_config", "Dictionary", "Budgets of providers"),
    ("disable_cooldowns", "Boolean", "No deployment rests"),
];

/// Strategies and what they go by.
const STRATEGIES: &[(&str, &str)] = &[
    ("simple-shuffle", "By chance, weighted by weight, rpm or tpm"),
    ("least-busy", "The deployment with the fewest calls under way"),
    ("latency-based-routing", "The deployment that answered fastest lately"),
    ("cost-based-routing", "The cheapest deployment"),
    ("usage-based-routing", "The deployment with the fewest tokens this minute"),
    ("usage-based-routing-v2", "The same, shared over gateways"),
    ("prefix-affinity", "Prompts that begin alike go to one deployment"),
];

fn field((name, kind, what): &(&str, &str, &str)) -> Json {
    Json::object([
        ("field_name", Json::from(*name)),
        ("field_type", Json::from(*kind)),
        ("field_description", Json::from(*what)),
        ("field_default", Json::Null),
        ("options", options(name)),
        ("ui_field_name", Json::from(name.replace('_', " "))),
    ])
}

fn options(name: &str) -> Json {
    if name != "routing_strategy" {
        return Json::Null;
    }
    Json::Array(STRATEGIES.iter().map(|(name, _)| Json::from(*name)).collect())
}

/// The names of a list of callbacks; one name may stand for a list.
fn names(section: &Json, list: &str) -> Vec<String> {
    match section.get(list) {
        Some(Json::String(name)) => vec![name.clone()],
        _ => section.texts(list).map(str::to_owned).collect(),
    }
}

fn texts(list: &[String]) -> Json {
    Json::Array(list.iter().map(|text| Json::from(text.as_str())).collect())
}

/// Callbacks by when they are told.
struct Lists {
    success: Vec<String>,
    failure: Vec<String>,
    both: Vec<String>,
}

impl Lists {
    fn of(section: &Json) -> Self {
        let (success, failure) = (names(section, "success_callback"), names(section, "failure_callback"));
        let mut both = names(section, "callbacks");
        both.extend(
            success.iter().filter(|name| failure.contains(name) && !both.contains(name)).cloned().collect::<Vec<_>>(),
        );
        let only = |list: Vec<String>| list.into_iter().filter(|name| !both.contains(name)).collect();
        Self { success: only(success), failure: only(failure), both: both.clone() }
    }
}

impl Accounts {
    /// `GET /callbacks/list`.
    ///
    /// # Errors
    /// 500 when nothing is served.
    pub fn callbacks_list(&self) -> Outcome<Json> {
        let lists = Lists::of(&self.serving()?.in_force("litellm_settings"));
        Ok(Json::object([
            ("success", texts(&lists.success)),
            ("failure", texts(&lists.failure)),
            ("success_and_failure", texts(&lists.both)),
        ]))
    }

    /// `GET /active/callbacks` and `/settings`.
    ///
    /// # Errors
    /// 500 when nothing is served.
    pub fn active_callbacks(&self) -> Outcome<Json> {
        let serving = self.serving()?;
        let (litellm, general) = (serving.in_force("litellm_settings"), serving.in_force("general_settings"));
        let alerting = names(&general, "alerting");
        let list = |name: &str| names(&litellm, name);
        let all = ["callbacks", "success_callback", "failure_callback"].map(list).concat();
        Ok(Json::object([
            ("alerting", texts(&alerting)),
            ("litellm.callbacks", texts(&list("callbacks"))),
            ("litellm.success_callback", texts(&list("success_callback"))),
            ("litellm.failure_callback", texts(&list("failure_callback"))),
            ("litellm.input_callback", Json::Array(Vec::new())),
            ("num_callbacks", Json::from(all.len() as u64)),
            ("num_alerting", Json::from(alerting.len() as u64)),
            ("litellm.request_timeout", litellm.get("request_timeout").cloned().unwrap_or_default()),
        ]))
    }

    /// `GET /get/config/callbacks`: callbacks, alerting and the router's settings; secrets are masked.
    ///
    /// # Errors
    /// 500 when nothing is served.
    pub fn config_callbacks(&self) -> Outcome<Json> {
        let serving = self.serving()?;
        let lists = Lists::of(&serving.in_force("litellm_settings"));
        let variables = mask::all(&serving.in_force("environment_variables"));
        let kinds = [(&lists.success, "success"), (&lists.failure, "failure"), (&lists.both, "success_and_failure")];
        let callback = |name: &String, kind: &str| {
            // Variables of a callback begin with its name, as far as any do.
            let stem = name.to_uppercase();
            let own =
                variables.as_object().unwrap_or_default().iter().filter(|(variable, _)| variable.starts_with(&stem));
            Json::object([
                ("name", Json::from(name.as_str())),
                ("variables", Json::Object(own.cloned().collect())),
                ("type", Json::from(kind)),
            ])
        };
        let callbacks =
            kinds.iter().flat_map(|(list, kind)| list.iter().map(move |name| callback(name, kind))).collect();
        let general = serving.in_force("general_settings");
        let alerts = names(&general, "alerting");
        let alerts = alerts
            .iter()
            .map(|name| Json::object([("name", Json::from(name.as_str())), ("variables", Json::Object(Vec::new()))]));
        Ok(Json::object([
            ("status", Json::from("success")),
            ("callbacks", Json::Array(callbacks)),
            ("alerts", Json::Array(alerts.collect())),
            ("router_settings", mask::tree(&serving.in_force("router_settings"))),
        ]))
    }

    /// `GET /router/fields`: what the router can be told.
    #[must_use]
    pub fn router_fields(&self) -> Json {
        let strategies = STRATEGIES.iter().map(|(name, what)| ((*name).to_owned(), Json::from(*what))).collect();
        let names = STRATEGIES.iter().map(|(name, _)| Json::from(*name)).collect();
        Json::object([
            ("fields", Json::Array(ROUTER_FIELDS.iter().map(field).collect())),
            ("routing_strategy_descriptions", Json::Object(strategies)),
            ("routing_group_strategies", Json::Array(names)),
        ])
    }

    /// `GET /router/settings`: the same with what it is told, and by whom.
    ///
    /// # Errors
    /// 500 when nothing is served.
    pub async fn router_settings(&self) -> Outcome<Json> {
        let values = mask::tree(&self.serving()?.in_force("router_settings"));
        let stored = self.section_row(self.store_or_refuse()?.table(), "router_settings").await?;
        let from = |(name, _): &(String, Json)| {
            let from = if stored.get(name).is_some() { "database" } else { "config" };
            (name.clone(), Json::from(from))
        };
        let source = Json::Object(values.as_object().unwrap_or_default().iter().map(from).collect());
        let mut out = self.router_fields();
        let empty = || Json::Object(Vec::new());
        out.set("current_values", if values.as_object().is_some() { values } else { empty() });
        out.set("source", source);
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callbacks_of_both_lists_come_once() {
        let section: Json = serde_json::from_str(
            r#"{"callbacks":["prometheus"],"success_callback":["a","b"],"failure_callback":["b","prometheus"]}"#,
        )
        .unwrap();
        let lists = Lists::of(&section);
        assert_eq!((lists.success, lists.failure), (vec!["a".to_owned()], vec![]));
        assert_eq!(lists.both, ["prometheus", "b"]);
        assert_eq!(names(&serde_json::from_str(r#"{"x":"one"}"#).unwrap(), "x"), ["one"]);
    }
}
