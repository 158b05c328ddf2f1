//! Which routes of keys the plain members of a team may call on its keys.

use llm_store::{Filter, TeamPatch, TeamRow};
use llm_types::Json;

use super::body::PermissionsBody;
use crate::Accounts;
use crate::audit::Action;
use crate::keys::rights::MEMBER_ROUTES;
use crate::keys::{Actor, bad, view};
use crate::request::{Outcome, required};

impl Accounts {
    /// `GET /team/permissions_list`.
    ///
    /// # Errors
    /// 403 unless the caller manages the team.
    pub async fn team_permissions(&self, actor: Actor<'_>, id: &str) -> Outcome<Json> {
        let row = if actor.who.sees_all() { self.team_row(id).await? } else { self.managed_team(actor, id).await?.0 };
        let list = |routes: &mut dyn Iterator<Item = &str>| Json::Array(routes.map(Json::from).collect());
        Ok(Json::object([
            ("team_id", Json::from(id)),
            ("team_member_permissions", list(&mut row.team_member_permissions.iter().map(String::as_str))),
            ("all_available_permissions", list(&mut MEMBER_ROUTES.iter().copied())),
        ]))
    }

    /// `POST /team/permissions_update`.
    ///
    /// # Errors
    /// 403 unless the caller manages the team, 400 for a route that cannot be given.
    pub async fn update_team_permissions(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let asked = PermissionsBody::read(body)?;
        let id = required(asked.team_id, "team_id", body)?;
        let routes = required(asked.team_member_permissions, "team_member_permissions", body)?;
        known(&routes)?;
        let (row, _) = self.managed_team(actor, &id).await?;
        let patch = TeamPatch { team_member_permissions: Some(routes), ..TeamPatch::default() };
        Ok(view::row(&self.write_team(actor, Action::Updated, &row, &patch).await?))
    }

    /// `POST /team/permissions_bulk_update`: adds routes in many teams.
    ///
    /// # Errors
    /// 400 for a route that cannot be given and when no team is named.
    pub async fn add_permissions(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let asked = PermissionsBody::read(body)?;
        let routes = required(asked.permissions, "permissions", body)?;
        known(&routes)?;
        let filter = match (asked.team_ids.flatten(), asked.apply_to_all_teams.flatten()) {
            (Some(ids), _) if !ids.is_empty() => Filter::new().any_of("team_id", ids),
            (_, Some(true)) => Filter::new(),
            _ => {
                return Err(bad("Name teams in `team_ids` or set `apply_to_all_teams`.").with_param("team_ids").into());
            }
        };
        let mut tx = self.store_or_refuse()?.begin().await?;
        let mut updated = 0_u64;
        for team in tx.table::<TeamRow>().find(filter).await? {
            let mut all = team.team_member_permissions.clone();
            all.extend(routes.iter().filter(|route| !team.team_member_permissions.contains(route)).cloned());
            if all.len() > team.team_member_permissions.len() {
                let patch = TeamPatch { team_member_permissions: Some(all), ..TeamPatch::default() };
                self.write(&mut tx, actor, Action::Updated, &team.team_id, Some(&team), &patch).await?;
                updated += 1;
            }
        }
        tx.commit().await?;
        Ok(Json::object([
            ("message", Json::from(format!("Updated permissions of {updated} teams"))),
            ("teams_updated", Json::from(updated)),
            ("permissions_appended", Json::Array(routes.into_iter().map(Json::from).collect())),
        ]))
    }
}

fn known(routes: &[String]) -> Outcome<()> {
    match routes.iter().find(|route| !MEMBER_ROUTES.contains(&route.as_str())) {
        Some(route) => Err(bad(format!("`{route}` is no permission of members")).with_param("permissions").into()),
        None => Ok(()),
    }
}
