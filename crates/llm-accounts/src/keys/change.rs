//! Changing, blocking, rotating and deleting keys.

use chrono::Utc;
use llm_store::{Filter, KeyPatch, TeamRow, VerificationToken};
use llm_types::Json;
use llm_types::letter::Occasion;

use super::body::{DeleteBody, IN_METADATA, KeyBody, OneKeyBody};
use super::bounds::{Ask, acts_as_another, routes_asked};
use super::rights::Act;
use super::{Actor, bad, fill, forbidden, not_found, throughput, view};
use crate::audit::Action;
use crate::grants::Asked;
use crate::load::{ENFORCED, GUARDRAILS, POLICIES, texts};
use crate::request::{Outcome, metadata, required};
use crate::rights::Standing;
use crate::{Accounts, KeyDigest};

impl Accounts {
    /// `POST /key/update`: a field that is given is set, null clears it, `metadata` replaces all of it.
    ///
    /// # Errors
    /// As [`Accounts::generate_key`]; 404 for an unknown key.
    pub async fn update_key(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let asked = KeyBody::read(body)?;
        let key = required(asked.key.clone(), "key", body)?;
        let row = self.key_row(&key).await?;
        let patch = self.checked_patch(actor, body, &asked, &row, Act::Update).await?;
        let grants = self.key_grants(actor.who, &asked, Some(&row)).await?;
        let before = row;
        let row = self.write_key(actor, Action::Updated, &before, patch, (&asked, grants.as_ref())).await?;
        self.rename_copy(&before, &row).await;
        let mut out = Json::object([("key", Json::from(key.as_str()))]);
        for (name, value) in self.with_grants(view::row(&row)).await?.as_object().unwrap_or_default() {
            out.set(name, value.clone());
        }
        Ok(out)
    }

    /// The columns that a change sets, when the caller may make it.
    async fn checked_patch(
        &self,
        actor: Actor<'_>,
        body: &Json,
        asked: &KeyBody,
        row: &VerificationToken,
        act: Act,
    ) -> Outcome<KeyPatch> {
        let now = Utc::now();
        if !self.may_on_key(actor.who, row, act).await? {
            return Err(forbidden("You may not change this key.").into());
        }
        self.may_change_money(actor, body, row).await?;
        self.lends_a_budget(body).await?;
        throughput::read(body)?;
        let own = self.no_more_than(actor.who, Ask { body, asked, row: Some(row), now }).await?;
        self.stands_on_what_is_there(asked).await?;
        self.may_move(actor, asked, row).await?;
        Box::pin(self.may_soften(actor, asked, row)).await?;
        if let Some(routes) = routes_asked(asked) {
            acts_as_another(actor.who, row.user_id.as_deref(), &routes.unwrap_or_default())?;
        }
        if let Some(Some(alias)) = &asked.key_alias {
            self.alias_is_free(alias, Some(&row.token)).await?;
        }
        let settings = self.settings();
        let ceilings = settings.upperbound_key_generate_params.as_ref();
        if !actor.who.is_admin() && ceilings.is_some() {
            // Only what is given is held against the ceilings.
            let given = |ceilings: &Json| {
                let fields = ceilings.as_object().unwrap_or_default().iter();
                Json::Object(fields.filter(|(name, _)| body.get(name).is_some()).cloned().collect())
            };
            fill::bounded(body, None, ceilings.map(given).as_ref())?;
        }
        let there: Json = row.metadata.read().unwrap_or_default();
        let before = there.clone();
        let mut metadata = self.sealed_metadata(metadata(body, IN_METADATA, &asked.metadata, there))?;
        if let Some(after) = &mut metadata {
            own.keep_entries(body, &before, after);
        }
        if let Some(after) = metadata.as_ref().filter(|_| !actor.who.is_admin()) {
            demands_stay(&before, after)?;
        }
        Box::pin(self.guarantee(Ask { body, asked, row: Some(row), now }, metadata.as_ref())).await?;
        let mut patch = fill::patch(asked, metadata.as_ref(), &self.reset_clock()?, now)?;
        if let Some(after) = patch.policies.as_ref().filter(|_| !actor.who.is_admin()) {
            stays(POLICIES, &row.policies, after)?;
        }
        patch.updated_by = Some(actor.name());
        patch.settings_updated_at = Some(Some(now));
        Ok(patch)
    }

    /// Whether somebody who only manages the team of another's key may change what a body says of money.
    async fn may_change_money(&self, actor: Actor<'_>, body: &Json, row: &VerificationToken) -> Outcome<()> {
        let settings = self.settings();
        let own = row.user_id.is_some() && row.user_id.as_deref() == actor.who.user_id();
        let Some(team) = row.team_id.as_deref().filter(|_| !own && settings.page_rules.managers_may_change.is_some())
        else {
            return Ok(());
        };
        let team = self.store_or_refuse()?.table::<TeamRow>().get([team]).await?;
        let standing = match &team {
            Some(team) => self.standing_in_team(actor.who, team).await?,
            None => Standing::None,
        };
        if standing == Standing::Manager { settings.page_rules.may_edit_budget_of_key(body) } else { Ok(()) }
    }

    /// Whether a key may be given to the user and the team of a body.
    async fn may_move(&self, actor: Actor<'_>, asked: &KeyBody, row: &VerificationToken) -> Outcome<()> {
        let who = actor.who;
        if who.is_admin() {
            return Ok(());
        }
        if let Some(user) = &asked.user_id
            && *user != row.user_id
            && user.as_deref() != who.user_id()
        {
            return Err(forbidden("You may not give this key to another user.").into());
        }
        if let Some(team) = &asked.team_id
            && *team != row.team_id
        {
            let fine = match team {
                Some(team) => self.may_on_team(who, team, Act::Generate).await?,
                // Out of its team a key would escape the team's limits.
                None => false,
            };
            if !fine {
                return Err(forbidden("You may not move this key to another team.").into());
            }
        }
        Ok(())
    }

    /// `POST /key/block` and `/key/unblock`.
    ///
    /// # Errors
    /// 404 for an unknown key.
    pub async fn block_key(&self, actor: Actor<'_>, body: &Json, blocked: bool) -> Outcome<Json> {
        let key = required(OneKeyBody::read(body)?.key, "key", body)?;
        let row = self.key_row(&key).await?;
        let patch = KeyPatch { blocked: Some(Some(blocked)), updated_by: Some(actor.name()), ..KeyPatch::default() };
        let action = if blocked { Action::Blocked } else { Action::Unblocked };
        Ok(view::row(&self.write_key(actor, action, &row, patch, (&KeyBody::default(), None)).await?))
    }

    /// Changes a key's row, its soft budget and its object permissions, and gives it back as it is now.
    pub(super) async fn write_key(
        &self,
        actor: Actor<'_>,
        action: Action,
        before: &VerificationToken,
        mut patch: KeyPatch,
        (asked, grants): (&KeyBody, Option<&Asked>),
    ) -> Outcome<VerificationToken> {
        let token = before.token.as_str();
        let mut tx = self.store_or_refuse()?.begin().await?;
        let there = before.object_permission_id.as_deref();
        patch.object_permission_id = self.link_grants(&mut tx, actor, grants, there).await?;
        patch.budget_id = self
            .link_soft_budget(&mut tx, actor, (&asked.budget_id, asked.soft_budget), before.budget_id.as_deref())
            .await?;
        tx.keys().update([token], &patch).await?;
        let after = tx.keys().get_by_hash(token).await?;
        let after = after.ok_or_else(|| not_found("Key not found in database").with_param("key"))?;
        self.audit(tx.table(), actor, action, token, Some(before), Some(&after)).await?;
        tx.commit().await?;
        self.forget_hash(token);
        if asked.soft_budget.is_some() {
            // Others may stand on the same budget.
            self.forget_keys(|_| true);
        }
        Ok(after)
    }

    /// `POST /key/delete`: by keys, hashes or aliases. All or none.
    ///
    /// # Errors
    /// 404 when one of them does not exist, 403 when one is not the caller's.
    pub async fn delete_keys(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let asked = DeleteBody::read(body)?;
        let (names, by_alias) = match (asked.keys.flatten(), asked.key_aliases.flatten()) {
            (Some(keys), _) if !keys.is_empty() => (keys, false),
            (_, Some(aliases)) if !aliases.is_empty() => (aliases, true),
            _ => return Err(bad("Either `keys` or `key_aliases` must be given.").into()),
        };
        let store = self.store_or_refuse()?;
        let rows = if by_alias {
            store.keys().find(Filter::new().any_of("key_alias", names.clone())).await?
        } else {
            let hashes: Vec<String> = names.iter().map(|k| KeyDigest::of_key_or_hash(k).hex()).collect();
            store.keys().get_many(&hashes).await?
        };
        for row in &rows {
            if !self.may_on_key(actor.who, row, Act::Delete).await? {
                return Err(forbidden("You may not delete this key.").into());
            }
        }
        if rows.is_empty() || !by_alias && rows.len() < names.iter().collect::<std::collections::HashSet<_>>().len() {
            return Err(not_found("No keys found").with_param("keys").into());
        }
        let hashes: Vec<String> = rows.iter().map(|row| row.token.clone()).collect();
        let mut tx = store.begin().await?;
        let gone = tx.keys().delete_with_copy(&hashes, &actor.deleted_by()).await?;
        for row in rows.iter().filter(|row| gone.contains(&row.token)) {
            self.audit(tx.table(), actor, Action::Deleted, &row.token, Some(row), None).await?;
        }
        tx.commit().await?;
        gone.iter().for_each(|hash| self.forget_hash(hash));
        let gone: Vec<VerificationToken> = rows.into_iter().filter(|row| gone.contains(&row.token)).collect();
        self.drop_copies(&gone).await;
        Ok(Json::object([("deleted_keys", Json::Array(names.into_iter().map(Json::from).collect()))]))
    }

    /// `POST /key/regenerate` and `/key/{key}/regenerate`: a new secret for the same key. `key` is the one of the path or
    /// the query. With `grace_period` the old secret works for a while.
    ///
    /// # Errors
    /// As [`Accounts::update_key`].
    pub async fn regenerate_key(&self, actor: Actor<'_>, key: Option<&str>, body: &Json) -> Outcome<Json> {
        let empty = Json::Object(Vec::new());
        let body = if body.is_null() { &empty } else { body };
        let asked = KeyBody::read(body)?;
        let key = match key {
            Some(key) => key.to_owned(),
            None => required(asked.key.clone(), "key", body)?,
        };
        let row = self.key_row(&key).await?;
        let patch = self.checked_patch(actor, body, &asked, &row, Act::Regenerate).await?;
        self.no_more_than_row(actor.who, &row).await?;
        let grants = self.key_grants(actor.who, &asked, Some(&row)).await?;
        let secret = self.custom_or_new(asked.new_key.clone().flatten())?;
        let now = Utc::now();
        let grace = match asked.grace_period.clone().flatten().filter(|g| !g.is_empty()) {
            Some(text) => fill::period(&text, "grace_period")?.after(now),
            None => None,
        };
        let given = (&asked, grants.as_ref());
        let stored = Box::pin(self.write_rotation(actor, &row, patch, given, (&secret, grace))).await?;
        self.copy_rotated_key(&row, &stored, &secret).await;
        self.write_about_key(&stored, &secret, Occasion::KeyRotated, false);
        self.with_grants(view::made(&secret, &stored, asked.duration.as_ref().and_then(Option::as_deref))).await
    }
}

/// What a key demands is not for its owner to lift.
fn demands_stay(before: &Json, after: &Json) -> Outcome<()> {
    for list in [GUARDRAILS, POLICIES, ENFORCED] {
        stays(list, &texts(before, list), &texts(after, list))?;
    }
    Ok(())
}

/// Nothing of a list is lost.
pub(crate) fn stays(list: &'static str, before: &[String], after: &[String]) -> Outcome<()> {
    match before.iter().find(|name| !after.contains(name)) {
        Some(lost) => {
            let why = format!("Only proxy admins can take {lost} out of {list}.");
            Err(forbidden(why).with_param(list).into())
        }
        None => Ok(()),
    }
}
