//! What policies do: which of them, and which guardrails, a call would get.

use llm_types::Json;

use super::engine::{Policies, PolicyContext};
use super::faults::PolicyFault;
use super::read::Policy;
use crate::Accounts;
use crate::keys::not_found;
use crate::request::{Map, Outcome, body, list, required};

body! {
    /// `POST /policies/resolve`, `POST /policy/test`.
    struct CallBody {
        team_alias: String,
        key_alias: String,
        model: String,
        tags: Vec<String>,
    }
}

body! {
    /// `POST /policy/validate`.
    struct ValidateBody {
        policies: Map,
    }
}

fn names<'n>(names: impl IntoIterator<Item = &'n str>) -> Json {
    Json::Array(names.into_iter().map(Json::from).collect())
}

fn sorted(mut guardrails: Vec<String>) -> Json {
    guardrails.sort();
    guardrails.dedup();
    names(guardrails.iter().map(String::as_str))
}

/// A policy in few words.
fn summary(policies: &Policies, name: &str, policy: &Policy) -> Vec<(&'static str, Json)> {
    let none = || Json::Array(Vec::new());
    let texts = |list: &[String]| names(list.iter().map(String::as_str));
    vec![
        ("inherit", Json::from(policy.inherit.as_deref())),
        ("scope", Json::object([("teams", none()), ("keys", none()), ("models", none()), ("tags", none())])),
        ("guardrails", Json::object([("add", texts(&policy.add)), ("remove", texts(&policy.remove))])),
        ("resolved_guardrails", texts(&policies.guardrails(name))),
        ("inheritance_chain", names(policies.chain(name))),
    ]
}

impl Accounts {
    /// `POST /policies/resolve`: the policies of a call of this team, key, model and these tags, and their guardrails.
    ///
    /// # Errors
    /// 422 for wrong fields.
    pub fn resolve_policies(&self, body: &Json) -> Outcome<Json> {
        let policies = self.serving()?.policies();
        with_context(body, |context| {
            let mut all = Vec::new();
            let matched = policies.matches(context).into_iter().map(|found| {
                let guardrails = found.guardrails(context);
                all.extend(guardrails.iter().cloned());
                Json::object([
                    ("policy_name", Json::from(found.policy)),
                    ("matched_via", Json::from(found.via)),
                    ("guardrails_added", names(guardrails.iter().map(String::as_str))),
                ])
            });
            let matched = matched.collect();
            Json::object([("effective_guardrails", sorted(all)), ("matched_policies", Json::Array(matched))])
        })
    }

    /// `POST /policy/test`: the same, in fewer words.
    ///
    /// # Errors
    /// 422 for wrong fields.
    pub fn test_policies(&self, body: &Json) -> Outcome<Json> {
        let policies = self.serving()?.policies();
        let field = |name: &str| body.get(name).cloned().unwrap_or_default();
        let asked = ["team_alias", "key_alias", "model", "tags"].map(|name| (name, field(name)));
        with_context(body, |context| {
            let found = policies.matches(context);
            let guardrails = found.iter().flat_map(|found| found.guardrails(context));
            Json::object([
                ("context", Json::object(asked)),
                ("matching_policies", names(found.iter().map(|found| found.policy))),
                ("resolved_guardrails", sorted(guardrails.collect())),
                ("message", Json::Null),
            ])
        })
    }

    /// `GET /policies/{policy_id}/resolved-guardrails`: of the policy's name as it is in production, whatever the model.
    ///
    /// # Errors
    /// 404 for an unknown id.
    pub async fn resolved_guardrails(&self, id: &str) -> Outcome<Json> {
        let row = self.policy_row(id).await?;
        let guardrails = self.serving()?.policies().guardrails(&row.policy_name);
        Ok(Json::object([
            ("policy_id", Json::from(row.policy_id.as_str())),
            ("policy_name", Json::from(row.policy_name.as_str())),
            ("resolved_guardrails", sorted(guardrails)),
        ]))
    }

    /// `GET /policy/list`: what is in force.
    ///
    /// # Errors
    /// When nothing is served.
    pub fn served_policies(&self) -> Outcome<Json> {
        let policies = self.serving()?.policies();
        let each =
            policies.all().map(|(name, policy)| (name.to_owned(), Json::object(summary(&policies, name, policy))));
        let all: Vec<(String, Json)> = each.collect();
        let count = all.len() as u64;
        Ok(Json::object([("policies", Json::Object(all)), ("total_count", Json::from(count))]))
    }

    /// `GET /policy/info/{policy_name}`.
    ///
    /// # Errors
    /// 404 for a policy that is not in force.
    pub fn served_policy(&self, name: &str) -> Outcome<Json> {
        let policies = self.serving()?.policies();
        let why = || not_found(format!("Policy '{name}' not found")).with_param("policy_name");
        let policy = policies.get(name).ok_or_else(why)?;
        let mut fields = vec![("policy_name", Json::from(name))];
        fields.extend(summary(&policies, name, policy));
        Ok(Json::object(fields))
    }

    /// `POST /policy/validate`: what is wrong with policies as a configuration would have them, by themselves.
    ///
    /// # Errors
    /// 422 for a body without policies.
    pub async fn validate_policies(&self, body: &Json) -> Outcome<Json> {
        let Map(asked) = required(ValidateBody::read(body)?.policies, "policies", body)?;
        let known = self.guardrail_names().await?;
        let mut all = Policies::default();
        let mut found: Vec<(&str, PolicyFault)> = Vec::new();
        for (name, policy) in asked.as_object().unwrap_or_default() {
            match Policy::read(policy) {
                Ok(policy) => all.put(name, policy),
                Err(wrong) => found.push((name, PolicyFault::unreadable(wrong))),
            }
        }
        if found.is_empty() {
            let names = asked.as_object().unwrap_or_default().iter().map(|(name, _)| name.as_str());
            let is_known = |name: &str| known.iter().any(|known| known == name);
            found.extend(names.flat_map(|name| all.faults(name, is_known).into_iter().map(move |fault| (name, fault))));
        }
        let told = |warnings: bool| {
            let some = found.iter().filter(move |(_, fault)| fault.warning == warnings);
            some.map(|(name, fault)| fault.told(name)).collect::<Vec<_>>()
        };
        let errors = told(false);
        Ok(Json::object([
            ("valid", Json::from(errors.is_empty())),
            ("errors", Json::Array(errors)),
            ("warnings", Json::Array(told(true))),
        ]))
    }
}

/// Reads the call that a body describes.
fn with_context(body: &Json, answer: impl FnOnce(&PolicyContext<'_>) -> Json) -> Outcome<Json> {
    let asked = CallBody::read(body)?;
    let (team, key, model) = (asked.team_alias.flatten(), asked.key_alias.flatten(), asked.model.flatten());
    let tags = list(&asked.tags).unwrap_or_default();
    let models: Vec<&str> = model.as_deref().into_iter().collect();
    let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
    Ok(answer(&PolicyContext { team: team.as_deref(), key: key.as_deref(), models: &models, tags: &tags }))
}
