//! Users that stand in the way of others: their id is what another user is called at the identity provider, or the address
//! of one. Groups that name such a member mean the other one. They come from databases of LiteLLM, whose older versions
//! made a user of every member that they did not know.

use std::collections::{BTreeMap, BTreeSet};

use llm_store::{Filter, ListQuery, UserRow, VerificationToken};
use llm_types::{Error, Json, Kind};

use super::fault::Fault;
use crate::Accounts;
use crate::keys::Actor;
use crate::request::Outcome;

/// Users that are read at a time.
const PAGE: u32 = 1000;

/// Ids of users, by what they are called.
type Named<'a> = BTreeMap<String, Vec<&'a str>>;

/// Why somebody can be behind a user.
fn logs_in(row: &UserRow) -> Option<&'static str> {
    let ways = [
        (row.sso_user_id.is_some(), "it has an id at the identity provider"),
        (row.password.is_some(), "it has a password"),
    ];
    ways.into_iter().find_map(|(is, why)| is.then_some(why))
}

impl Accounts {
    /// `GET /scim/v2/placeholders`: users whom nobody can log in as (no id at the provider, no password) and without keys whose id names somebody else, by
    /// that id (as it is written) or by address (in any case).
    ///
    /// # Errors
    /// When the store fails.
    pub async fn scim_placeholders(&self) -> Outcome<Json> {
        let store = self.store_or_refuse()?;
        let named = vec![Filter::new().null("sso_user_id", false), Filter::new().null("user_email", false)];
        let named = Filter::new().one_of(named);
        // Which users an id names, for ids that somebody has.
        let mut found: BTreeMap<String, (UserRow, Vec<String>)> = BTreeMap::new();
        for page in 1.. {
            let query = ListQuery::page(named.clone(), page, PAGE).sorted("user_id", false);
            let people = store.table::<UserRow>().rows(&query).await?;
            let names: Vec<String> = people.iter().flat_map(names).collect();
            let (mut by_id, mut by_email) = (Named::new(), Named::new());
            for person in &people {
                let email = person.user_email.as_deref().map(str::to_lowercase);
                person.sso_user_id.iter().for_each(|id| by_id.entry(id.clone()).or_default().push(&person.user_id));
                email.into_iter().for_each(|email| by_email.entry(email).or_default().push(&person.user_id));
            }
            for row in store.table::<UserRow>().get_many(&names).await? {
                if logs_in(&row).is_some() {
                    continue;
                }
                let found_by = [by_id.get(&row.user_id), by_email.get(&row.user_id.to_lowercase())];
                let meant: BTreeSet<&str> =
                    found_by.into_iter().flatten().flatten().copied().filter(|id| **id != *row.user_id).collect();
                if !meant.is_empty() {
                    let meant = meant.into_iter().map(str::to_owned);
                    found.entry(row.user_id.clone()).or_insert_with(|| (row, Vec::new())).1.extend(meant);
                }
            }
            if people.len() < PAGE as usize {
                break;
            }
        }
        let ids: Vec<String> = found.keys().cloned().collect();
        let keys = store.table::<VerificationToken>().find(Filter::new().any_of("user_id", ids)).await?;
        keys.iter().filter_map(|key| key.user_id.as_ref()).for_each(|user| drop(found.remove(user)));
        let told = found.into_values().map(|(row, meant)| {
            Json::object([
                ("placeholder_user_id", Json::from(row.user_id)),
                ("resolved_user_ids", texts(meant)),
                ("team_ids", texts(row.teams)),
            ])
        });
        Ok(Json::Array(told.collect()))
    }

    /// `POST /scim/v2/placeholders/{user_id}/merge`: the user that the id names enters the teams of this one, which is
    /// deleted. All of it or nothing of the teams; deleting comes last.
    ///
    /// # Errors
    /// 404 for an unknown user; 409 for one that somebody logs in as, that has keys, or that names nobody or several.
    pub async fn merge_placeholder(&self, actor: Actor<'_>, id: &str) -> Outcome<Json> {
        let mut tx = self.store_or_refuse()?.begin().await?;
        let row = tx.table::<UserRow>().get([id]).await?.ok_or_else(|| Fault::missing("User", id))?;
        let own = vec![Filter::new().is("sso_user_id", id.to_owned()), Filter::new().contains("user_email", id)];
        let people = tx.table::<UserRow>().find(Filter::new().one_of(own)).await?;
        let meant: Vec<String> = people
            .into_iter()
            .filter(|person| person.user_id != id && is_named(person, id))
            .map(|person| person.user_id)
            .collect();
        let keys = tx.table::<VerificationToken>().count(&Filter::new().is("user_id", id.to_owned())).await?;
        let refused = |why: String| Err(Error::new(Kind::BadRequest, why).with_status(409).into());
        if let Some(why) = logs_in(&row) {
            return refused(format!("Somebody logs in as '{id}': {why}"));
        }
        if keys > 0 {
            return refused(format!("'{id}' has {keys} virtual keys: move or delete them first"));
        }
        let into = match meant.as_slice() {
            [one] => one.clone(),
            [] => return refused(format!("'{id}' is nobody else's id at the identity provider or address")),
            several => return refused(format!("'{id}' names several users: {}", several.join(", "))),
        };
        for team in &row.teams {
            self.inherit_team(&mut tx, actor, team, (id, &into)).await?;
        }
        self.admin_by_group(&mut tx, actor, std::slice::from_ref(&into)).await?;
        tx.commit().await?;
        self.forget_user(&into);
        self.scim_delete_user(actor, id).await?;
        Ok(Json::object([
            ("placeholder_user_id", Json::from(id)),
            ("merged_into_user_id", Json::from(into)),
            ("team_ids", texts(row.teams)),
        ]))
    }
}

/// Ids that would stand in the way of a user.
fn names(person: &UserRow) -> Vec<String> {
    let email = person.user_email.as_deref().filter(|email| !email.is_empty());
    let small = email.map(str::to_lowercase);
    let mut names: Vec<String> =
        person.sso_user_id.iter().cloned().chain(email.map(str::to_owned)).chain(small).collect();
    names.retain(|name| *name != person.user_id);
    names
}

fn is_named(person: &UserRow, name: &str) -> bool {
    person.sso_user_id.as_deref() == Some(name)
        || person.user_email.as_deref().is_some_and(|email| email.to_lowercase() == name.to_lowercase())
}

fn texts(list: Vec<String>) -> Json {
    Json::Array(list.into_iter().map(Json::from).collect())
}
