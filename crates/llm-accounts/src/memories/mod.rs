//! Texts that people and teams keep under keys (`/v1/memory`): who sees them, who may change them. They are what callers
//! keep, not how the gateway is set: the trail of changes does not have them. Call these on the store's runtime.

use llm_store::{Filter, ListQuery, MemoryPatch, MemoryRow, StoreError, TeamRow};
use llm_types::{Error, Json, Kind, RawJson};

use crate::Accounts;
use crate::identity::Identity;
use crate::keys::{bad, forbidden, not_found, view};
use crate::request::{Given, Outcome, body, required};
use crate::rights::Standing;

body! {
    /// `POST /v1/memory`, `PUT /v1/memory/{key}`. `metadata` is any JSON.
    struct MemoryBody {
        key: String,
        value: String,
        metadata: Json,
        user_id: String,
        team_id: String,
    }
}

/// What `GET /v1/memory` asks for.
#[derive(Debug, Clone, Default)]
pub struct MemoryQuery {
    /// The key.
    pub key: Option<String>,
    /// What keys begin with; counts before `key`.
    pub key_prefix: Option<String>,
    /// What keys begin with, or an id; counts before both.
    pub search: Option<String>,
    /// Page, from 1.
    pub page: u32,
    /// Entries on a page.
    pub size: u32,
}

impl MemoryQuery {
    fn filter(&self) -> Filter {
        let filter = Filter::new();
        match (&self.search, &self.key_prefix, &self.key) {
            (Some(search), ..) => filter.one_of(vec![
                Filter::new().starts("key", search.as_str()),
                Filter::new().is("memory_id", search.clone()),
            ]),
            (_, Some(prefix), _) => filter.starts("key", prefix.as_str()),
            (_, _, key) => filter.maybe("key", key.clone()),
        }
    }
}

/// Whose entries a caller's are: user and team. All sessions stand under one team that is none.
fn owner(who: &Identity) -> [(&'static str, Option<&str>); 2] {
    [("user_id", who.user_id()), ("team_id", who.team_id().filter(|_| !who.is_session()))]
}

/// What a caller sees: their own and their team's, or everything.
fn visible(who: &Identity, filter: Filter) -> Filter {
    if who.sees_all() {
        return filter;
    }
    let own = owner(who).into_iter().filter_map(|(column, id)| Some(Filter::new().is(column, id?.to_owned())));
    filter.one_of(own.collect())
}

/// Whose a new entry is. Administrators give it to anybody.
fn scope(who: &Identity, asked: &MemoryBody) -> Outcome<[Option<String>; 2]> {
    let asked = [asked.user_id.clone().flatten(), asked.team_id.clone().flatten()];
    let own = owner(who);
    if who.is_admin() {
        let [user, team] = asked;
        let [(_, own_user), (_, own_team)] = own;
        return Ok([user.or_else(|| own_user.map(str::to_owned)), team.or_else(|| own_team.map(str::to_owned))]);
    }
    for ((field, own), asked) in own.iter().zip(&asked) {
        if asked.is_some() && asked.as_deref() != *own {
            return Err(forbidden(format!("Only proxy admins may set {field} to another one."))
                .with_param(*field)
                .into());
        }
    }
    if own.iter().all(|(_, id)| id.is_none()) {
        let why = "A memory entry belongs to a user or a team: call with a key that has one, or as a proxy admin.";
        return Err(bad(why).into());
    }
    Ok(own.map(|(_, id)| id.map(str::to_owned)))
}

fn raw(metadata: &Given<Json>) -> Option<RawJson> {
    metadata.as_ref().and_then(Option::as_ref).map(Json::to_raw)
}

fn taken(key: &str) -> Error {
    Error::new(Kind::Conflict, format!("Memory with key '{key}' already exists.")).with_param("key")
}

fn missing(key: &str) -> Error {
    not_found(format!("Memory with key '{key}' not found")).with_param("key")
}

impl Accounts {
    /// `POST /v1/memory`: a new entry. Keys are unique among all callers, as LiteLLM's table has it.
    ///
    /// # Errors
    /// 409 for a key that exists, whoever has it; 403 for somebody else's user or team; 400 for callers of neither; 422.
    pub async fn new_memory(&self, who: &Identity, body: &Json) -> Outcome<Json> {
        let asked = MemoryBody::read(body)?;
        let key = required(asked.key.clone(), "key", body)?;
        let value = required(asked.value.clone(), "value", body)?;
        match self.insert_memory(who, &key, value, &asked).await? {
            Some(row) => Ok(view::row(&row)),
            None => Err(taken(&key).into()),
        }
    }

    /// `PUT /v1/memory/{key}`: changes what is given of the entry that the caller sees under this key, or makes one.
    ///
    /// # Errors
    /// 403 for an entry that the caller sees and may not change, 409 for one that the caller does not see, 400 for a body
    /// that says nothing and for a new entry without a value.
    pub async fn set_memory(&self, who: &Identity, key: &str, body: &Json) -> Outcome<Json> {
        let asked = MemoryBody::read(body)?;
        let value = asked.value.clone().flatten();
        if value.is_none() && asked.metadata.is_none() {
            return Err(bad("Request body must include at least one of: value, metadata.").into());
        }
        let mut known = self.seen_memory(who, key).await?;
        if known.is_none() {
            let Some(value) = value.clone() else {
                return Err(bad("Cannot create a new memory via PUT without a 'value'.").with_param("value").into());
            };
            if let Some(row) = self.insert_memory(who, key, value, &asked).await? {
                return Ok(view::row(&row));
            }
            // Somebody made it meanwhile, or it was there and is not for the caller to see.
            known = self.seen_memory(who, key).await?;
        }
        let known = known.ok_or_else(|| taken(key))?;
        self.may_change_memory(who, &known).await?;
        let patch = MemoryPatch {
            value,
            metadata: asked.metadata.is_some().then(|| raw(&asked.metadata)),
            updated_by: Some(who.user_id().map(str::to_owned)),
            ..MemoryPatch::default()
        };
        self.store_or_refuse()?.table::<MemoryRow>().update([known.memory_id.as_str()], &patch).await?;
        self.memory_entry(who, key).await
    }

    /// `GET /v1/memory/{key}`.
    ///
    /// # Errors
    /// 404 for an entry that is not there, or not for the caller to see.
    pub async fn memory_entry(&self, who: &Identity, key: &str) -> Outcome<Json> {
        let row = self.seen_memory(who, key).await?.ok_or_else(|| missing(key))?;
        Ok(view::row(&row))
    }

    /// `GET /v1/memory`: what the caller sees, the latest changes first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn memories(&self, who: &Identity, query: &MemoryQuery) -> Outcome<Json> {
        let list = ListQuery::page(visible(who, query.filter()), query.page, query.size).sorted("updated_at", true);
        let listing = self.store_or_refuse()?.table::<MemoryRow>().list(&list).await?;
        Ok(Json::object([
            ("memories", Json::Array(listing.rows.iter().map(view::row).collect())),
            ("total", Json::from(listing.total)),
        ]))
    }

    /// `DELETE /v1/memory/{key}`.
    ///
    /// # Errors
    /// 404 for an entry that the caller does not see, 403 for one that is not theirs to change.
    pub async fn delete_memory(&self, who: &Identity, key: &str) -> Outcome<Json> {
        let row = self.seen_memory(who, key).await?.ok_or_else(|| missing(key))?;
        self.may_change_memory(who, &row).await?;
        if !self.store_or_refuse()?.table::<MemoryRow>().delete([row.memory_id.as_str()]).await? {
            return Err(missing(key).into());
        }
        Ok(Json::object([("key", Json::from(key)), ("deleted", Json::from(true))]))
    }

    /// Stores a new entry; nothing when its key is taken.
    async fn insert_memory(
        &self,
        who: &Identity,
        key: &str,
        value: String,
        asked: &MemoryBody,
    ) -> Outcome<Option<MemoryRow>> {
        let [user_id, team_id] = scope(who, asked)?;
        let by = who.user_id().map(str::to_owned);
        let row = MemoryRow {
            key: key.to_owned(),
            value,
            metadata: raw(&asked.metadata),
            user_id,
            team_id,
            created_by: by.clone(),
            updated_by: by,
            ..MemoryRow::default()
        };
        match self.store_or_refuse()?.table().insert(&row).await {
            Err(StoreError::Conflict(_)) => Ok(None),
            done => Ok(done.map(|()| Some(row))?),
        }
    }

    async fn seen_memory(&self, who: &Identity, key: &str) -> Outcome<Option<MemoryRow>> {
        let filter = visible(who, Filter::new().is("key", key.to_owned()));
        Ok(self.store_or_refuse()?.table::<MemoryRow>().find(filter).await?.into_iter().next())
    }

    /// To see is not to change: one's own entries are one's own, a team's are its managers'.
    async fn may_change_memory(&self, who: &Identity, row: &MemoryRow) -> Outcome<()> {
        let own = row.user_id.is_some() && row.user_id.as_deref() == who.user_id();
        if who.is_admin() || own {
            return Ok(());
        }
        if let (None, Some(team)) = (&row.user_id, &row.team_id)
            && let Some(team) = self.store_or_refuse()?.table::<TeamRow>().get([team.as_str()]).await?
            && self.standing_in_team(who, &team).await? >= Standing::Manager
        {
            return Ok(());
        }
        Err(forbidden("You do not have permission to modify this memory entry.").with_param("key").into())
    }
}
