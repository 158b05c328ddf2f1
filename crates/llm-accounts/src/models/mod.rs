//! Models in the database: making, changing and deleting them. Call these on the store's runtime.

mod body;
mod rights;

use llm_store::{ProxyModelPatch, ProxyModelRow, StoreError, StoreTx, TeamPatch, TeamRow, defaults::new_id};
use llm_types::Json;

use crate::Accounts;
use crate::audit::Action;
use crate::keys::{Actor, bad, view};
use crate::request::{Outcome, required};
use crate::seal::opened;
use crate::serving::Changed;
use crate::stored::{Stored, StoredModel};
use body::{ModelBody, OneModelBody, team_of};

pub(crate) use body::merged;

impl Accounts {
    /// `POST /model/new`: a new deployment, served when this returns. A model of a team gets a name of its own and the
    /// team's name for it as `team_public_model_name`.
    ///
    /// # Errors
    /// 400 for what could not be served, 403 for others than administrators and the team's.
    pub async fn new_model(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let asked = ModelBody::read(body)?;
        let public = required(asked.model_name.clone(), "model_name", body)?;
        let params = required(asked.litellm_params.clone(), "litellm_params", body)?.0;
        let mut info = asked.model_info.clone().flatten().map_or_else(|| Json::Object(Vec::new()), |map| map.0);
        self.stores_models()?;
        if public.is_empty() {
            return Err(bad("A model needs a name").with_param("model_name").into());
        }
        if self.settings().page_rules.admins_alone_add_models && !actor.who.is_admin() {
            return Err(crate::keys::forbidden("Only proxy admins can add models.").into());
        }
        let team = team_of(&info);
        self.may_write_model(actor, team.as_deref(), body, &params).await?;
        let chosen = info.text("id").filter(|id| !id.is_empty()).map(str::to_owned);
        let id = chosen.unwrap_or_else(new_id);
        let taken = || bad(format!("A model with the id {id} exists already.")).with_param("model_info.id");
        if self.serving()?.serves(&id) {
            return Err(taken().into());
        }
        let mut name = public.clone();
        if let Some(team) = &team {
            name = format!("model_name_{team}_{}", new_id());
            info.set("team_public_model_name", public.as_str());
        }
        info.set("id", id.as_str());
        info.set("db_model", true);
        let blocked = asked.blocked.flatten().unwrap_or_default();
        let model = StoredModel { id: id.clone(), name, params, info, blocked };
        self.check_model(&model).await?;
        let by = actor.name().unwrap_or_default();
        let row = ProxyModelRow {
            model_id: id.clone(),
            model_name: model.name,
            litellm_params: self.seal_or_refuse()?.seal_fields(&model.params)?.to_raw(),
            model_info: Some(model.info.to_raw()),
            blocked,
            created_by: by.clone(),
            updated_by: by,
            ..ProxyModelRow::default()
        };
        let mut tx = self.store_or_refuse()?.begin().await?;
        match tx.table().insert(&row).await {
            Err(StoreError::Conflict(_)) => return Err(taken().into()),
            done => done?,
        }
        if let Some(team) = &team {
            offer(&mut tx, team, &public, true).await?;
        }
        self.audit(tx.table(), actor, Action::Created, &id, None, Some(&row)).await?;
        tx.commit().await?;
        self.follow(team).await?;
        Ok(view::row(&row))
    }

    /// `POST /model/update` (the id stands in `model_info.id`) and `PATCH /model/{id}/update`: parameters that are given
    /// are set, null removes one, the others stay.
    ///
    /// # Errors
    /// As [`Accounts::new_model`]; 400 for a model of the file and for an unknown one.
    pub async fn update_model(&self, actor: Actor<'_>, id: Option<&str>, body: &Json) -> Outcome<Json> {
        let asked = ModelBody::read(body)?;
        self.stores_models()?;
        let given_info = asked.model_info.clone().flatten().map(|map| map.0);
        let named = given_info.as_ref().and_then(|info| info.get("id")).and_then(Json::as_str).map(str::to_owned);
        let id = required(id.map(str::to_owned).or(named).map(Some), "model_info", body)?;
        let (row, before) = self.model_row(&id).await?;
        let given = asked.litellm_params.clone().flatten().map_or_else(|| Json::Object(Vec::new()), |map| map.0);
        let params = merged(&before.params, &given);
        let team = team_of(&before.info);
        self.may_write_model(actor, team.as_deref(), body, &params).await?;
        let mut info = merged(&before.info, given_info.as_ref().unwrap_or(&Json::Null));
        info.set("id", id.as_str());
        if team_of(&info) != team {
            let why = "A model stays with its team. Delete it and make another one.";
            return Err(bad(why).with_param("model_info.team_id").into());
        }
        let mut name = before.name.clone();
        if let Some(new) = asked.model_name.clone().flatten().filter(|new| !new.is_empty()) {
            if team.is_some() {
                info.set("team_public_model_name", new);
            } else {
                name = new;
            }
        }
        let blocked = asked.blocked.flatten().unwrap_or(before.blocked);
        let model = StoredModel { id, name, params, info, blocked };
        self.check_model(&model).await?;
        let patch = ProxyModelPatch {
            model_name: Some(model.name.clone()),
            litellm_params: Some(self.seal_or_refuse()?.seal_fields(&model.params)?.to_raw()),
            model_info: Some(Some(model.info.to_raw())),
            blocked: Some(blocked),
            updated_by: actor.name(),
            ..ProxyModelPatch::default()
        };
        let (old, new) = (public_name(&before), public_name(&model));
        let mut tx = self.store_or_refuse()?.begin().await?;
        let after = write(&mut tx, &row.model_id, &patch).await?;
        if let Some(team) = team.as_ref().filter(|_| old != new) {
            offer(&mut tx, team, &old, false).await?;
            offer(&mut tx, team, &new, true).await?;
        }
        self.audit(tx.table(), actor, Action::Updated, &row.model_id, Some(&row), Some(&after)).await?;
        tx.commit().await?;
        self.follow(team).await?;
        Ok(view::row(&after))
    }

    /// `POST /model/block` and `/model/unblock`.
    ///
    /// # Errors
    /// 400 for a model that is not in the database.
    pub async fn block_model(&self, actor: Actor<'_>, body: &Json, blocked: bool) -> Outcome<Json> {
        let id = required(OneModelBody::read(body)?.model_id, "model_id", body)?;
        self.stores_models()?;
        let (row, _) = self.model_row(&id).await?;
        let patch = ProxyModelPatch { blocked: Some(blocked), updated_by: actor.name(), ..ProxyModelPatch::default() };
        let action = if blocked { Action::Blocked } else { Action::Unblocked };
        let mut tx = self.store_or_refuse()?.begin().await?;
        let after = write(&mut tx, &id, &patch).await?;
        self.audit(tx.table(), actor, action, &id, Some(&row), Some(&after)).await?;
        self.commit_and_serve(tx).await?;
        Ok(view::row(&after))
    }

    /// `POST /model/delete`.
    ///
    /// # Errors
    /// 400 for a model that is not in the database, 403 for others than administrators and the team's.
    pub async fn delete_model(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let id = required(OneModelBody::read(body)?.id, "id", body)?;
        self.stores_models()?;
        let (row, model) = self.model_row(&id).await?;
        let team = team_of(&model.info);
        self.may_touch_model(actor, team.as_deref()).await?;
        let mut tx = self.store_or_refuse()?.begin().await?;
        tx.table::<ProxyModelRow>().delete([id.as_str()]).await?;
        if let Some(team) = &team {
            offer(&mut tx, team, &public_name(&model), false).await?;
        }
        self.audit(tx.table(), actor, Action::Deleted, &id, Some(&row), None).await?;
        tx.commit().await?;
        self.follow(team).await?;
        Ok(Json::object([("message", format!("Model: {id} deleted successfully"))]))
    }

    /// A row and what it says.
    pub(crate) async fn model_row(&self, id: &str) -> Outcome<(ProxyModelRow, StoredModel)> {
        let Some(row) = self.store_or_refuse()?.table::<ProxyModelRow>().get([id]).await? else {
            let why = if self.serving()?.serves(id) {
                format!("Can't edit model. Model in config. Store model in db via `/model/new`. id={id}")
            } else {
                format!("Model with id={id} not found in db")
            };
            return Err(bad(why).with_param("id").into());
        };
        let params = opened(self.seal().as_ref(), &row.litellm_params);
        let model = StoredModel::of(&row, params);
        Ok((row, model))
    }

    /// Refuses a model that could not be served.
    async fn check_model(&self, model: &StoredModel) -> Outcome<()> {
        let mut draft: Stored = self.stored().await?;
        draft.models.retain(|known| known.id != model.id);
        draft.models.push(model.clone());
        self.check_draft(&draft, Changed::Model(&model.id))
    }

    /// Serves what was written; keys of the team learn of its models.
    async fn follow(&self, team: Option<String>) -> Outcome<()> {
        if let Some(team) = team {
            self.forget_keys(|known| known.team_id() == Some(&team));
        }
        self.serve_anew().await
    }
}

/// The name under which a model is asked for.
fn public_name(model: &StoredModel) -> String {
    let own = model.info.text("team_public_model_name");
    own.unwrap_or(&model.name).to_owned()
}

async fn write(tx: &mut StoreTx, id: &str, patch: &ProxyModelPatch) -> Outcome<ProxyModelRow> {
    tx.table::<ProxyModelRow>().update([id], patch).await?;
    let after = tx.table::<ProxyModelRow>().get([id]).await?;
    Ok(after.ok_or_else(|| bad(format!("Model with id={id} not found in db")))?)
}

/// Adds a model to those that a team may use, or takes it away. A team without a list may use all.
async fn offer(tx: &mut StoreTx, team: &str, model: &str, add: bool) -> Outcome<()> {
    let Some(row) = tx.table::<TeamRow>().get([team]).await? else {
        if !add {
            return Ok(());
        }
        return Err(bad(format!("Team not found, passed team_id={team}")).with_param("model_info.team_id").into());
    };
    let mut models = row.models;
    let listed = models.iter().any(|known| known == model);
    if models.is_empty() || listed == add {
        return Ok(());
    }
    if add {
        models.push(model.to_owned());
    } else {
        if models.len() == 1 {
            // An empty list would mean all models.
            return Ok(());
        }
        models.retain(|known| known != model);
    }
    let patch = TeamPatch { models: Some(models), ..TeamPatch::default() };
    tx.table::<TeamRow>().update([team], &patch).await?;
    Ok(())
}
