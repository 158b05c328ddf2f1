//! Tools that single teams and keys may not call.

use chrono::Utc;
use llm_store::{Filter, KeyPatch, ObjectPermissionRow, StoreTx, TeamPatch, TeamRow, VerificationToken};
use llm_types::Json;

use super::BLOCKED;
use crate::Accounts;
use crate::audit::Action;
use crate::grants;
use crate::keys::{Actor, bad, not_found};
use crate::request::{Map, Outcome};

/// Whose a row of permissions is.
enum Owner {
    Team(Box<TeamRow>),
    Key(Box<VerificationToken>),
}

impl Owner {
    fn permission(&self) -> Option<&String> {
        match self {
            Self::Team(row) => row.object_permission_id.as_ref(),
            Self::Key(row) => row.object_permission_id.as_ref(),
        }
    }
}

impl Accounts {
    /// `GET /v1/tool/{tool_name}/detail`: the tool, and the keys and teams that may not call it.
    ///
    /// # Errors
    /// 404 for a tool that nobody called yet.
    pub async fn tool_detail(&self, name: &str) -> Outcome<Json> {
        let tool = self.tool(name).await?;
        let store = self.store_or_refuse()?;
        let rows = store.table::<ObjectPermissionRow>().find(Filter::new().list_has("blocked_tools", name)).await?;
        let ids: Vec<String> = rows.into_iter().map(|row| row.object_permission_id).collect();
        let of = || Filter::new().any_of("object_permission_id", ids.clone());
        let one = |id: Option<&String>, team: Option<&str>, key: Option<&str>, alias: Option<&str>| {
            Json::object([
                ("override_id", Json::from(id.map(String::as_str))),
                ("tool_name", Json::from(name)),
                ("team_id", Json::from(team)),
                ("key_hash", Json::from(key)),
                ("input_policy", Json::from(BLOCKED)),
                ("key_alias", Json::from(alias)),
                ("created_at", Json::Null),
                ("updated_at", Json::Null),
            ])
        };
        let keys = store.table::<VerificationToken>().find(of()).await?;
        let keys =
            keys.iter().map(|k| one(k.object_permission_id.as_ref(), None, Some(&k.token), k.key_alias.as_deref()));
        let teams = store.table::<TeamRow>().find(of()).await?;
        let teams =
            teams.iter().map(|t| one(t.object_permission_id.as_ref(), Some(&t.team_id), None, t.team_alias.as_deref()));
        Ok(Json::object([("tool", tool), ("overrides", Json::Array(keys.chain(teams).collect()))]))
    }

    /// `DELETE /v1/tool/{tool_name}/overrides`.
    ///
    /// # Errors
    /// 400 without a team or a key or with both, 404 for one that is not there or may call the tool anyway.
    pub async fn delete_tool_override(
        &self,
        actor: Actor<'_>,
        name: &str,
        whose: (Option<&str>, Option<&str>),
    ) -> Outcome<Json> {
        if whose == (None, None) {
            let why = "At least one of team_id or key_hash is required to identify the override";
            return Err(bad(why).into());
        }
        if !self.override_tool(actor, name, whose, false).await? {
            return Err(not_found(format!("No override found for tool '{name}' with the given scope")).into());
        }
        Ok(Json::object([("deleted", Json::from(true)), ("tool_name", Json::from(name))]))
    }

    /// Blocks a tool for a team or a key, or no longer; false when it was so before.
    pub(super) async fn override_tool(
        &self,
        actor: Actor<'_>,
        name: &str,
        whose: (Option<&str>, Option<&str>),
        block: bool,
    ) -> Outcome<bool> {
        let mut tx = self.store_or_refuse()?.begin().await?;
        let owner = self.owner_of_override(&mut tx, whose).await?;
        let linked = owner.permission().map(String::as_str);
        let there = match linked {
            Some(id) => tx.table::<ObjectPermissionRow>().get([id]).await?.map(|row| row.blocked_tools),
            None => None,
        };
        let there = there.unwrap_or_default();
        if there.iter().any(|tool| tool == name) == block {
            return Ok(false);
        }
        let kept = there.iter().filter(|tool| *tool != name).map(String::as_str).chain(block.then_some(name));
        let list = Json::Array(kept.map(Json::from).collect());
        let asked = grants::asked(&Some(Some(Map(Json::object([("blocked_tools", list)])))))?;
        let id = self.link_grants(&mut tx, actor, asked.as_ref(), linked).await?;
        match &owner {
            Owner::Team(row) => {
                let patch = TeamPatch { object_permission_id: id, ..TeamPatch::default() };
                self.write(&mut tx, actor, Action::Updated, &row.team_id, Some(&**row), &patch).await?;
            }
            Owner::Key(row) => {
                let patch = KeyPatch { object_permission_id: id, ..KeyPatch::default() };
                self.write(&mut tx, actor, Action::Updated, &row.token, Some(&**row), &patch).await?;
            }
        }
        tx.commit().await?;
        match &owner {
            Owner::Team(row) => self.forget_team(&row.team_id),
            Owner::Key(row) => self.forget_hash(&row.token),
        }
        Ok(true)
    }

    /// Whose block it is. The row is written first: whoever else blocks a tool for them waits for it, so that no two lists undo
    /// each other.
    async fn owner_of_override(&self, tx: &mut StoreTx, whose: (Option<&str>, Option<&str>)) -> Outcome<Owner> {
        let missing = || not_found("Key or team not found for the given identifier");
        let now = Utc::now();
        match whose {
            (Some(_), Some(_)) => Err(bad("Provide either team_id or key_hash, not both").into()),
            (Some(team), None) => {
                let id = team.trim();
                let touch = TeamPatch { updated_at: Some(now), ..TeamPatch::default() };
                tx.table::<TeamRow>().update([id], &touch).await?;
                let row = tx.table::<TeamRow>().get([id]).await?;
                Ok(Owner::Team(Box::new(row.ok_or_else(missing)?)))
            }
            (None, key) => {
                let hash = crate::KeyDigest::of_key_or_hash(key.unwrap_or_default()).hex();
                let touch = KeyPatch { updated_at: Some(Some(now)), ..KeyPatch::default() };
                tx.keys().update([hash.as_str()], &touch).await?;
                let row = tx.keys().get_by_hash(&hash).await?;
                Ok(Owner::Key(Box::new(row.ok_or_else(missing)?)))
            }
        }
    }
}
