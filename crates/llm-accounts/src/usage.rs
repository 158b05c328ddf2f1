//! Whose daily usage a caller may read.

use llm_store::{DailyFilter, DailyScope, DeletedTokenRow, Filter, TeamRow, UserRow, VerificationToken};

use crate::keys::forbidden;
use crate::keys::rights::{Place, place};
use crate::{Accounts, Identity, Outcome};

impl Accounts {
    /// Narrows a question about a rollup to what the caller may see; none when no row can be the caller's. Call it on the
    /// store's runtime.
    ///
    /// # Errors
    /// 403 for entities that are not the caller's.
    pub async fn visible_usage(
        &self,
        who: &Identity,
        scope: DailyScope,
        filter: DailyFilter,
    ) -> Outcome<Option<DailyFilter>> {
        if who.sees_all() {
            return Ok(Some(filter));
        }
        let own = who.user_id().ok_or_else(|| forbidden("A key without a user has no usage of its own."))?;
        match scope {
            DailyScope::User => among(vec![own.to_owned()], filter),
            DailyScope::Team => self.usage_of_teams(own, filter).await,
            // Organizations are seen by those who manage them.
            DailyScope::Organization => among(self.administered(who).await?, filter),
            DailyScope::Tag => self.usage_of_keys(own, filter).await,
            DailyScope::EndUser | DailyScope::Agent | DailyScope::Global => {
                Err(forbidden("Only administrators may see this usage.").into())
            }
        }
    }

    /// Narrows a question about keys to those of the caller. Call it on the store's runtime.
    ///
    /// # Errors
    /// 403 for keys that are not the caller's.
    pub async fn visible_keys(&self, who: &Identity, filter: DailyFilter) -> Outcome<Option<DailyFilter>> {
        if who.sees_all() {
            return Ok(Some(filter));
        }
        let own = who.user_id().ok_or_else(|| forbidden("A key without a user has no usage of its own."))?;
        let asked = filter.api_keys.clone();
        let narrowed = self.usage_of_keys(own, filter).await?;
        let seen = |key: &String| narrowed.as_ref().is_some_and(|filter| filter.api_keys.contains(key));
        if !asked.iter().all(seen) {
            return Err(forbidden("You do not have access to this key").into());
        }
        Ok(narrowed)
    }

    /// A team's administrator sees all of it, its other members what their own keys used.
    async fn usage_of_teams(&self, own: &str, filter: DailyFilter) -> Outcome<Option<DailyFilter>> {
        let store = self.store_or_refuse()?;
        let asked = if filter.entities.is_empty() {
            store.table::<UserRow>().get([own]).await?.map(|user| user.teams).unwrap_or_default()
        } else {
            filter.entities.clone()
        };
        let rows = store.table::<TeamRow>().get_many(&asked).await?;
        let places: Vec<(&str, Place)> = rows.iter().map(|team| (team.team_id.as_str(), place(team, own))).collect();
        let named = !filter.entities.is_empty();
        if named && asked.iter().any(|id| !places.iter().any(|(team, p)| team == id && *p != Place::None)) {
            return Err(forbidden("You are not a member of every one of these teams.").into());
        }
        let teams: Vec<String> =
            places.iter().filter(|(_, p)| *p != Place::None).map(|(team, _)| (*team).to_owned()).collect();
        if teams.is_empty() {
            return Ok(None);
        }
        let all = places.iter().filter(|(_, p)| *p != Place::None).all(|(_, p)| *p == Place::Admin);
        let filter = DailyFilter { entities: teams, ..filter };
        if all { Ok(Some(filter)) } else { self.usage_of_keys(own, filter).await }
    }

    /// What the user's keys used, those that are deleted included.
    async fn usage_of_keys(&self, own: &str, filter: DailyFilter) -> Outcome<Option<DailyFilter>> {
        let store = self.store_or_refuse()?;
        let of_user = || Filter::new().is("user_id", own.to_owned());
        let keys = store.table::<VerificationToken>().find(of_user()).await?;
        let deleted = store.table::<DeletedTokenRow>().find(of_user()).await?;
        let keys = keys.into_iter().map(|key| key.token).chain(deleted.into_iter().map(|key| key.token));
        let asked = &filter.api_keys;
        let api_keys: Vec<String> = keys.filter(|key| asked.is_empty() || asked.contains(key)).collect();
        Ok((!api_keys.is_empty()).then_some(DailyFilter { api_keys, ..filter }))
    }
}

/// The entities asked for, all of which must be among `allowed`; all of these when none were named.
fn among(allowed: Vec<String>, filter: DailyFilter) -> Outcome<Option<DailyFilter>> {
    if filter.entities.iter().any(|id| !allowed.contains(id)) {
        return Err(forbidden("You are not allowed to see the usage of others.").into());
    }
    let entities = if filter.entities.is_empty() { allowed } else { filter.entities };
    Ok((!entities.is_empty()).then_some(DailyFilter { entities, ..filter }))
}
