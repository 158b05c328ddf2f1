//! Teams: making, changing, reading and deleting them, and their members. Call these on the store's runtime.

mod aliases;
mod available;
mod body;
mod callbacks;
mod change;
mod enter;
mod fill;
mod members;
mod permissions;
mod read;
mod reset;
mod rights;

pub(crate) use aliases::aliases;
pub(crate) use body::{FILES_EXPIRE, OUTPUTS_EXPIRE, SECRET_MANAGER};
pub(crate) use members::people_of;
pub use read::TeamListQuery;

use llm_store::TeamRow;

use crate::Accounts;
use crate::keys::{Actor, forbidden, not_found};
use crate::request::Outcome;
use crate::rights::Standing;

impl Accounts {
    async fn team_row(&self, id: &str) -> Outcome<TeamRow> {
        let row = self.store_or_refuse()?.table::<TeamRow>().get([id]).await?;
        row.ok_or_else(|| not_found(format!("Team not found, passed team_id={id}")).with_param("team_id").into())
    }

    /// A team that the caller may see.
    async fn team_for(&self, actor: Actor<'_>, id: &str) -> Outcome<TeamRow> {
        if actor.who.sees_all() {
            return self.team_row(id).await;
        }
        // Whoever may not see a team does not learn whether there is one.
        let row = self.store_or_refuse()?.table::<TeamRow>().get([id]).await?.ok_or_else(hidden)?;
        let own_key = actor.who.team_id() == Some(id);
        let standing = self.standing_in_team(actor.who, &row).await?;
        if own_key || standing >= Standing::Member { Ok(row) } else { Err(hidden()) }
    }

    /// A team that the caller manages, and as what.
    pub(crate) async fn managed_team(&self, actor: Actor<'_>, id: &str) -> Outcome<(TeamRow, Standing)> {
        if actor.who.is_admin() {
            return Ok((self.team_row(id).await?, Standing::Admin));
        }
        let row = self.store_or_refuse()?.table::<TeamRow>().get([id]).await?.ok_or_else(hidden)?;
        let standing = self.standing_in_team(actor.who, &row).await?;
        if standing >= Standing::Manager { Ok((row, standing)) } else { Err(hidden()) }
    }

    pub(crate) fn forget_team(&self, id: &str) {
        self.forget_keys(|known| known.team_id() == Some(id));
    }
}

fn hidden() -> crate::Problem {
    forbidden("You are not allowed to access this team.").with_param("team_id").into()
}
