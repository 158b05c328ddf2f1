//! What virtual keys need beyond plain rows: uniqueness of aliases, deletion with a copy, rotation, filters.

use chrono::{DateTime, Utc};

use crate::access::{Rows, first_int};
use crate::dialect::Dialect;
use crate::error::Result;
use crate::filter::{Filter, holds};
use crate::list::{ListQuery, Listing};
use crate::rows::{DeletedTeamRow, DeletedTokenRow, DeprecatedTokenRow, KeyPatch, TeamRow, VerificationToken};
use crate::sql::Sql;
use crate::table::{Patch as _, Table};
use crate::transaction::Exec;

/// Who deleted something; copied beside the deleted row.
#[derive(Debug, Clone, Default)]
pub struct DeletedBy {
    /// The user.
    pub user: Option<String>,
    /// The hash of the key used.
    pub api_key: Option<String>,
    /// The `litellm-changed-by` header.
    pub changed_by: Option<String>,
}

/// Filters of `/key/list`; all that are set must hold.
#[derive(Debug, Clone, Default)]
pub struct KeyFilter {
    /// Owner.
    pub user_id: Option<String>,
    /// Team.
    pub team_id: Option<String>,
    /// Organization.
    pub organization_id: Option<String>,
    /// Alias.
    pub key_alias: Option<String>,
    /// SHA-256 of the key.
    pub key_hash: Option<String>,
    /// Project.
    pub project_id: Option<String>,
    /// Agent.
    pub agent_id: Option<String>,
    /// A unified access group the key has.
    pub access_group_id: Option<String>,
    /// Part of the alias, the masked name, the hash or the user.
    pub search: Option<String>,
    /// `user_id` and `key_alias` match as parts of the value, in any case.
    pub substring: bool,
    /// Keys of these teams are listed as well, whoever owns them.
    pub or_teams: Vec<String>,
    /// Keys this user created are listed as well.
    pub or_created_by: Option<String>,
    /// Keys that expire at or before.
    pub expires_until: Option<DateTime<Utc>>,
    /// Keys of this team are left out.
    pub except_team: Option<String>,
    /// Blocked keys only, or the others only.
    pub blocked: Option<bool>,
}

impl From<KeyFilter> for Filter {
    fn from(f: KeyFilter) -> Self {
        let text = |filter: Self, column: &str, value: Option<String>| match value {
            Some(value) if f.substring => filter.contains(column, value),
            value => filter.maybe(column, value),
        };
        let own = text(text(Self::new(), "user_id", f.user_id), "key_alias", f.key_alias);
        let own = own.maybe("team_id", f.team_id).maybe("organization_id", f.organization_id);
        let mut ways = vec![own.clone()];
        if !f.or_teams.is_empty() {
            ways.push(Self::new().any_of("team_id", f.or_teams));
        }
        if let Some(user) = f.or_created_by {
            ways.push(Self::new().is("created_by", user));
        }
        let mut out = if ways.len() > 1 { Self::new().one_of(ways) } else { own };
        out = out.maybe("token", f.key_hash).maybe("project_id", f.project_id).maybe("agent_id", f.agent_id);
        if let Some(group) = f.access_group_id {
            out = out.list_has("access_group_ids", group);
        }
        if let Some(part) = f.search {
            let columns = ["key_alias", "key_name", "token", "user_id"];
            out = out.one_of(columns.iter().map(|c| Self::new().contains(c, part.clone())).collect());
        }
        if let Some(until) = f.expires_until {
            out = out.at_most("expires", until);
        }
        if let Some(team) = f.except_team {
            out = out.is_not("team_id", team);
        }
        match f.blocked {
            Some(true) => out.is("blocked", true),
            Some(false) => out.is_not("blocked", true),
            None => out,
        }
    }
}

impl Rows<'_, VerificationToken> {
    /// The key with this hash.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn get_by_hash(&mut self, hash: &str) -> Result<Option<VerificationToken>> {
        self.get([hash]).await
    }

    /// The keys with these hashes, each with the hash that led to it: its own, or that of the key it replaced as long as the old
    /// one is in its grace period. One statement, whatever their number.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn resolve_many(&mut self, hashes: &[String]) -> Result<Vec<(String, VerificationToken)>> {
        let dialect = self.exec.dialect();
        let mut sql = Sql::read(dialect, "SELECT ");
        sql.names(VerificationToken::COLUMNS)
            .push(", \"shown\" FROM (SELECT \"token\" AS \"shown\", \"token\" AS \"meant\"");
        sql.push(" FROM ").name(VerificationToken::NAME).push(" WHERE \"token\"").is_any_of(hashes);
        sql.push(" UNION ALL SELECT \"token\", \"active_token_id\" FROM ").name(DeprecatedTokenRow::NAME);
        sql.push(" WHERE \"token\"").is_any_of(hashes).push(" AND \"revoke_at\" > ").push(dialect.now());
        sql.push(") AS \"asked\" JOIN ").name(VerificationToken::NAME).push(" ON \"token\" = \"meant\"");
        let rows = self.exec.fetch(sql).await?;
        let read = |row: &crate::row::Row| -> Result<(String, VerificationToken)> {
            let key = VerificationToken::read(row)?;
            Ok((row.text(VerificationToken::COLUMNS.len())?.unwrap_or_default(), key))
        };
        rows.iter().map(read).collect()
    }

    /// The key with this hash, or the key that replaced it when the old one is still in its grace period.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn resolve(&mut self, hash: &str) -> Result<Option<VerificationToken>> {
        let found = self.resolve_many(&[hash.to_owned()]).await?;
        // A key of its own comes before what it once was.
        let (own, replaced): (Vec<_>, Vec<_>) =
            found.into_iter().map(|(_, key)| key).partition(|key| key.token == hash);
        Ok(own.into_iter().chain(replaced).next())
    }

    /// True when another key than `except` has this alias.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn alias_taken(&mut self, alias: &str, except: Option<&str>) -> Result<bool> {
        let mut sql = Sql::read(self.exec.dialect(), "SELECT COUNT(*) FROM ");
        sql.name(VerificationToken::NAME).push(" WHERE \"key_alias\" = ").bind(alias);
        if let Some(hash) = except {
            sql.push(" AND \"token\" <> ").bind(hash);
        }
        Ok(first_int(&self.exec.fetch(sql).await?)? > 0)
    }

    /// Hashes of the keys whose alias contains this text, in this case: of keys that are there, that were deleted, and those
    /// that a key had before its rotation. At most `most`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn hashes_by_alias(&mut self, part: &str, most: u32) -> Result<Vec<String>> {
        let mut sql = Sql::read(self.exec.dialect(), "WITH named AS (SELECT \"token\" FROM ");
        sql.name(VerificationToken::NAME).push(" WHERE ");
        holds(&mut sql, part, |sql| {
            sql.name("key_alias");
        });
        sql.push(" UNION SELECT \"token\" FROM ").name(DeletedTokenRow::NAME).push(" WHERE ");
        holds(&mut sql, part, |sql| {
            sql.name("key_alias");
        });
        sql.push(") SELECT \"token\" FROM named UNION SELECT \"token\" FROM ").name(DeprecatedTokenRow::NAME);
        sql.push(" WHERE \"active_token_id\" IN (SELECT \"token\" FROM named) LIMIT ").bind(i64::from(most));
        let rows = self.exec.fetch(sql).await?;
        rows.iter().map(|row| Ok(row.text(0)?.unwrap_or_default())).collect()
    }

    /// A page of keys, newest first unless `sort` says otherwise (column, descending).
    ///
    /// # Errors
    /// When `sort` names a column the table does not have.
    pub async fn page(
        &mut self,
        filter: KeyFilter,
        sort: Option<(&str, bool)>,
        page: u32,
        size: u32,
    ) -> Result<Listing<VerificationToken>> {
        let (column, descending) = sort.unwrap_or(("created_at", true));
        self.list(&ListQuery::page(filter.into(), page, size).sorted(column, descending)).await
    }

    /// Deletes keys and keeps a copy of each in the table of deleted keys; the hashes that existed. Call it in a
    /// transaction when other rows go with them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_with_copy(&mut self, hashes: &[String], by: &DeletedBy) -> Result<Vec<String>> {
        match &mut self.exec {
            Exec::Tx(tx) => archive::<VerificationToken, DeletedTokenRow>(tx, hashes, by).await,
            Exec::Store(store) => {
                let mut tx = store.begin().await?;
                let gone = archive::<VerificationToken, DeletedTokenRow>(&mut tx, hashes, by).await?;
                tx.commit().await?;
                Ok(gone)
            }
        }
    }

    /// Gives a key a new hash, with `patch` applied; the old hash works until `grace_until`, when given. It is remembered in
    /// any case, for the rows of its calls have it. `false` when there is no such key.
    ///
    /// # Errors
    /// [`Conflict`](crate::StoreError::Conflict) when the new hash exists.
    pub async fn rotate(
        &mut self,
        old: &str,
        new: &str,
        patch: &KeyPatch,
        grace_until: Option<DateTime<Utc>>,
    ) -> Result<bool> {
        let tx = match &mut self.exec {
            Exec::Tx(tx) => return rotate(tx, old, new, patch, grace_until).await,
            Exec::Store(store) => store.begin().await?,
        };
        let mut tx = tx;
        let done = rotate(&mut tx, old, new, patch, grace_until).await?;
        tx.commit().await?;
        Ok(done)
    }
}

async fn rotate(
    tx: &mut crate::StoreTx,
    old: &str,
    new: &str,
    patch: &KeyPatch,
    grace_until: Option<DateTime<Utc>>,
) -> Result<bool> {
    let dialect = tx.dialect();
    let mut sql = Sql::write(dialect, "UPDATE ");
    sql.name(VerificationToken::NAME).push(" SET \"token\" = ").bind(new);
    sql.push(", \"updated_at\" = ").push(dialect.now());
    for (column, value) in patch.changes().into_iter().filter(|(c, _)| !["token", "updated_at"].contains(c)) {
        sql.push(", ").name(column).push(" = ").bind(value);
    }
    sql.push(" WHERE \"token\" = ").bind(old);
    if tx.execute(sql).await? == 0 {
        return Ok(false);
    }
    // Older hashes in their grace period now lead to the new one.
    let mut sql = Sql::write(dialect, "UPDATE ");
    sql.name(DeprecatedTokenRow::NAME).push(" SET \"active_token_id\" = ").bind(new);
    sql.push(" WHERE \"active_token_id\" = ").bind(old);
    tx.execute(sql).await?;
    // A key may have had this hash before.
    tx.table::<DeprecatedTokenRow>().delete_where(&Filter::new().is("token", old.to_owned())).await?;
    let row = DeprecatedTokenRow {
        token: old.to_owned(),
        active_token_id: new.to_owned(),
        // Long over, whatever the clock of the database says.
        revoke_at: grace_until.unwrap_or(DateTime::UNIX_EPOCH),
        ..DeprecatedTokenRow::default()
    };
    tx.table().insert(&row).await?;
    Ok(true)
}

impl Rows<'_, TeamRow> {
    /// Deletes teams and keeps a copy of each in the table of deleted teams; the ids that existed. Their keys and
    /// memberships are the caller's to delete, in the same transaction.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_with_copy(&mut self, ids: &[String], by: &DeletedBy) -> Result<Vec<String>> {
        match &mut self.exec {
            Exec::Tx(tx) => archive::<TeamRow, DeletedTeamRow>(tx, ids, by).await,
            Exec::Store(store) => {
                let mut tx = store.begin().await?;
                let gone = archive::<TeamRow, DeletedTeamRow>(&mut tx, ids, by).await?;
                tx.commit().await?;
                Ok(gone)
            }
        }
    }
}

/// Moves rows of `T` into `D`, which has the same columns and who deleted them.
async fn archive<T: Table, D: Table>(tx: &mut crate::StoreTx, keys: &[String], by: &DeletedBy) -> Result<Vec<String>> {
    let Some(key) = T::KEY.first() else { return Ok(Vec::new()) };
    let dialect = tx.dialect();
    let shared: Vec<&str> = D::COLUMNS.iter().filter(|c| T::COLUMNS.contains(c)).copied().collect();
    let mut sql = Sql::write(dialect, "INSERT INTO ");
    sql.name(D::NAME).push(" (\"id\", \"deleted_by\", \"deleted_by_api_key\", \"litellm_changed_by\", ");
    sql.names(&shared).push(") SELECT ").push(dialect.random_id());
    for who in [&by.user, &by.api_key, &by.changed_by] {
        // In a select list PostgreSQL takes the type from the argument; SQLite needs none.
        sql.push(", ").bind(crate::Value::Text(who.as_deref().map(Into::into)));
        sql.push(if dialect == Dialect::Postgres { "::text" } else { "" });
    }
    sql.push(", ").names(&shared).push(" FROM ").name(T::NAME).push(" WHERE ").name(key).is_any_of(keys);
    tx.execute(sql).await?;
    let mut sql = Sql::write(dialect, "DELETE FROM ");
    sql.name(T::NAME).push(" WHERE ").name(key).is_any_of(keys).push(" RETURNING ").name(key);
    let rows = tx.fetch(sql).await?;
    rows.iter().map(|row| Ok(row.text(0)?.unwrap_or_default())).collect()
}
