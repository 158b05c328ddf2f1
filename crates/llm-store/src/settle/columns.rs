//! The columns of a request's row, and which of them a group of rows shares.

use std::sync::Arc;

use super::calls::Item;
use crate::cell::Cell as _;
use crate::dialect::Dialect;
use crate::rows::SpendLogRow;
use crate::value::{ArrayOf, Value};

/// Where a column comes from, and so when it is the same in many rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// As a rule the same in the whole batch: bodies that are not kept, when it was stored.
    Batch,
    Caller,
    Deployment,
    Call,
    Session,
    FirstToken,
    Ip,
    CacheKey,
}

type Get = for<'a> fn(&Item<'a>, Dialect) -> Value<'a>;

#[derive(Debug)]
pub(super) struct Column {
    pub(super) name: &'static str,
    part: Part,
    pub(super) kind: ArrayOf,
    pub(super) get: Get,
}

impl Column {
    pub(super) fn is_json(&self) -> bool {
        self.kind == ArrayOf::Json
    }

    pub(super) fn is_call_id(&self) -> bool {
        self.name == "litellm_call_id"
    }
}

/// Text that SQLite takes without a copy.
fn text<'a>(text: &'a Arc<str>, dialect: Dialect) -> Value<'a> {
    match dialect {
        Dialect::Sqlite => Value::Shared(Some(Arc::clone(text))),
        Dialect::Postgres => Value::from(&**text),
    }
}

macro_rules! shared {
    ($name:literal, $part:ident, $kind:ident, $field:ident) => {
        Column { name: $name, part: Part::$part, kind: ArrayOf::$kind, get: |item, _| item.shared.$field.value() }
    };
}

macro_rules! own {
    ($name:literal, $part:ident, $kind:ident, |$item:ident, $dialect:ident| $get:expr) => {
        Column { name: $name, part: Part::$part, kind: ArrayOf::$kind, get: |$item, $dialect| $get }
    };
}

/// Every column of the table.
pub(super) static COLUMNS: &[Column] = &[
    own!("request_id", Call, Text, |item, dialect| text(item.id, dialect)),
    own!("litellm_call_id", Call, Text, |item, dialect| text(&item.call.call_id, dialect)),
    own!("session_id", Session, Text, |item, dialect| {
        text(item.call.session_id.as_ref().unwrap_or(&item.call.call_id), dialect)
    }),
    own!("spend", Call, Num, |item, _d| Value::from(item.call.spend)),
    own!("total_tokens", Call, Int, |item, _d| Value::from(item.call.total_tokens)),
    own!("prompt_tokens", Call, Int, |item, _d| Value::from(item.call.prompt_tokens)),
    own!("completion_tokens", Call, Int, |item, _d| Value::from(item.call.completion_tokens)),
    own!("startTime", Call, Time, |item, _d| Value::from(item.call.start_time)),
    own!("endTime", Call, Time, |item, _d| Value::from(item.call.end_time)),
    own!("request_duration_ms", Call, Int, |item, _d| Value::from(item.call.duration_ms)),
    own!("completionStartTime", FirstToken, Time, |item, _d| Value::Time(item.call.completion_start_time)),
    own!("metadata", Call, Json, |item, dialect| match dialect {
        Dialect::Sqlite => Value::Shared(Some(Arc::clone(&item.call.metadata))),
        Dialect::Postgres => Value::Json(Some((&*item.call.metadata).into())),
    }),
    own!("requester_ip_address", Ip, Text, |item, dialect| match &item.call.ip {
        Some(ip) => text(ip, dialect),
        None => Value::Text(None),
    }),
    own!("cache_key", CacheKey, Text, |item, dialect| text(&item.call.cache_key, dialect)),
    shared!("api_key", Caller, Text, api_key),
    shared!("user", Caller, Text, user),
    shared!("team_id", Caller, Text, team_id),
    shared!("organization_id", Caller, Text, organization_id),
    shared!("end_user", Caller, Text, end_user),
    shared!("agent_id", Caller, Text, agent_id),
    shared!("request_tags", Caller, Json, request_tags),
    shared!("call_type", Deployment, Text, call_type),
    shared!("model", Deployment, Text, model),
    shared!("model_id", Deployment, Text, model_id),
    shared!("model_group", Deployment, Text, model_group),
    shared!("custom_llm_provider", Deployment, Text, custom_llm_provider),
    shared!("api_base", Deployment, Text, api_base),
    shared!("cache_hit", Deployment, Text, cache_hit),
    shared!("status", Deployment, Text, status),
    shared!("mcp_namespaced_tool_name", Deployment, Text, mcp_namespaced_tool_name),
    shared!("messages", Batch, Json, messages),
    shared!("response", Batch, Json, response),
    shared!("proxy_server_request", Batch, Json, proxy_server_request),
    shared!("created_at", Batch, Time, created_at),
    shared!("updated_at", Batch, Time, updated_at),
];

/// What a group of rows shares. Few shapes are in use at a time, so their statements stay prepared.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    batch: bool,
    caller: bool,
    deployment: bool,
    /// Every call is its own session.
    own_session: bool,
    first_token: bool,
    ip: bool,
    cache_key: bool,
}

impl Shape {
    pub(super) fn of(items: &[Item<'_>]) -> Self {
        let Some(first) = items.first() else {
            let no = false;
            return Self {
                batch: no,
                caller: no,
                deployment: no,
                own_session: no,
                first_token: no,
                ip: no,
                cache_key: no,
            };
        };
        let all = |same: &dyn Fn(&Item<'_>) -> bool| items.iter().all(same);
        Self {
            batch: all(&|i| std::ptr::eq(i.shared, first.shared) || batch(i.shared) == batch(first.shared)),
            caller: all(&|i| std::ptr::eq(i.shared, first.shared) || caller(i.shared) == caller(first.shared)),
            deployment: all(&|i| {
                std::ptr::eq(i.shared, first.shared) || deployment(i.shared) == deployment(first.shared)
            }),
            own_session: all(&|i| i.call.session_id.is_none()),
            first_token: all(&|i| i.call.completion_start_time == first.call.completion_start_time),
            ip: all(&|i| i.call.ip == first.call.ip),
            cache_key: all(&|i| i.call.cache_key == first.call.cache_key),
        }
    }

    /// True when every row has the same value in this column.
    pub(super) const fn once(&self, column: &Column) -> bool {
        match column.part {
            Part::Batch => self.batch,
            Part::Caller => self.caller,
            Part::Deployment => self.deployment,
            Part::FirstToken => self.first_token,
            Part::Ip => self.ip,
            Part::CacheKey => self.cache_key,
            Part::Call | Part::Session => false,
        }
    }

    /// True when this column repeats the call id.
    pub(super) fn is_call_id(&self, column: &Column) -> bool {
        self.own_session && column.part == Part::Session
    }
}

fn batch(row: &SpendLogRow) -> impl PartialEq + '_ {
    let bodies = [&row.messages, &row.response, &row.proxy_server_request];
    (bodies.map(|body| body.as_ref().map(llm_types::RawJson::get)), row.created_at, row.updated_at)
}

fn caller(row: &SpendLogRow) -> impl PartialEq + '_ {
    let tags = row.request_tags.as_ref().map(llm_types::RawJson::get);
    (&row.api_key, &row.user, &row.team_id, &row.organization_id, &row.end_user, &row.agent_id, tags)
}

fn deployment(row: &SpendLogRow) -> impl PartialEq + '_ {
    let upstream = (&row.model, &row.model_id, &row.model_group, &row.custom_llm_provider, &row.api_base);
    (upstream, &row.call_type, &row.cache_hit, &row.status, &row.mcp_namespaced_tool_name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Table as _;

    #[test]
    fn every_column_is_written_once() {
        let mut names: Vec<_> = COLUMNS.iter().map(|c| c.name).collect();
        names.sort_unstable();
        let mut wanted = SpendLogRow::COLUMNS.to_vec();
        wanted.sort_unstable();
        assert_eq!(names, wanted);
    }
}
