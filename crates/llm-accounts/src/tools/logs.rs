//! Calls of a tool.

use chrono::{DateTime, Utc};
use llm_store::{Filter, ListQuery, SpendLogRow};
use llm_types::{Json, RawJson};

use crate::Accounts;
use crate::request::Outcome;

/// Characters of what was said that are shown.
const SNIPPET: usize = 200;

impl Accounts {
    /// `GET /v1/tool/{tool_name}/logs`: the calls of a tool, the latest first, in pages from 1.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn tool_logs(
        &self,
        name: &str,
        (from, until): (Option<DateTime<Utc>>, Option<DateTime<Utc>>),
        (page, size): (u32, u32),
    ) -> Outcome<Json> {
        if let Err(error) = self.flush().await {
            tracing::warn!(%error, "calls of a tool are read without the latest ones");
        }
        let filter = Filter::new().is("mcp_namespaced_tool_name", name.to_owned()).between("startTime", from, until);
        let query = ListQuery::page(filter, page, size).sorted("startTime", true);
        let listing = self.store_or_refuse()?.table::<SpendLogRow>().list(&query).await?;
        let logs = listing.rows.iter().map(|row| {
            Json::object([
                ("id", Json::from(row.request_id.as_str())),
                ("timestamp", Json::from(row.start_time.to_rfc3339())),
                ("model", Json::from(Some(row.model.as_str()).filter(|model| !model.is_empty()))),
                ("spend", Json::from(row.spend)),
                ("total_tokens", Json::from(row.total_tokens)),
                ("input_snippet", Json::from(snippet(row))),
            ])
        });
        Ok(Json::object([
            ("logs", Json::Array(logs.collect())),
            ("total", Json::from(listing.total)),
            ("page", Json::from(page)),
            ("page_size", Json::from(size)),
        ]))
    }
}

/// The beginning of what was said, where that is kept.
pub(crate) fn snippet(row: &SpendLogRow) -> Option<String> {
    [&row.messages, &row.proxy_server_request].into_iter().find_map(|kept| said(kept.as_ref()?))
}

/// The same of one text; nothing of one that says nothing.
pub(crate) fn said(kept: &RawJson) -> Option<String> {
    let tree: Json = kept.read().ok()?;
    let text = match &tree {
        Json::Null => return None,
        Json::String(text) => text.clone(),
        Json::Array(items) => {
            let one = |item: &Json| item.text("content").map_or_else(|| item.to_string(), str::to_owned);
            items.iter().map(one).collect::<Vec<_>>().join(" ")
        }
        other => other.to_string(),
    };
    if text.is_empty() || text == "{}" {
        return None;
    }
    let cut: String = text.chars().take(SNIPPET).collect();
    Some(if cut.len() < text.len() { format!("{cut}...") } else { cut })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snippets_are_short() {
        let of = |text: &str| said(&RawJson::parse(text).unwrap());
        for nothing in ["null", "{}", "[]", r#""""#] {
            assert_eq!(of(nothing), None, "{nothing}");
        }
        assert_eq!(of(r#"[{"role":"user","content":"a"},{"content":["b"]}]"#).unwrap(), r#"a {"content":["b"]}"#);
        let long = of(&format!("\"{}\"", "ü".repeat(201))).unwrap();
        assert_eq!(long.chars().count(), 203);
    }
}
