//! Object permissions of keys: no more than their maker has.

use llm_store::{TeamRow, VerificationToken};

use super::body::KeyBody;
use crate::grants::{Asked, Reach, asked as read};
use crate::request::Outcome;
use crate::{Accounts, Identity};

impl Accounts {
    /// What is to be written as the object permissions of a key: a new one, or `row` with changes. Nothing: they stay.
    ///
    /// # Errors
    /// 422 for fields of a wrong type, 403 for more than the caller has.
    pub(super) async fn key_grants(
        &self,
        by: &Identity,
        asked: &KeyBody,
        row: Option<&VerificationToken>,
    ) -> Outcome<Option<Asked>> {
        let given = read(&asked.object_permission)?;
        if by.is_admin() || given.is_none() && row.is_some() {
            return Ok(given);
        }
        let team = asked.team_id.clone().unwrap_or_else(|| row.and_then(|row| row.team_id.clone()));
        let there = self.grants_of(row.and_then(|row| row.object_permission_id.as_ref())).await?;
        let giver = self.giver(by, team.as_deref()).await?;
        Reach { there: there.as_ref(), ..giver.reach(by) }.within(given.as_ref(), row.is_none())
    }

    /// Whether all that a key may use is within what the caller may.
    ///
    /// # Errors
    /// 403 when it is not.
    pub(super) async fn grants_within(&self, by: &Identity, row: &VerificationToken) -> Outcome<()> {
        let there = self.grants_of(row.object_permission_id.as_ref()).await?.unwrap_or_default();
        let giver = self.giver(by, row.team_id.as_deref()).await?;
        giver.reach(by).within(Some(&Asked::whole(&there)), false).map(drop)
    }

    async fn giver(&self, by: &Identity, team: Option<&str>) -> Outcome<Giver> {
        let team = match team {
            Some(id) => self.store_or_refuse()?.table::<TeamRow>().get([id]).await?,
            None => None,
        };
        let organization = team.as_ref().and_then(|team| team.organization_id.as_ref());
        let organization = match organization {
            Some(id) => self.organization_grants(id).await?,
            None => by.grants().organization.as_deref().cloned(),
        };
        let team = self.grants_of(team.as_ref().and_then(|team| team.object_permission_id.as_ref())).await?;
        Ok(Giver { sources: [team, by.grants().user.as_deref().cloned(), organization] })
    }
}

/// What somebody who makes keys may pass on.
struct Giver {
    sources: [Option<llm_store::ObjectPermissionRow>; 3],
}

impl Giver {
    fn reach<'r>(&'r self, by: &'r Identity) -> Reach<'r> {
        let own = by.grants();
        Reach {
            limits: [&own.key, &own.user].into_iter().filter_map(|row| row.as_deref()).collect(),
            sources: self.sources.iter().flatten().collect(),
            ..Reach::default()
        }
    }
}
