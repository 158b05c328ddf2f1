//! Versions of policies: a draft is published, a published one goes into production in the place of the one that was there. Call
//! these on the store's runtime.

use chrono::Utc;
use llm_store::defaults::new_id;
use llm_store::{Filter, ListQuery, PolicyPatch, PolicyRow, StoreTx};
use llm_types::Json;

use super::manage::{DRAFT, PRODUCTION, missing, shown};
use crate::Accounts;
use crate::audit::Action;
use crate::keys::{Actor, bad, not_found};
use crate::request::{Outcome, body, required};

body! {
    /// `POST /policies/name/{policy_name}/versions`.
    struct NewVersion {
        source_policy_id: String,
    }
}

body! {
    /// `PUT /policies/{policy_id}/status`.
    struct StatusBody {
        version_status: String,
    }
}

/// The version that can go into production.
const PUBLISHED: &str = "published";

/// What `GET /policies/compare` compares.
const COMPARED: [&str; 6] = ["inherit", "description", "guardrails_add", "guardrails_remove", "condition", "pipeline"];

fn named(name: &str) -> Filter {
    Filter::new().is("policy_name", name.to_owned())
}

impl Accounts {
    /// `GET /policies/name/{policy_name}/versions`, the latest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn policy_versions(&self, name: &str) -> Outcome<Json> {
        let rows = self.policy_versions_of(name).await?;
        Ok(Json::object([
            ("policy_name", Json::from(name)),
            ("versions", Json::Array(rows.iter().map(shown).collect())),
            ("total_count", Json::from(rows.len() as u64)),
        ]))
    }

    /// `POST /policies/name/{policy_name}/versions`: a draft, as the version in production is, or the one that is named.
    ///
    /// # Errors
    /// 404 where there is no version to begin with.
    pub async fn new_policy_version(&self, actor: Actor<'_>, name: &str, body: &Json) -> Outcome<Json> {
        let source = NewVersion::read(body)?.source_policy_id.flatten();
        self.stores_models()?;
        let rows = self.policy_versions_of(name).await?;
        let found = match &source {
            Some(id) => rows.iter().find(|row| row.policy_id == *id),
            None => rows.iter().find(|row| row.version_status == PRODUCTION),
        };
        let found = found.ok_or_else(|| match &source {
            Some(id) => not_found(format!("Policy '{name}' has no version {id}")).with_param("source_policy_id"),
            None => not_found(format!("No production version found for policy '{name}'")).with_param("policy_name"),
        })?;
        let mut tx = self.store_or_refuse()?.begin().await?;
        // Writing the other versions first makes whoever else makes one wait, so that no two have the same number.
        let older = PolicyPatch { is_latest: Some(false), ..PolicyPatch::default() };
        tx.table::<PolicyRow>().update_where(&named(name), &older).await?;
        let latest = ListQuery::page(named(name), 1, 1).sorted("version_number", true);
        let latest = tx.table::<PolicyRow>().rows(&latest).await?.first().map_or(0, |row| row.version_number);
        let now = Utc::now();
        let row = PolicyRow {
            policy_id: new_id(),
            version_number: latest + 1,
            version_status: DRAFT.to_owned(),
            parent_version_id: Some(found.policy_id.clone()),
            is_latest: true,
            published_at: None,
            production_at: None,
            created_at: now,
            updated_at: now,
            created_by: actor.name(),
            updated_by: actor.name(),
            ..found.clone()
        };
        tx.table().insert(&row).await?;
        self.audit(tx.table(), actor, Action::Created, &row.policy_id, None, Some(&row)).await?;
        self.commit_and_serve(tx).await?;
        Ok(shown(&row))
    }

    /// `PUT /policies/{policy_id}/status`: publishes a draft, or puts a published version into production.
    ///
    /// # Errors
    /// 404 for an unknown id; 400 for another step, and for a policy that could not be served.
    pub async fn set_policy_status(&self, actor: Actor<'_>, id: &str, body: &Json) -> Outcome<Json> {
        let status = required(StatusBody::read(body)?.version_status, "version_status", body)?;
        self.stores_models()?;
        let row = self.policy_row(id).await?;
        if status == PRODUCTION {
            self.check_policy(&row).await?;
        }
        let mut tx = self.store_or_refuse()?.begin().await?;
        let row = self.policy_version_alone(&mut tx, &row).await?;
        let refuse = |why: String| Err(bad(why).with_param("version_status").into());
        let now = Utc::now();
        let mut patch = PolicyPatch { updated_by: Some(actor.name()), ..PolicyPatch::default() };
        match (status.as_str(), row.version_status.as_str()) {
            (PUBLISHED, DRAFT) => patch.published_at = Some(Some(now)),
            (PRODUCTION, PUBLISHED) => patch.production_at = Some(Some(now)),
            (PUBLISHED, current) => {
                return refuse(format!("Only draft versions can be published. Current status: '{current}'."));
            }
            (PRODUCTION, DRAFT) => {
                return refuse("Cannot promote draft directly to production. Publish the version first.".to_owned());
            }
            (PRODUCTION, current) => {
                return refuse(format!("Only published versions can be promoted to production. Current: '{current}'."));
            }
            (other, _) => return refuse(format!("Invalid status '{other}'. Use 'published' or 'production'.")),
        }
        if status == PRODUCTION {
            let current = named(&row.policy_name).is("version_status", PRODUCTION.to_owned());
            let back = PolicyPatch {
                version_status: Some(PUBLISHED.to_owned()),
                updated_by: Some(actor.name()),
                ..PolicyPatch::default()
            };
            tx.table::<PolicyRow>().update_where(&current, &back).await?;
        }
        patch.version_status = Some(status);
        let after = self.write(&mut tx, actor, Action::Updated, id, Some(&row), &patch).await?;
        self.commit_and_serve(tx).await?;
        Ok(shown(&after))
    }

    /// `DELETE /policies/name/{policy_name}/all-versions`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn delete_policy_versions(&self, actor: Actor<'_>, name: &str) -> Outcome<Json> {
        self.stores_models()?;
        let mut tx = self.store_or_refuse()?.begin().await?;
        for row in &self.policy_alone(&mut tx, name).await? {
            self.erase(&mut tx, actor, &row.policy_id, row).await?;
        }
        self.commit_and_serve(tx).await?;
        let mut out = Json::object([("message", format!("All versions of policy '{name}' deleted successfully"))]);
        if self.policy_in_file(name)? {
            out.set(
                "warning",
                "All DB versions were deleted. The config-defined policy with the same name is active again.",
            );
        }
        Ok(out)
    }

    /// `GET /policies/compare`: two versions, and the fields in which they differ.
    ///
    /// # Errors
    /// 404 for an unknown id.
    pub async fn compare_policies(&self, one: &str, other: &str) -> Outcome<Json> {
        let (one, other) = (shown(&self.policy_row(one).await?), shown(&self.policy_row(other).await?));
        let field = |of: &Json, field: &str| of.get(field).cloned().unwrap_or_default();
        let differ = COMPARED.iter().filter(|name| field(&one, name) != field(&other, name));
        let differ = differ.map(|name| {
            let both = Json::object([("version_a", field(&one, name)), ("version_b", field(&other, name))]);
            ((*name).to_owned(), both)
        });
        let differ = Json::Object(differ.collect());
        Ok(Json::object([("version_a", one), ("version_b", other), ("field_diffs", differ)]))
    }

    /// The versions of a policy as they are while this transaction lasts: writing them first makes whoever else changes one wait.
    async fn policy_alone(&self, tx: &mut StoreTx, name: &str) -> Outcome<Vec<PolicyRow>> {
        let same = PolicyPatch { policy_name: Some(name.to_owned()), ..PolicyPatch::default() };
        tx.table::<PolicyRow>().update_where(&named(name), &same).await?;
        Ok(tx.table::<PolicyRow>().find(named(name)).await?)
    }

    /// A version as it is while this transaction lasts.
    pub(super) async fn policy_version_alone(&self, tx: &mut StoreTx, known: &PolicyRow) -> Outcome<PolicyRow> {
        let rows = self.policy_alone(tx, &known.policy_name).await?;
        let row = rows.into_iter().find(|row| row.policy_id == known.policy_id);
        row.ok_or_else(|| missing(&known.policy_id).into())
    }

    /// The versions of a policy, the latest first.
    pub(super) async fn policy_versions_of(&self, name: &str) -> Outcome<Vec<PolicyRow>> {
        let query = ListQuery::all(named(name)).sorted("version_number", true);
        Ok(self.store_or_refuse()?.table::<PolicyRow>().rows(&query).await?)
    }
}
