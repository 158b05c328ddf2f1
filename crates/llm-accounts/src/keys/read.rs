//! Reading keys.

use llm_store::{DeletedTokenRow, Filter, KeyFilter, ListQuery, Listing, UserRow, VerificationToken};
use llm_types::Json;

use super::rights::Act;
use super::{Actor, bad, forbidden, instant, view};
use crate::pages::PageQuery;
use crate::request::Outcome;
use crate::{Accounts, KeyDigest, SESSION_TEAM};

/// The query of `/key/list`.
#[derive(Debug, Clone, Default)]
pub struct KeyListQuery {
    /// Which keys.
    pub filter: KeyFilter,
    /// From 1.
    pub page: u32,
    /// Keys of a page, at most 100.
    pub size: u32,
    /// Rows instead of hashes.
    pub full: bool,
    /// Keys of the teams that the caller manages too.
    pub include_team_keys: bool,
    /// Keys that the caller made too.
    pub include_created_by_keys: bool,
    /// A column and whether it falls.
    pub sort: Option<(String, bool)>,
    /// Keys that expire at or before this instant.
    pub expires: Option<String>,
    /// `deleted`: the copies of keys that are gone.
    pub status: Option<String>,
    /// With the row of each key's user; rows instead of hashes then.
    pub with_users: bool,
}

/// A page of keys as they are shown.
struct Shown {
    keys: Vec<Json>,
    total: u64,
    pages: u64,
}

impl Shown {
    fn of<T>(page: &Listing<T>, asked: &PageQuery, show: impl FnMut(&T) -> Json) -> Self {
        Self { pages: page.pages(asked.size()), total: page.total, keys: page.rows.iter().map(show).collect() }
    }
}

impl Accounts {
    /// `GET /key/info`: a key by itself or its hash; without one, the caller's own.
    ///
    /// # Errors
    /// 404 for an unknown key, 403 for somebody else's.
    pub async fn key_info(&self, actor: Actor<'_>, key: Option<&str>) -> Outcome<Json> {
        let own = actor.who.key_hash().filter(|_| actor.who.is_key());
        let Some(key) = key.or(own) else {
            return Err(bad("Name a key: the master key has no row.").with_param("key").into());
        };
        let row = self.key_row(key).await?;
        if !self.may_on_key(actor.who, &row, Act::Info).await? {
            return Err(forbidden("You are not allowed to access this key's info.").into());
        }
        Ok(Json::object([("key", Json::from(key)), ("info", self.with_grants(self.live(&row)).await?)]))
    }

    /// `POST /v2/key/info`: several keys; those that do not exist are left out.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn keys_info(&self, actor: Actor<'_>, keys: &[String]) -> Outcome<Json> {
        let hashes: Vec<String> = keys.iter().map(|k| KeyDigest::of_key_or_hash(k).hex()).collect();
        let mut info = Vec::new();
        for row in self.store_or_refuse()?.keys().get_many(&hashes).await? {
            if self.may_on_key(actor.who, &row, Act::Info).await? {
                let mut shown = self.live(&row);
                shown.set("token", row.token.as_str());
                info.push(shown);
            }
        }
        self.show_grants(&mut info).await?;
        let keys = keys.iter().map(|k| Json::from(k.as_str())).collect();
        Ok(Json::object([("key", Json::Array(keys)), ("info", Json::Array(info))]))
    }

    /// `GET /key/aliases`: the aliases of the keys that the caller may list, in pages.
    ///
    /// # Errors
    /// As [`Accounts::list_keys`].
    pub async fn key_aliases(
        &self,
        actor: Actor<'_>,
        search: Option<String>,
        team: Option<String>,
        page: u32,
        size: u32,
    ) -> Outcome<Json> {
        let mut filter = KeyFilter { team_id: team, ..KeyFilter::default() };
        if !actor.who.sees_all() {
            self.own_keys_only(actor.who, &mut filter).await?;
        }
        let mut filter = Filter::from(filter).null("key_alias", false);
        if let Some(part) = search {
            filter = filter.contains("key_alias", part);
        }
        let (page, size) = (page.max(1), size.clamp(1, 100));
        let query = ListQuery::page(filter, page, size).sorted("key_alias", false);
        let found = self.store_or_refuse()?.keys().list(&query).await?;
        let pages = found.pages(size);
        Ok(Json::object([
            ("aliases", Json::Array(found.rows.into_iter().filter_map(|row| row.key_alias.map(Json::from)).collect())),
            ("total_count", Json::from(found.total)),
            ("current_page", Json::from(page)),
            ("total_pages", Json::from(pages)),
            ("size", Json::from(size)),
        ]))
    }

    /// `GET /key/list`. Callers that are no administrators see their own keys, and those of teams they manage if they ask.
    ///
    /// # Errors
    /// 403 when somebody else's keys are asked for.
    pub async fn list_keys(&self, actor: Actor<'_>, query: KeyListQuery) -> Outcome<Json> {
        let who = actor.who;
        let mut filter = query.filter;
        filter.except_team = (filter.team_id.as_deref() != Some(SESSION_TEAM)).then(|| SESSION_TEAM.to_owned());
        if let Some(hash) = &filter.key_hash {
            filter.key_hash = Some(KeyDigest::of_key_or_hash(hash).hex());
        }
        if !who.sees_all() {
            self.own_keys_only(who, &mut filter).await?;
        }
        if query.include_team_keys {
            filter.or_teams = self.managed_teams(who).await?;
        }
        if query.include_created_by_keys {
            filter.or_created_by = who.user_id().map(str::to_owned);
        }
        if let Some(text) = &query.expires {
            let until = instant(text).ok_or_else(|| bad(format!("`{text}` is not a time")).with_param("expires"))?;
            filter.expires_until = Some(until);
        }
        let asked = PageQuery { page: query.page.max(1), size: query.size, sort: query.sort };
        let full = query.full || query.with_users;
        let mut shown = match query.status.as_deref() {
            None => self.page_of_keys(filter, &asked, full).await?,
            Some("deleted") => self.page_of_deleted(filter, &asked, full).await?,
            Some(_) => {
                let why = "Invalid status value. Currently only 'deleted' is supported.";
                return Err(bad(why).with_param("status").into());
            }
        };
        if full {
            self.show_grants(&mut shown.keys).await?;
        }
        if query.with_users {
            self.show_users(&mut shown.keys).await?;
        }
        Ok(Json::object([
            ("keys", Json::Array(shown.keys)),
            ("total_count", Json::from(shown.total)),
            ("current_page", Json::from(asked.page)),
            ("total_pages", Json::from(shown.pages)),
        ]))
    }

    async fn page_of_keys(&self, filter: KeyFilter, asked: &PageQuery, full: bool) -> Outcome<Shown> {
        let sort = asked.sort.as_ref().map(|(column, falls)| (column.as_str(), *falls));
        let page = self.store_or_refuse()?.keys().page(filter, sort, asked.page, asked.size()).await?;
        Ok(Shown::of(&page, asked, |row| if full { view::row(row) } else { Json::from(row.token.as_str()) }))
    }

    async fn page_of_deleted(&self, filter: KeyFilter, asked: &PageQuery, full: bool) -> Outcome<Shown> {
        let table = self.store_or_refuse()?.table::<DeletedTokenRow>();
        let page = asked.rows(table, Filter::from(filter), "deleted_at").await?;
        Ok(Shown::of(&page, asked, |row| if full { view::row(row) } else { Json::from(row.token.as_str()) }))
    }

    /// Puts the rows of their users into the rows of keys.
    async fn show_users(&self, keys: &mut [Json]) -> Outcome<()> {
        let user = |key: &Json| key.text("user_id").map(str::to_owned);
        let mut ids: Vec<String> = keys.iter().filter_map(user).collect();
        ids.sort();
        ids.dedup();
        let users = self.store_or_refuse()?.table::<UserRow>().get_many(&ids).await?;
        for key in keys {
            let id = user(key);
            let row = users.iter().find(|row| Some(row.user_id.as_str()) == id.as_deref());
            key.set("user", row.map(view::row));
        }
        Ok(())
    }

    async fn own_keys_only(&self, who: &crate::Identity, filter: &mut KeyFilter) -> Outcome<()> {
        let Some(own) = who.user_id() else {
            return Err(forbidden("A key without a user has no list of keys.").into());
        };
        if let Some(team) = &filter.team_id
            && self.managed_teams(who).await?.contains(team)
        {
            return Ok(());
        }
        if filter.user_id.as_deref().is_some_and(|user| user != own) {
            return Err(forbidden("You are not authorized to list another user's keys.").into());
        }
        filter.user_id = Some(own.to_owned());
        // Part of another name would be somebody else.
        filter.substring = false;
        Ok(())
    }

    /// A row with the live spend, which the row gets with the next flush.
    fn live(&self, row: &VerificationToken) -> Json {
        let mut shown = view::info(row);
        if let Some(purse) = self.inner().purses.known(crate::purse::Owner::Key, &row.token) {
            let live = crate::purse::usd(purse.spent());
            if live > row.spend {
                shown.set("spend", live);
            }
        }
        shown
    }
}
