//! From what somebody is said to be to an identity: the rows of user, teams and organization, with their budgets and limits.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use llm_store::{Filter, OrganizationRow, Store, TeamRow, UserRow, VerificationToken};
use llm_types::{Error, Result};

use super::refused::forbidden;
use super::said::Said;
use crate::accounts::Inner;
use crate::identity::Rank;
use crate::load::Rows;
use crate::together::Together;
use crate::{Accounts, Identity, KeyDigest, Role, refusal};

/// Teams of one caller that are looked at.
const MOST_TEAMS: usize = 100;

/// The rows that a caller is said to stand on.
#[derive(Debug, Default)]
pub(super) struct Whereabouts {
    pub(super) user: Option<UserRow>,
    pub(super) teams: Vec<TeamRow>,
    pub(super) organization: Option<String>,
}

impl Accounts {
    /// Finds, and makes where that is wanted, the rows of a caller.
    ///
    /// # Errors
    /// 403 for teams and organizations that are not there; 503 when the store fails.
    pub(super) async fn whereabouts(&self, store: &Store, said: &Said) -> Result<Whereabouts> {
        let mut user = match self.user_said(said).await? {
            Some(user) => Some(user),
            None => Box::pin(self.make_user(said)).await?,
        };
        let teams = self.teams_said(store, said, user.as_ref()).await?;
        let organization = organization_said(store, said).await?;
        if let Some(row) = &user
            && self.follow_provider(said, row, &teams).await?
        {
            user = store.table::<UserRow>().get([row.user_id.as_str()]).await.map_err(|e| refusal::store(&e))?;
        }
        Ok(Whereabouts { user, teams, organization })
    }

    async fn teams_said(&self, store: &Store, said: &Said, user: Option<&UserRow>) -> Result<Vec<TeamRow>> {
        let failed = |error| refusal::store(&error);
        let wanted = &said.teams;
        let mut ids: Vec<String> = wanted.ids.clone();
        for alias in &wanted.aliases {
            let filter = Filter::new().is("team_alias", alias.clone());
            let found = store.table::<TeamRow>().find(filter).await.map_err(failed)?;
            match <[TeamRow; 1]>::try_from(found) {
                Ok([team]) => ids.push(team.team_id),
                Err(_) => return Err(forbidden(format!("No team, or more than one, has the name {alias}"))),
            }
        }
        ids.truncate(MOST_TEAMS);
        let mut teams = self.existing_teams(store, &ids, said).await?;
        let claimed = !ids.is_empty();
        if teams.is_empty() && (!claimed || wanted.lenient) {
            let mut more = Vec::new();
            if wanted.or_of_database {
                more.extend(user.map(|user| user.teams.clone()).unwrap_or_default());
            }
            if more.is_empty() {
                more.extend(wanted.default.clone());
            }
            more.truncate(MOST_TEAMS);
            teams = self.existing_teams(store, &more, said).await?;
        }
        // A default team carries the limits of everybody without another: without it nobody is let in.
        if teams.is_empty() && (claimed || wanted.needed || wanted.default.is_some()) {
            return Err(forbidden("No team of the caller exists here, and one is needed"));
        }
        Ok(teams)
    }

    /// The teams that are there, in the order of their ids.
    async fn existing_teams(&self, store: &Store, ids: &[String], said: &Said) -> Result<Vec<TeamRow>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut found = store.table::<TeamRow>().get_many(ids).await.map_err(|error| refusal::store(&error))?;
        let mut out = Vec::new();
        for id in ids {
            let row = match found.iter().position(|row| row.team_id == *id) {
                Some(at) => Some(found.swap_remove(at)),
                None if said.makes_team => self.make_team(id).await?,
                None => None,
            };
            match row {
                Some(row) => out.push(row),
                None if said.teams.lenient => {}
                None => return Err(forbidden(format!("The team {id} does not exist here"))),
            }
        }
        Ok(out)
    }

    /// The identity of a caller.
    ///
    /// # Errors
    /// 403 for somebody who has no place here; 503 when the store fails.
    pub(super) async fn person(&self, said: &Said, digest: KeyDigest) -> Result<Arc<Identity>> {
        let inner = self.inner();
        let Some(store) = &inner.store else { return Err(refusal::no_database()) };
        let places = self.whereabouts(store, said).await?;
        let epoch = inner.journal.epoch();
        let mut made = Vec::new();
        let _permit = inner.lookups.acquire().await.map_err(|_| refusal::no_database())?;
        // With several teams the first one twice: as itself, and as the head of all.
        let head = places.teams.first().filter(|_| places.teams.len() > 1);
        for team in head.into_iter().chain(&places.teams) {
            made.push(rows(store, said, &places, Some(&team.team_id)).await?);
        }
        // Beside the teams, for routes on which nobody acts for one: whoever has a name of their own.
        let alone = places.teams.is_empty() || said.user_id.is_some() || places.user.is_some();
        if alone {
            made.push(rows(store, said, &places, None).await?);
        }
        let clean = inner.journal.quiet_since(epoch);
        let mut all: Vec<Identity> = made.into_iter().map(|rows| identity(inner, said, rows, digest, clean)).collect();
        let alone = if alone { all.pop() } else { None };
        let mut all = all.into_iter();
        let Some(mut head) = all.next() else {
            return alone.map(Arc::new).ok_or_else(|| Error::internal("a caller without an identity"));
        };
        let others = all.map(Arc::new).collect();
        let routes = said.team_routes.clone();
        head.together = Some(Box::new(Together { others, alone: alone.map(Arc::new), routes }));
        Ok(Arc::new(head))
    }
}

async fn organization_said(store: &Store, said: &Said) -> Result<Option<String>> {
    let failed = |error| refusal::store(&error);
    let mut found = match (&said.organization, &said.organization_alias) {
        (Some(id), _) => {
            store.table::<OrganizationRow>().get([id.as_str()]).await.map_err(failed)?.into_iter().collect::<Vec<_>>()
        }
        (None, Some(alias)) => {
            let filter = Filter::new().is("organization_alias", alias.clone());
            store.table::<OrganizationRow>().find(filter).await.map_err(failed)?
        }
        (None, None) => return Ok(None),
    };
    match (found.pop(), found.is_empty()) {
        (Some(row), true) => Ok(Some(row.organization_id)),
        _ => Err(forbidden("The organization of the caller does not exist here")),
    }
}

/// The rows below a key that stands for what was said: none is written.
async fn rows(store: &Store, said: &Said, places: &Whereabouts, team: Option<&str>) -> Result<Rows> {
    let key = VerificationToken {
        token: said.log_name.clone().unwrap_or_default(),
        key_name: Some("token".to_owned()),
        user_id: places.user.as_ref().map(|row| row.user_id.clone()).or_else(|| said.user_id.clone()),
        team_id: team.map(str::to_owned),
        organization_id: places.organization.clone(),
        agent_id: said.agent.clone(),
        expires: said.expires,
        ..VerificationToken::default()
    };
    Rows::below(store, key).await.map(Rows::keyless).map_err(|error| refusal::store(&error))
}

fn identity(inner: &Inner, said: &Said, rows: Rows, digest: KeyDigest, clean: bool) -> Identity {
    let mut who = rows.identity(inner, digest, clean);
    who.rank = Rank::Token;
    let default = match (who.user_id(), who.team_id()) {
        (Some(_), _) => Some(Role::InternalUser),
        (None, Some(_)) => Some(Role::Team),
        (None, None) => None,
    };
    who.role = said.role.or(who.role).or(default);
    if said.log_name.is_none() {
        who.caller.key_hash = None;
    }
    who.caller.key_alias = said.alias.as_deref().map(Arc::from);
    if who.caller.user_email.is_none() {
        who.caller.user_email = said.email.as_deref().map(Arc::from);
    }
    who.caller.end_user = said.end_user.as_deref().map(Arc::from);
    for fence in &said.fences {
        who.fence(fence.models.clone(), fence.routes.clone());
    }
    // A token of a team alone does what teams may.
    if who.role == Some(Role::Team) && !said.team_routes.is_empty() {
        who.fence(crate::ModelList::new(&[]), said.team_routes.clone());
    }
    who.fresh.used.store(who.fresh.loaded, Ordering::Relaxed);
    who
}
