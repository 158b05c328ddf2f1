//! Languages and addresses of providers that are nothing but a row.

use std::borrow::Cow;

use llm_types::{Error, Format, Kind, OperationKind, Result, Secret};

use crate::provider::{Call, Endpoint, Protocols, Want, not_served};
use crate::quirk::Quirk;
use crate::row::{Auth, ProviderRow};
use crate::template;

pub(crate) fn row_protocols(row: &ProviderRow, want: &Want<'_>) -> Protocols {
    let mut out = Protocols::default();
    let p = &row.paths;
    match want.operation {
        OperationKind::Embed => {
            if p.embeddings.is_some() {
                out.push(row.embed_format);
            }
            return out;
        }
        task if task.is_task() => {
            row.tasks.iter().filter(|t| t.operation == task.family()).for_each(|t| out.push(t.format));
            return out;
        }
        _ => {}
    }
    if path(row, want.operation, want.format).is_some() {
        out.push(want.format);
    }
    if want.operation == OperationKind::Generate {
        if want.format == Format::AnthropicMessages
            && row.quirks.has(Quirk::MessagesAsResponses)
            && p.responses.is_some()
        {
            out.push(Format::OpenAiResponses);
        }
        let rest = [
            (p.chat, row.chat_format),
            (p.messages, Format::AnthropicMessages),
            (p.completions, Format::OpenAiCompletions),
        ];
        rest.into_iter().filter(|(path, _)| path.is_some()).for_each(|(_, format)| out.push(format));
    }
    out
}

/// Where an operation is in a language.
fn path(row: &ProviderRow, operation: OperationKind, format: Format) -> Option<&'static str> {
    let p = &row.paths;
    match (operation, format) {
        (OperationKind::Embed, _) if format == row.embed_format => p.embeddings,
        (task, _) if task.is_task() => {
            row.tasks.iter().find(|t| t.operation == task.family() && t.format == format).map(|t| t.path)
        }
        _ if format == row.chat_format => p.chat,
        (_, Format::OpenAiCompletions) => p.completions,
        (_, Format::OpenAiResponses) => p.responses,
        (_, Format::AnthropicMessages) => p.messages,
        _ => None,
    }
}

pub(crate) fn row_endpoint(row: &ProviderRow, call: &Call<'_>, out: &mut Endpoint) -> Result<()> {
    let want = Want { operation: call.operation, format: call.format, model: call.model };
    let path = path(row, call.operation, call.format).ok_or_else(|| not_served(row, &want))?;
    let base = match row.task(call.operation).filter(|t| t.format == call.format).and_then(|t| t.base) {
        Some(own) => Cow::Borrowed(call.api_base.filter(|b| !b.is_empty()).unwrap_or(own)),
        None => row.base(call.api_base, call.params).ok_or_else(|| no_base(row))?,
    };
    out.url = join(&base, path, row);
    if out.url.contains("{model}") {
        out.url = out.url.replace("{model}", call.model);
    }
    let key = row.key(call.api_key, call.params);
    let elsewhere = call.format == Format::OpenAiResponses || call.operation.is_task();
    let headers = if elsewhere && row.quirks.has(Quirk::HeadersOfChat) { &[] } else { row.headers };
    for header in headers {
        if let Some(value) = template::fill(header.value, call.params, key.as_ref()) {
            out.set(header.name, &value)?;
        }
    }
    if call.format == Format::AnthropicMessages {
        // Hosts that also speak this language take the key as its own house does.
        let key = key.as_ref().ok_or_else(|| no_key(row))?;
        out.set("anthropic-version", "2023-06-01")?;
        out.set("x-api-key", key.expose())?;
    } else {
        let auth = row.task(call.operation).and_then(|t| t.auth).unwrap_or(row.auth);
        if let Auth::Query(query) = auth {
            let key = key.as_ref().ok_or_else(|| no_key(row))?;
            let query = template::fill(query, call.params, Some(key))
                .ok_or_else(|| Error::bad_request(format!("provider {} needs in its query {query}", row.id)))?;
            out.url = format!("{}{}{query}", out.url, if out.url.contains('?') { '&' } else { '?' });
        } else {
            show_key(row, auth, key.as_ref(), out)?;
        }
    }
    out.set("content-type", "application/json")?;
    out.set_extra(call.params)?;
    if call.format == Format::AnthropicMessages { crate::anthropic::set_betas(row, call, false, out) } else { Ok(()) }
}

/// Headers and credential of a row, for what is no call of a model.
pub(crate) fn row_credential(row: &ProviderRow, call: &Call<'_>, out: &mut Endpoint) -> Result<()> {
    let key = row.key(call.api_key, call.params);
    for header in row.headers {
        if let Some(value) = template::fill(header.value, call.params, key.as_ref()) {
            out.set(header.name, &value)?;
        }
    }
    show_key(row, row.auth, key.as_ref(), out)
}

pub(crate) fn no_base(row: &ProviderRow) -> Error {
    let names = match row.api_base_env {
        [] => String::new(),
        names => format!(" or set {}", names.join(" or ")),
    };
    Error::bad_request(format!("provider {} needs a base URL: give api_base{names}", row.id)).with_param("api_base")
}

pub(crate) fn no_key(row: &ProviderRow) -> Error {
    let names = match row.api_key_env {
        [] => String::new(),
        names => format!(" or set {}", names.join(" or ")),
    };
    Error::new(Kind::Authentication, format!("provider {} needs a key: give api_key{names}", row.id))
}

fn show_key(row: &ProviderRow, auth: Auth, key: Option<&Secret>, out: &mut Endpoint) -> Result<()> {
    match (auth, key) {
        (Auth::None | Auth::Query(_), _) | (Auth::BearerOptional, None) => Ok(()),
        (Auth::Bearer | Auth::BearerOptional | Auth::Computed(_), Some(key)) => {
            out.set("authorization", &format!("Bearer {}", key.expose()))
        }
        (Auth::Header { name, value }, Some(key)) => out.set(name, &value.replace("{key}", key.expose())),
        (Auth::Bearer | Auth::Header { .. } | Auth::Computed(_), None) => Err(no_key(row)),
    }
}

/// Base and path as one URL. A base that already ends with the path is left alone.
pub(crate) fn join(base: &str, path: &str, row: &ProviderRow) -> String {
    let mut base = base.trim_end_matches('/');
    if let Some(own) = path.strip_prefix('^') {
        return format!("{}{own}", origin(base));
    }
    let mut path = path;
    let tail = path.trim_end_matches('/');
    if path.is_empty() || !tail.is_empty() && base.ends_with(tail) {
        return base.to_owned();
    }
    if row.quirks.has(Quirk::VersionedBase) && !base.ends_with("/v1") {
        return format!("{base}/v1/{}", path.trim_start_matches('/'));
    }
    // Beside the version, where the base ends with one: what else it ends with is where the operator's host is.
    if let Some(beside) = path.strip_prefix("../") {
        let version = |last: &str| last == "beta" || last.strip_prefix('v').is_some_and(|n| n.parse::<u8>().is_ok());
        base = base.rsplit_once('/').filter(|(_, last)| version(last)).map_or(base, |(parent, _)| parent);
        let (first, rest) = beside.split_once('/').unwrap_or((beside, ""));
        path = if base.rsplit('/').next() == Some(first) { rest } else { beside };
    }
    if row.quirks.has(Quirk::RunBase)
        && let Some(parent) = base.strip_suffix("/run")
    {
        return format!("{parent}/v1/{}", path.trim_start_matches('/'));
    }
    if row.quirks.has(Quirk::OverlapBase) {
        let mut borders = path.match_indices('/').filter_map(|(at, _)| path.split_at_checked(at));
        let overlap = borders.rfind(|(head, _)| base.ends_with(head));
        path = overlap.map_or(path, |(_, tail)| tail);
    }
    format!("{base}/{}", path.trim_start_matches('/'))
}

/// Scheme and host of a URL.
fn origin(url: &str) -> &str {
    let host = url.find("://").map_or(0, |at| at + 3);
    let end = url.get(host..).and_then(|rest| rest.find(['/', '?'])).map_or(url.len(), |at| host + at);
    url.get(..end).unwrap_or(url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::RowFormat;

    #[test]
    fn another_language_stands_beside_the_version() {
        let row = crate::by_id("deepseek").unwrap().row(); // tidy: provider-id, its row has such a path
        let at = |base: &str| join(base, "../anthropic/v1/messages", row);
        for base in ["https://h", "https://h/v1", "https://h/beta/", "https://h/anthropic"] {
            assert_eq!(at(base), "https://h/anthropic/v1/messages", "{base}");
        }
        assert_eq!(at("https://h/team/v1"), "https://h/team/anthropic/v1/messages");
        assert_eq!(at("https://h/team"), "https://h/team/anthropic/v1/messages");
    }

    #[test]
    fn messages_go_through_responses_where_the_row_says_so() {
        let best = |id: &str, format| {
            let want = Want { operation: OperationKind::Generate, format, model: "m" };
            row_protocols(crate::by_id(id).unwrap().row(), &want).best()
        };
        assert_eq!(best("openai", Format::AnthropicMessages), Some(Format::OpenAiResponses));
        assert_eq!(best("openai", Format::OpenAiChat), Some(Format::OpenAiChat));
        let plain = |row: &&ProviderRow| {
            let p = &row.paths;
            p.chat.is_some() && p.messages.is_none() && p.responses.is_none() && row.format == RowFormat::OpenAi
        };
        let row = crate::all().map(|p| p.row()).find(plain).unwrap();
        assert_eq!(best(row.id, Format::AnthropicMessages), Some(Format::OpenAiChat));
        assert_eq!(best(row.id, Format::OpenAiResponses), Some(Format::OpenAiChat));
    }
}
