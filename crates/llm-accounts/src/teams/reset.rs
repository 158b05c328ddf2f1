//! Members whose spend or budget starts anew, and many keys of a team at once.

use llm_store::{Filter, TeamMembershipPatch, TeamMembershipRow};
use llm_types::Json;

use super::fill::MEMBER_BUDGET;
use crate::Accounts;
use crate::audit::Action;
use crate::budgets::not_negative;
use crate::journal::member;
use crate::keys::{Actor, bad, not_found};
use crate::purse::{Owner, nanos};
use crate::request::{Map, Outcome, body, required};

body! {
    /// `/team/{team_id}/member/{user_id}/reset_spend`.
    struct ResetBody {
        reset_to: f64,
    }
}

body! {
    /// `/team/key/bulk_update`.
    struct KeysBody {
        team_id: String,
        key_ids: Vec<String>,
        all_keys_in_team: bool,
        update_fields: Map,
    }
}

impl Accounts {
    /// `POST /team/{team_id}/member/{user_id}/reset_spend`: the member has spent so much and no more.
    ///
    /// # Errors
    /// 403 unless the caller manages the team, 404 for somebody who is no member, 400 for more than was spent.
    pub async fn reset_member_spend(&self, actor: Actor<'_>, team: &str, user: &str, body: &Json) -> Outcome<Json> {
        let to = required(ResetBody::read(body)?.reset_to, "reset_to", body)?;
        not_negative("reset_to", Some(Some(to)))?;
        self.managed_team(actor, team).await?;
        // What is still on its way must not come on top of the new figure.
        self.inner().flush().await?;
        let mut tx = self.store_or_refuse()?.begin().await?;
        let row = tx.table::<TeamMembershipRow>().get([user, team]).await?.ok_or_else(|| no_member(user, team))?;
        if to > row.spend {
            let why = format!("reset_to ({to}) must not be above the current spend ({}).", row.spend);
            return Err(bad(why).with_param("reset_to").into());
        }
        let patch = TeamMembershipPatch { spend: Some(to), ..TeamMembershipPatch::default() };
        tx.table::<TeamMembershipRow>().update([user, team], &patch).await?;
        let after = TeamMembershipRow { spend: to, ..row.clone() };
        self.audit(tx.table(), actor, Action::Updated, user, Some(&row), Some(&after)).await?;
        tx.commit().await?;
        if let Some(purse) = self.inner().purses.known(Owner::Member, &member(team, user)) {
            purse.learn(nanos(to), true);
        }
        self.forget_user(user);
        Ok(Json::object([
            ("team_id", Json::from(team)),
            ("user_id", Json::from(user)),
            ("spend", Json::from(to)),
            ("previous_spend", Json::from(row.spend)),
        ]))
    }

    /// `POST /team/{team_id}/member/{user_id}/reset_budget`: the member has the team's default budget again, or none.
    ///
    /// # Errors
    /// As [`Accounts::reset_member_spend`].
    pub async fn reset_member_budget(&self, actor: Actor<'_>, team: &str, user: &str) -> Outcome<Json> {
        let (row, _) = self.managed_team(actor, team).await?;
        let metadata: Json = row.metadata.read().unwrap_or_default();
        let default = metadata.text(MEMBER_BUDGET).map(str::to_owned);
        let mut tx = self.store_or_refuse()?.begin().await?;
        let before = tx.table::<TeamMembershipRow>().get([user, team]).await?.ok_or_else(|| no_member(user, team))?;
        let patch = TeamMembershipPatch { budget_id: Some(default.clone()), ..TeamMembershipPatch::default() };
        tx.table::<TeamMembershipRow>().update([user, team], &patch).await?;
        let after = TeamMembershipRow { budget_id: default.clone(), ..before.clone() };
        self.audit(tx.table(), actor, Action::Updated, user, Some(&before), Some(&after)).await?;
        tx.commit().await?;
        self.forget_user(user);
        Ok(Json::object([
            ("team_id", Json::from(team)),
            ("user_id", Json::from(user)),
            ("budget_id", Json::from(default.as_deref())),
            ("previous_budget_id", Json::from(before.budget_id)),
            ("budget_source", Json::from(if default.is_some() { "team_default" } else { "none" })),
        ]))
    }

    /// `POST /team/key/bulk_update`: one change for the keys of a team, each for itself.
    ///
    /// # Errors
    /// 403 unless the caller manages the team; 400 when no key is named, or one of another team.
    pub async fn bulk_update_team_keys(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let asked = KeysBody::read(body)?;
        let team = required(asked.team_id, "team_id", body)?;
        let Map(fields) = required(asked.update_fields, "update_fields", body)?;
        self.managed_team(actor, &team).await?;
        let of_team = self.store_or_refuse()?.keys().find(Filter::new().is("team_id", team.clone())).await?;
        let of_team: Vec<String> = of_team.into_iter().map(|key| key.token).collect();
        let keys = if asked.all_keys_in_team.flatten() == Some(true) {
            of_team
        } else {
            let named = asked.key_ids.flatten().unwrap_or_default();
            let hashes: Vec<String> = named.iter().map(|key| crate::KeyDigest::of_key_or_hash(key).hex()).collect();
            if hashes.iter().any(|hash| !of_team.contains(hash)) {
                return Err(bad("A key is not one of the team's").with_param("key_ids").into());
            }
            hashes
        };
        if keys.is_empty() {
            return Err(bad("Name keys in `key_ids`, or set `all_keys_in_team`.").with_param("key_ids").into());
        }
        let change = |key: String| {
            let mut change = fields.clone();
            change.set("key", key);
            change
        };
        let changes = Json::Array(keys.into_iter().map(change).collect());
        self.bulk_update_keys(actor, &Json::object([("keys", changes)])).await
    }
}

fn no_member(user: &str, team: &str) -> crate::Problem {
    not_found(format!("User {user} is not a member of the team {team}")).with_param("user_id").into()
}
