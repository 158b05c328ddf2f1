//! The access groups that deployments name in `model_info.access_groups`: those of the configuration are shown, those of
//! deployments in the database are changed.

use std::collections::{BTreeMap, BTreeSet};

use llm_store::{Filter, ModelAccessGroupBudgetRow, ProxyModelPatch, ProxyModelRow, StoreTx};
use llm_types::{Error, Json};

use crate::Accounts;
use crate::audit::Action;
use crate::keys::{Actor, bad, not_found};
use crate::request::{Outcome, Problem, body, required};

body! {
    /// `/access_group/new` and `/access_group/{access_group}/update`.
    struct ModelGroupBody {
        access_group: String,
        model_names: Vec<String>,
        model_ids: Vec<String>,
    }
}

fn groups_of(row: &ProxyModelRow) -> Vec<String> {
    let info: Json = row.model_info.as_ref().and_then(|info| info.read().ok()).unwrap_or_default();
    let groups = info.get("access_groups").and_then(Json::as_array).unwrap_or_default();
    groups.iter().filter_map(|group| group.as_str().map(str::to_owned)).collect()
}

impl Accounts {
    /// `GET /access_group/list`: every group with the models in it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list_model_groups(&self) -> Outcome<Json> {
        let mut all = Vec::new();
        for group in self.model_groups().await?.into_keys() {
            all.push(self.model_group_info(&group).await?);
        }
        Ok(Json::object([("access_groups", Json::Array(all))]))
    }

    /// `GET /access_group/{access_group}/info`.
    ///
    /// # Errors
    /// 404 for a group that no deployment names.
    pub async fn model_group_info(&self, group: &str) -> Outcome<Json> {
        let names = self.known_model_group(group).await?;
        let store = self.store_or_refuse()?;
        let rows = store.table::<ProxyModelRow>().find(Filter::new()).await?;
        let stored = rows.iter().filter(|row| groups_of(row).iter().any(|known| known == group)).count();
        let budget = store.table::<ModelAccessGroupBudgetRow>().get([group]).await?;
        let mut out = self.budget_of(group, budget).await?;
        out.set("deployment_count", stored.max(names.len()) as u64);
        out.set("model_names", Json::Array(names.into_iter().map(Json::from).collect()));
        Ok(out)
    }

    /// `POST /access_group/new`: deployments of the database join a new group, by model name or id.
    ///
    /// # Errors
    /// 409 for a group that exists, 404 for models that are not in the database.
    pub async fn new_model_group(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let asked = ModelGroupBody::read(body)?;
        let group = required(asked.access_group.clone(), "access_group", body)?;
        if self.model_groups().await?.contains_key(&group) {
            let error = Error::bad_request(format!("Access group '{group}' already exists."));
            return Err(error.with_type("bad_request_error").with_param("access_group").with_status(409).into());
        }
        self.set_model_group(actor, &group, &asked).await
    }

    /// `PUT /access_group/{access_group}/update`: these deployments are in the group, and no others of the database.
    ///
    /// # Errors
    /// 404 for an unknown group and for models that are not in the database.
    pub async fn update_model_group(&self, actor: Actor<'_>, group: &str, body: &Json) -> Outcome<Json> {
        let asked = ModelGroupBody::read(body)?;
        self.known_model_group(group).await?;
        self.set_model_group(actor, group, &asked).await
    }

    async fn set_model_group(&self, actor: Actor<'_>, group: &str, asked: &ModelGroupBody) -> Outcome<Json> {
        let names = asked.model_names.clone().flatten().unwrap_or_default();
        let ids = asked.model_ids.clone().flatten().unwrap_or_default();
        if names.is_empty() && ids.is_empty() {
            return Err(bad("Name models in `model_names` or `model_ids`.").with_param("model_names").into());
        }
        let mut tx = self.store_or_refuse()?.begin().await?;
        let rows = tx.table::<ProxyModelRow>().find(Filter::new()).await?;
        let missing = names.iter().find(|name| !rows.iter().any(|row| row.model_name == **name));
        let missing = missing.or_else(|| ids.iter().find(|id| !rows.iter().any(|row| row.model_id == **id)));
        if let Some(missing) = missing {
            let why = format!("Model '{missing}' is not in the database.");
            return Err(not_found(why).with_param("model_names").into());
        }
        let mut updated = 0_u64;
        for row in &rows {
            // Ids are nearer than names.
            let wanted = if ids.is_empty() { names.contains(&row.model_name) } else { ids.contains(&row.model_id) };
            updated += u64::from(self.put_into_group(&mut tx, actor, row, group, wanted).await?);
        }
        tx.commit().await?;
        let list = |items: Vec<String>| Json::Array(items.into_iter().map(Json::from).collect());
        Ok(Json::object([
            ("access_group", Json::from(group)),
            ("model_names", list(names)),
            ("model_ids", list(ids)),
            ("models_updated", Json::from(updated)),
        ]))
    }

    /// `DELETE /access_group/{access_group}/delete`: no deployment of the database names it any more.
    ///
    /// # Errors
    /// 404 for a group that no deployment of the database names.
    pub async fn delete_model_group(&self, actor: Actor<'_>, group: &str) -> Outcome<Json> {
        let mut tx = self.store_or_refuse()?.begin().await?;
        let mut updated = 0_u64;
        for row in tx.table::<ProxyModelRow>().find(Filter::new()).await? {
            updated += u64::from(self.put_into_group(&mut tx, actor, &row, group, false).await?);
        }
        if updated == 0 {
            return Err(no_group(group));
        }
        tx.table::<ModelAccessGroupBudgetRow>().delete([group]).await?;
        tx.commit().await?;
        Ok(Json::object([
            ("access_group", Json::from(group)),
            ("models_updated", Json::from(updated)),
            ("message", Json::from(format!("Access group '{group}' deleted"))),
        ]))
    }

    /// Puts a deployment into a group or takes it out; whether that changed anything.
    async fn put_into_group(
        &self,
        tx: &mut StoreTx,
        actor: Actor<'_>,
        row: &ProxyModelRow,
        group: &str,
        wanted: bool,
    ) -> Outcome<bool> {
        let mut groups = groups_of(row);
        if groups.iter().any(|known| known == group) == wanted {
            return Ok(false);
        }
        groups.retain(|known| known != group);
        if wanted {
            groups.push(group.to_owned());
        }
        let mut info: Json = row.model_info.as_ref().and_then(|info| info.read().ok()).unwrap_or_default();
        if info.as_object().is_none() {
            info = Json::Object(Vec::new());
        }
        info.set("access_groups", Json::Array(groups.into_iter().map(Json::from).collect()));
        let patch = ProxyModelPatch {
            model_info: Some(Some(info.to_raw())),
            updated_by: actor.name(),
            ..ProxyModelPatch::default()
        };
        self.write(tx, actor, Action::Updated, &row.model_id, Some(row), &patch).await?;
        Ok(true)
    }

    /// Every group with its models: of the served configuration and of the database.
    async fn model_groups(&self) -> Outcome<BTreeMap<String, BTreeSet<String>>> {
        let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (model, groups) in &self.inner().directory.load().access_groups {
            for group in groups {
                all.entry(group.clone()).or_default().insert(model.clone());
            }
        }
        for row in self.store_or_refuse()?.table::<ProxyModelRow>().find(Filter::new()).await? {
            for group in groups_of(&row) {
                all.entry(group).or_default().insert(row.model_name.clone());
            }
        }
        Ok(all)
    }

    /// The models of a group that has some.
    pub(super) async fn known_model_group(&self, group: &str) -> Outcome<BTreeSet<String>> {
        self.model_groups().await?.remove(group).ok_or_else(|| no_group(group))
    }
}

fn no_group(group: &str) -> Problem {
    not_found(format!("Access group '{group}' not found")).with_param("access_group").into()
}
