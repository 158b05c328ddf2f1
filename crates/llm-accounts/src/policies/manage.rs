//! Policies in the database: making, changing and deleting them. A policy has versions, one of which may be in production; only
//! drafts are changed. Call these on the store's runtime.

use chrono::Utc;
use llm_store::{Filter, GuardrailRow, ListQuery, PolicyRow};
use llm_types::{Error, Json, RawJson};

use super::read::{Policy, StoredPolicy};
use crate::Accounts;
use crate::audit::Action;
use crate::keys::{Actor, bad, not_found, view};
use crate::request::{Given, Map, Outcome, body, required, unless_taken};
use crate::stored;

body! {
    /// `POST /policies`, `PUT /policies/{policy_id}`.
    struct PolicyBody {
        policy_name: String,
        inherit: String,
        description: String,
        guardrails_add: Vec<String>,
        guardrails_remove: Vec<String>,
        condition: Map,
        pipeline: Map,
    }
}

/// The version that is in force.
pub(super) const PRODUCTION: &str = "production";
/// The version that can be changed.
pub(super) const DRAFT: &str = "draft";

/// What a configuration would say of a row.
pub(crate) fn spec(row: &PolicyRow) -> Json {
    let object = |raw: Option<&RawJson>| raw.map(|raw| stored::settings_of(Some(raw), |raw| Json::from(raw)));
    let texts = |names: &[String]| Json::Array(names.iter().map(|name| Json::from(name.as_str())).collect());
    Json::object([
        ("inherit", Json::from(row.inherit.as_deref())),
        ("guardrails", Json::object([("add", texts(&row.guardrails_add)), ("remove", texts(&row.guardrails_remove))])),
        ("condition", object(row.condition.as_ref()).unwrap_or_default()),
        ("pipeline", object(row.pipeline.as_ref()).unwrap_or_default()),
    ])
}

impl StoredPolicy {
    pub(crate) fn of(row: &PolicyRow) -> Self {
        Self {
            id: row.policy_id.clone(),
            name: row.policy_name.clone(),
            in_production: row.version_status == PRODUCTION,
            spec: spec(row),
        }
    }
}

/// A row for people.
pub(super) fn shown(row: &PolicyRow) -> Json {
    let mut out = view::row(row);
    out.set("definition_location", "db");
    out
}

/// A policy of the file, as a row would be shown.
fn of_file(name: &str, policy: &Json) -> Json {
    let read = Policy::read(policy).unwrap_or_default();
    let field = |field: &str| policy.get(field).cloned().unwrap_or_default();
    let row = PolicyRow {
        policy_id: name.to_owned(),
        policy_name: name.to_owned(),
        inherit: read.inherit,
        description: policy.text("description").map(str::to_owned),
        guardrails_add: read.add,
        guardrails_remove: read.remove,
        ..PolicyRow::default()
    };
    let mut out = view::row(&row);
    for (name, value) in [
        ("condition", field("condition")),
        ("pipeline", field("pipeline")),
        ("created_at", Json::Null),
        ("updated_at", Json::Null),
        ("definition_location", Json::from("config")),
    ] {
        out.set(name, value);
    }
    out
}

/// An object that was given; null is none.
fn object(given: Given<Map>) -> Option<RawJson> {
    given.flatten().map(|Map(map)| map.to_raw())
}

impl Accounts {
    /// `POST /policies`: a new policy, in production when this returns.
    ///
    /// # Errors
    /// 400 for a name that exists and for what could not be served; 422 for wrong fields.
    pub async fn new_policy(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let asked = PolicyBody::read(body)?;
        let name = required(asked.policy_name.clone(), "policy_name", body)?;
        self.stores_models()?;
        let now = Utc::now();
        let row = PolicyRow {
            policy_name: name.clone(),
            production_at: Some(now),
            created_by: actor.name(),
            updated_by: actor.name(),
            ..PolicyRow::default()
        };
        let row = with(row, asked);
        let taken = || bad(format!("Policy with name '{name}' already exists")).with_param("policy_name");
        if name.is_empty() {
            return Err(bad("A policy needs a name").with_param("policy_name").into());
        }
        if !self.policy_versions_of(&name).await?.is_empty() {
            return Err(taken().into());
        }
        self.check_policy(&row).await?;
        let mut tx = self.store_or_refuse()?.begin().await?;
        unless_taken(tx.table().insert(&row).await, taken().message, "policy_name")?;
        self.audit(tx.table(), actor, Action::Created, &row.policy_id, None, Some(&row)).await?;
        self.commit_and_serve(tx).await?;
        Ok(shown(&row))
    }

    /// `PUT /policies/{policy_id}`: changes what is given of a draft.
    ///
    /// # Errors
    /// 404 for an unknown id, 400 for a version that is no draft and for what could not be served.
    pub async fn change_policy(&self, actor: Actor<'_>, id: &str, body: &Json) -> Outcome<Json> {
        let asked = PolicyBody::read(body)?;
        self.stores_models()?;
        let known = self.policy_row(id).await?;
        let changed = |before: &PolicyRow| {
            with(PolicyRow { updated_at: Utc::now(), updated_by: actor.name(), ..before.clone() }, asked.clone())
        };
        let wished = changed(&known);
        if wished.policy_name.is_empty() {
            return Err(bad("A policy needs a name").with_param("policy_name").into());
        }
        self.check_policy(&wished).await?;
        let mut tx = self.store_or_refuse()?.begin().await?;
        let before = self.policy_version_alone(&mut tx, &known).await?;
        if before.version_status != DRAFT {
            let why = "Only draft versions can be updated. Make a new version to change a published one or that in production.";
            return Err(bad(why).into());
        }
        let row = changed(&before);
        let taken = format!("Policy '{}' has this version already", row.policy_name);
        unless_taken(tx.table().put(&row).await, taken, "policy_name")?;
        self.audit(tx.table(), actor, Action::Updated, id, Some(&before), Some(&row)).await?;
        self.commit_and_serve(tx).await?;
        Ok(shown(&row))
    }

    /// `DELETE /policies/{policy_id}`: one version. None takes the place of the one in production.
    ///
    /// # Errors
    /// 404 for an unknown id.
    pub async fn delete_policy(&self, actor: Actor<'_>, id: &str) -> Outcome<Json> {
        self.stores_models()?;
        let row = self.policy_row(id).await?;
        let mut tx = self.store_or_refuse()?.begin().await?;
        self.erase(&mut tx, actor, id, &row).await?;
        self.commit_and_serve(tx).await?;
        let mut out = Json::object([("message", format!("Policy {id} deleted successfully"))]);
        if row.version_status == PRODUCTION {
            let warning = if self.policy_in_file(&row.policy_name)? {
                "Production version was deleted. The config-defined policy with the same name is active again."
            } else {
                "Production version was deleted. No other version was promoted. Promote another version to production if this policy should remain active."
            };
            out.set("warning", warning);
        }
        Ok(out)
    }

    /// `GET /policies/{policy_id}`.
    ///
    /// # Errors
    /// 404 for an unknown id.
    pub async fn policy(&self, id: &str) -> Outcome<Json> {
        Ok(shown(&self.policy_row(id).await?))
    }

    /// `GET /policies/list`: versions of the database, the latest first, then those of the file that none in production hides.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn policies(&self, status: Option<&str>) -> Outcome<Json> {
        let filter = Filter::new().maybe("version_status", status.map(str::to_owned));
        let query = ListQuery::all(filter).sorted("created_at", true);
        let rows = self.store_or_refuse()?.table::<PolicyRow>().rows(&query).await?;
        let hidden = |name: &str| rows.iter().any(|row| row.policy_name == name && row.version_status == PRODUCTION);
        let file = self.serving()?.section("policies");
        let of_file = file.as_object().unwrap_or_default().iter();
        let of_file = of_file.filter(|(name, _)| status.is_none_or(|status| status == PRODUCTION) && !hidden(name));
        let all: Vec<Json> =
            rows.iter().map(shown).chain(of_file.map(|(name, policy)| self::of_file(name, policy))).collect();
        let count = all.len() as u64;
        Ok(Json::object([("policies", Json::Array(all)), ("total_count", Json::from(count))]))
    }

    /// Refuses a policy that would not do what it says.
    pub(super) async fn check_policy(&self, row: &PolicyRow) -> Outcome<()> {
        let policy =
            Policy::read(&spec(row)).map_err(|(field, why)| bad(format!("{field}: {why}")).with_param(field))?;
        let mut all = (*self.serving()?.policies()).clone();
        all.put(&row.policy_name, policy);
        let known = self.guardrail_names().await?;
        let faults = all.faults(&row.policy_name, |name| known.iter().any(|known| known == name));
        match faults.into_iter().find(|fault| !fault.warning) {
            Some(fault) => Err(bad(fault.message).with_param(fault.field).into()),
            None => Ok(()),
        }
    }

    /// The guardrails of file and database.
    pub(super) async fn guardrail_names(&self) -> Outcome<Vec<String>> {
        let file = self.serving()?.section("guardrails");
        let of_file = file.as_array().unwrap_or_default().iter().filter_map(|entry| entry.text("guardrail_name"));
        let rows = self.store_or_refuse()?.table::<GuardrailRow>().find(Filter::new().is("status", "active")).await?;
        Ok(of_file.map(str::to_owned).chain(rows.into_iter().map(|row| row.guardrail_name)).collect())
    }

    pub(super) fn policy_in_file(&self, name: &str) -> Outcome<bool> {
        Ok(self.serving()?.section("policies").get(name).is_some())
    }

    pub(super) async fn policy_row(&self, id: &str) -> Outcome<PolicyRow> {
        let row = self.store_or_refuse()?.table::<PolicyRow>().get([id]).await?;
        row.ok_or_else(|| missing(id).into())
    }
}

pub(super) fn missing(id: &str) -> Error {
    not_found(format!("Policy with ID {id} not found")).with_param("policy_id")
}

/// A row with what a body gives; null leaves a field as it is, as in LiteLLM.
fn with(row: PolicyRow, asked: PolicyBody) -> PolicyRow {
    PolicyRow {
        policy_name: asked.policy_name.flatten().unwrap_or(row.policy_name),
        inherit: asked.inherit.flatten().or(row.inherit),
        description: asked.description.flatten().or(row.description),
        guardrails_add: asked.guardrails_add.flatten().unwrap_or(row.guardrails_add),
        guardrails_remove: asked.guardrails_remove.flatten().unwrap_or(row.guardrails_remove),
        condition: object(asked.condition).or(row.condition),
        pipeline: object(asked.pipeline).or(row.pipeline),
        ..row
    }
}
