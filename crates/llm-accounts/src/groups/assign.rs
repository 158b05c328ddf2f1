//! Whom a unified access group is given to: their rows name it.

use llm_store::{AccessGroupRow, KeyPatch, StoreTx, TeamPatch, TeamRow};

use crate::Accounts;
use crate::audit::Action;
use crate::keys::{Actor, not_found};
use crate::request::Outcome;

/// Ids that are in the second list and not in the first.
fn more(before: &[String], after: &[String]) -> Vec<String> {
    after.iter().filter(|id| !before.contains(id)).cloned().collect()
}

/// The groups of a row with one more, or without it.
fn changed(groups: &[String], group: &str, given: bool) -> Vec<String> {
    let mut out: Vec<String> = groups.iter().filter(|known| *known != group).cloned().collect();
    if given {
        out.push(group.to_owned());
    }
    out
}

impl Accounts {
    /// Gives a group to those it newly names, and takes it from those it names no more.
    ///
    /// # Errors
    /// 404 for a team or a key that is newly named and does not exist.
    pub(super) async fn assign(
        &self,
        tx: &mut StoreTx,
        actor: Actor<'_>,
        before: Option<&AccessGroupRow>,
        after: Option<&AccessGroupRow>,
    ) -> Outcome<()> {
        let Some(group) = after.or(before).map(|row| row.access_group_id.clone()) else { return Ok(()) };
        let teams = |row: Option<&AccessGroupRow>| row.map(|row| row.assigned_team_ids.clone()).unwrap_or_default();
        let keys = |row: Option<&AccessGroupRow>| row.map(|row| row.assigned_key_ids.clone()).unwrap_or_default();
        for (given, ids) in [(true, more(&teams(before), &teams(after))), (false, more(&teams(after), &teams(before)))]
        {
            let rows = tx.table::<TeamRow>().get_many(&ids).await?;
            if given && let Some(missing) = ids.iter().find(|id| !rows.iter().any(|row| row.team_id == **id)) {
                return Err(not_found(format!("Team not found, passed team_id={missing}"))
                    .with_param("assigned_team_ids")
                    .into());
            }
            for row in rows {
                let groups = changed(&row.access_group_ids, &group, given);
                let patch = TeamPatch { access_group_ids: Some(groups), ..TeamPatch::default() };
                self.write(tx, actor, Action::Updated, &row.team_id, Some(&row), &patch).await?;
            }
        }
        for (given, ids) in [(true, more(&keys(before), &keys(after))), (false, more(&keys(after), &keys(before)))] {
            let rows = tx.keys().get_many(&ids).await?;
            if given && rows.len() < ids.len() {
                return Err(not_found("Key not found in database").with_param("assigned_key_ids").into());
            }
            for row in rows {
                let groups = changed(&row.access_group_ids, &group, given);
                let patch = KeyPatch { access_group_ids: Some(groups), ..KeyPatch::default() };
                self.write(tx, actor, Action::Updated, &row.token, Some(&row), &patch).await?;
            }
        }
        Ok(())
    }
}
