//! The trail of changes: which management call changed which row, what it held before and after.

use chrono::{DateTime, Utc};
use llm_store::{
    AuditLogRow, Filter, ListQuery, Patch, ProxyModelRow, Rows, StoreError, StoreTx, Table, TeamRow, UserRow,
    VerificationToken,
};
use llm_types::alert::{AlertType, Notice, in_words};
use llm_types::{Error, Json, RawJson};
use serde::Serialize;

use crate::Accounts;
use crate::keys::{Actor, bad, not_found, view};
use crate::request::Outcome;

/// What a call did, in LiteLLM's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// A new row.
    Created,
    /// Other values.
    Updated,
    /// No row any more.
    Deleted,
    /// May not be used.
    Blocked,
    /// May be used again.
    Unblocked,
    /// The same row under a new secret.
    Rotated,
    /// The request that stops an agent went out.
    KillSwitchFired,
}

impl Action {
    /// What a write does: it makes a row or changes the one that was there.
    pub(crate) const fn over<T>(before: Option<&T>) -> Self {
        if before.is_some() { Self::Updated } else { Self::Created }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Deleted => "deleted",
            Self::Blocked => "blocked",
            Self::Unblocked => "unblocked",
            Self::Rotated => "rotated",
            Self::KillSwitchFired => "kill_switch_fired",
        }
    }
}

/// Changes a row, or inserts it where there is none. Answers the row that was there.
///
/// # Errors
/// When the store fails.
pub(crate) async fn keep<T: Table>(
    tx: &mut StoreTx,
    id: &str,
    row: &T,
    patch: &impl Patch<Row = T>,
) -> Outcome<Option<T>> {
    let before = tx.table::<T>().get([id]).await?;
    match &before {
        Some(_) => tx.table::<T>().update([id], patch).await.map(drop)?,
        None => tx.table().insert(row).await?,
    }
    Ok(before)
}

/// Rows on a page at the most.
const LARGEST: u32 = 100;

/// What `GET /audit` asks for. Everything given has to hold.
#[derive(Debug, Clone, Default)]
pub struct AuditQuery {
    /// Who changed.
    pub changed_by: Option<String>,
    /// With which key, by its hash.
    pub changed_by_api_key: Option<String>,
    /// `created`, `updated` ....
    pub action: Option<String>,
    /// Of which table.
    pub table_name: Option<String>,
    /// Which row.
    pub object_id: Option<String>,
    /// The team that the row belongs to.
    pub object_team_id: Option<String>,
    /// The hash of the key that the row is.
    pub object_key_hash: Option<String>,
    /// A part of an id or a name.
    pub search: Option<String>,
    /// From this instant.
    pub from: Option<DateTime<Utc>>,
    /// Until this instant.
    pub until: Option<DateTime<Utc>>,
    /// Sort column; the time without one.
    pub sort_by: Option<String>,
    /// Smallest or oldest first.
    pub ascending: bool,
    /// Page, from 1.
    pub page: u32,
    /// Rows on a page.
    pub size: u32,
}

impl AuditQuery {
    fn filter(&self) -> Filter {
        let mut filter = Filter::new()
            .maybe("changed_by", self.changed_by.clone())
            .maybe("changed_by_api_key", self.changed_by_api_key.clone())
            .maybe("action", self.action.clone())
            .maybe("table_name", self.table_name.clone())
            .maybe("object_id", self.object_id.clone())
            .between("updated_at", self.from, self.until);
        let either = |name: &'static [&'static str], value: &str| {
            let of = |column| Filter::new().json_field(column, name, value);
            vec![of("before_value"), of("updated_values")]
        };
        if let Some(team) = &self.object_team_id {
            filter = filter.one_of(either(&["team_id"], team));
        }
        if let Some(hash) = &self.object_key_hash {
            let mut ways = either(&["token"], hash);
            ways.push(Filter::new().is("object_id", hash.clone()));
            filter = filter.one_of(ways);
        }
        if let Some(part) = &self.search {
            let columns = ["object_id", "changed_by", "changed_by_api_key"];
            filter = filter.one_of(columns.iter().map(|c| Filter::new().contains(c, part.clone())).collect());
        }
        filter
    }
}

/// The type of alert of a change, if operators may want to hear of it.
fn told<T: Table>(action: Action) -> Option<AlertType> {
    use AlertType as Told;
    let (new, changed, gone) = match T::NAME {
        VerificationToken::NAME => (Told::NewVirtualKeyCreated, Told::VirtualKeyUpdated, Told::VirtualKeyDeleted),
        TeamRow::NAME => (Told::NewTeamCreated, Told::TeamUpdated, Told::TeamDeleted),
        UserRow::NAME => (Told::NewInternalUserCreated, Told::InternalUserUpdated, Told::InternalUserDeleted),
        ProxyModelRow::NAME => return (action == Action::Created).then_some(Told::NewModelAdded),
        _ => return None,
    };
    Some(match action {
        Action::Created => new,
        Action::Deleted => gone,
        Action::Updated | Action::Blocked | Action::Unblocked | Action::Rotated | Action::KillSwitchFired => changed,
    })
}

/// Names that rows have for people.
const NAMES: [&str; 5] = ["key_alias", "team_alias", "user_email", "model_name", "team_id"];

fn notice<T: Serialize>(kind: AlertType, actor: Actor<'_>, action: Action, id: &str, row: Option<&T>) -> Notice {
    let row = row.map(view::row).unwrap_or_default();
    let named = NAMES.iter().filter_map(|name| Some((*name, row.get(name)?.as_str()?.to_owned())));
    let by = ("created_by", actor.name().unwrap_or_default());
    let facts = [by, ("action", action.name().to_owned()), ("id", id.to_owned())].into_iter().chain(named);
    Notice { kind, title: format!("`{}`", in_words(kind.name())), facts: facts.collect() }
}

impl Accounts {
    /// Writes down a change to a row, if changes are written down (`store_audit_logs`), and tells of it who wants to hear.
    /// Every management call that changes a row calls this, with the audit table of its transaction, so that neither is there
    /// without the other.
    ///
    /// The row's own serialization is what is kept: secrets that it does not show are not in the trail either.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn audit<T: Table + Serialize>(
        &self,
        mut trail: Rows<'_, AuditLogRow>,
        actor: Actor<'_>,
        action: Action,
        id: &str,
        before: Option<&T>,
        after: Option<&T>,
    ) -> Outcome<()> {
        if let Some(kind) = told::<T>(action).filter(|kind| self.inner().hears(*kind)) {
            // Nobody hears of a change that did not last.
            let (accounts, notice) = (self.clone(), notice(kind, actor, action, id, after.or(before)));
            trail.then(move || accounts.inner().note(kind, || notice));
        }
        let shown = |row: Option<&T>| row.map(RawJson::of).transpose().map_err(|e| StoreError::Config(e.to_string()));
        let values = (shown(before)?, shown(after)?);
        self.audit_values::<T>(trail, actor, action, id, values).await
    }

    /// The same for what happened to a row without changing it: what came of it.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn audit_event<T: Table>(
        &self,
        trail: Rows<'_, AuditLogRow>,
        actor: Actor<'_>,
        action: Action,
        id: &str,
        outcome: &Json,
    ) -> Outcome<()> {
        self.audit_values::<T>(trail, actor, action, id, (None, Some(outcome.to_raw()))).await
    }

    async fn audit_values<T: Table>(
        &self,
        mut trail: Rows<'_, AuditLogRow>,
        actor: Actor<'_>,
        action: Action,
        id: &str,
        (before_value, updated_values): (Option<RawJson>, Option<RawJson>),
    ) -> Outcome<()> {
        if !self.settings().store_audit_logs {
            return Ok(());
        }
        let row = AuditLogRow {
            changed_by: actor.name().unwrap_or_default(),
            changed_by_api_key: actor.who.key_hash().unwrap_or_default().to_owned(),
            action: action.name().to_owned(),
            table_name: T::NAME.to_owned(),
            object_id: id.to_owned(),
            before_value,
            updated_values,
            ..AuditLogRow::default()
        };
        Ok(trail.insert(&row).await?)
    }

    /// Changes a row in a transaction and writes the change down; the row as it is now. `before` is none for a row that was
    /// inserted just now.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn write<T: Table + Serialize>(
        &self,
        tx: &mut StoreTx,
        actor: Actor<'_>,
        action: Action,
        id: &str,
        before: Option<&T>,
        patch: &impl Patch<Row = T>,
    ) -> Outcome<T> {
        tx.table::<T>().update([id], patch).await?;
        let after = tx.table::<T>().get([id]).await?.ok_or_else(|| Error::internal("the row is gone"))?;
        self.audit(tx.table(), actor, action, id, before, Some(&after)).await?;
        Ok(after)
    }

    /// Deletes a row in a transaction and writes that down.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn erase<T: Table + Serialize>(
        &self,
        tx: &mut StoreTx,
        actor: Actor<'_>,
        id: &str,
        before: &T,
    ) -> Outcome<()> {
        tx.table::<T>().delete([id]).await?;
        self.audit(tx.table(), actor, Action::Deleted, id, Some(before), None).await
    }

    /// `GET /audit`: changes in pages, the latest first.
    ///
    /// # Errors
    /// 400 for a sort column that is none.
    pub async fn audit_logs(&self, query: &AuditQuery) -> Outcome<Json> {
        let (page, size) = (query.page.max(1), query.size.clamp(1, LARGEST));
        let column = query.sort_by.as_deref().unwrap_or("updated_at");
        let list = ListQuery::page(query.filter(), page, size).sorted(column, !query.ascending);
        let listing = match self.store_or_refuse()?.table::<AuditLogRow>().list(&list).await {
            Err(StoreError::Column { column, .. }) => {
                return Err(bad(format!("Invalid sort_by: {column}")).with_param("sort_by").into());
            }
            listing => listing?,
        };
        Ok(Json::object([
            ("audit_logs", Json::Array(listing.rows.iter().map(view::row).collect())),
            ("total", Json::from(listing.total)),
            ("page", Json::from(page)),
            ("page_size", Json::from(size)),
            ("total_pages", Json::from(listing.pages(size))),
        ]))
    }

    /// `GET /audit/{id}`.
    ///
    /// # Errors
    /// 404 for an unknown id.
    pub async fn audit_log(&self, id: &str) -> Outcome<Json> {
        let row = self.store_or_refuse()?.table::<AuditLogRow>().get([id]).await?;
        let row = row.ok_or_else(|| not_found(format!("Audit log with ID {id} not found")).with_param("id"))?;
        Ok(view::row(&row))
    }
}
