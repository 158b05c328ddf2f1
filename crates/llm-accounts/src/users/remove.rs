//! Deleting users.

use llm_store::{Filter, InvitationRow, OrganizationMembershipRow, TeamRow, UserRow};
use llm_types::Json;

use super::body::UserIds;
use crate::Accounts;
use crate::keys::rights::{Place, place};
use crate::keys::{Actor, not_found};
use crate::request::{Outcome, required};
use crate::rights::listing;

impl Accounts {
    /// `POST /user/delete`: users with their keys, memberships and invitations; how many there were. All or none.
    ///
    /// # Errors
    /// 404 when one of them does not exist.
    pub async fn delete_users(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let ids = required(UserIds::read(body)?.user_ids, "user_ids", body)?;
        let mut tx = self.store_or_refuse()?.begin().await?;
        let rows = tx.table::<UserRow>().get_many(&ids).await?;
        if let Some(missing) = ids.iter().find(|id| !rows.iter().any(|row| row.user_id == **id)) {
            return Err(not_found(format!("User not found, passed user_id={missing}")).with_param("user_ids").into());
        }
        let of_them = || Filter::new().any_of("user_id", ids.clone());
        for team in tx.table::<TeamRow>().find(listing(&ids)).await? {
            for row in &rows {
                if place(&team, &row.user_id) != Place::None {
                    let team = self.locked_team(&mut tx, &team.team_id).await?;
                    self.remove_member(&mut tx, actor, &team, &row.user_id).await?;
                }
            }
        }
        let hashes = self.remove_keys(&mut tx, actor, of_them()).await?;
        tx.table::<llm_store::TeamMembershipRow>().delete_where(&of_them()).await?;
        tx.table::<OrganizationMembershipRow>().delete_where(&of_them()).await?;
        tx.table::<InvitationRow>().delete_where(&of_them()).await?;
        // Somebody else may get the id.
        tx.table::<llm_store::McpUserCredentialRow>().delete_where(&of_them()).await?;
        for row in &rows {
            self.erase(&mut tx, actor, &row.user_id, row).await?;
        }
        tx.commit().await?;
        hashes.iter().for_each(|hash| self.forget_hash(hash));
        ids.iter().for_each(|id| self.forget_user(id));
        Ok(Json::from(rows.len() as u64))
    }
}
