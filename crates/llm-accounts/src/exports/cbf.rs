//! Rows in CloudZero's Common Bill Format, as its AnyCost Stream API takes them: a JSON object a row, numbers as text.
//! Fields and names of resources are those that LiteLLM sends, so that dashboards go on.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use llm_types::Json;

use super::usage::UsageRow;

/// Tags that say nothing are left out.
const SAYS_NOTHING: [&str; 3] = ["", "N/A", "unknown"];

/// Midnight of a day in a zone, as CloudZero wants it: UTC. Nothing for a text that is no day.
pub(super) fn midnight(date: &str, zone: &TimeZone) -> Option<String> {
    let date: Date = date.parse().ok()?;
    let at = date.to_zoned(zone.clone()).ok()?.timestamp();
    Some(at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

/// A row that begins at `start`; nothing for one that no call succeeded of, which costs nothing.
pub(super) fn record(row: &UsageRow, start: &str) -> Option<Json> {
    if row.succeeded <= 0 {
        return None;
    }
    let provider = part(&provider(&row.provider));
    let prefix: String = row.api_key.chars().take(8).collect();
    let account = if row.api_key_alias.is_empty() { prefix.clone() } else { format!("{}|{prefix}", row.api_key_alias) };
    let owner = part(&row.team_id.to_lowercase());
    let id = format!("czrn:litellm:{provider}:cross-region:{owner}:llm-usage:{}", row.resource());
    let mut out = Json::object([
        ("time/usage_start", Json::from(start)),
        ("cost/cost", Json::from(number(row.spend))),
        ("resource/id", Json::from(id)),
        ("usage/amount", Json::from((row.prompt_tokens + row.completion_tokens).to_string())),
        ("usage/units", Json::from("tokens")),
        ("resource/service", Json::from(row.model_group.as_str())),
        ("resource/account", Json::from(account)),
        ("resource/region", Json::from("cross-region")),
        ("resource/usage_family", Json::from(row.provider.as_str())),
        ("action/operation", Json::from(row.team_id.as_str())),
        ("lineitem/type", Json::from("Usage")),
        ("resource/tag:provider", Json::from(provider)),
        ("resource/tag:model", Json::from(row.resource())),
    ]);
    let entity = [&row.team_alias, &row.team_id].into_iter().find(|name| !name.is_empty());
    let count = |count: i64| count.to_string();
    let tags = [
        ("entity_type", "team".to_owned()),
        ("entity_id", entity.cloned().unwrap_or_default()),
        ("team_alias", row.team_alias.clone()),
        ("model_group", row.model_group.clone()),
        ("provider", row.provider.clone()),
        ("model", row.model.clone()),
        ("api_key_prefix", prefix),
        ("api_key_alias", row.api_key_alias.clone()),
        ("user_email", row.user_email.clone()),
        ("api_requests", count(row.requests)),
        ("successful_requests", count(row.succeeded)),
        ("failed_requests", count(row.failed)),
        ("cache_creation_tokens", count(row.cache_creation_tokens)),
        ("cache_read_tokens", count(row.cache_read_tokens)),
        ("organization_alias", row.organization_alias.clone()),
    ];
    for (name, value) in tags {
        if !SAYS_NOTHING.contains(&value.as_str()) {
            out.set(&format!("resource/tag:{name}"), value);
        }
    }
    for (name, tokens) in [("prompt_tokens", row.prompt_tokens), ("completion_tokens", row.completion_tokens)] {
        if tokens > 0 {
            out.set(&format!("resource/tag:{name}"), count(tokens));
        }
    }
    Some(out)
}

/// A provider as CloudZero names it.
fn provider(id: &str) -> String {
    let id = id.to_lowercase().replace('_', "-");
    match id.as_str() {
        // tidy: provider-id: a cloud in CloudZero's words
        "bedrock" => "aws".to_owned(),
        // tidy: provider-id: a house in CloudZero's words
        "gemini" => "google".to_owned(),
        _ => id,
    }
}

/// A part of a resource's name: letters, digits and single hyphens.
fn part(text: &str) -> String {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let part = words.collect::<Vec<_>>().join("-");
    if part.is_empty() { "unknown".to_owned() } else { part }
}

/// A number as CloudZero takes it: ten digits behind the point at the most, never with an exponent.
fn number(value: f64) -> String {
    let text = format!("{value:.10}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text.is_empty() || text == "-0" { "0".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> UsageRow {
        UsageRow {
            date: "2026-11-29".to_owned(),
            user_id: "u".to_owned(),
            user_email: "u@example.com".to_owned(),
            api_key: "88dc28d0f030c55e".to_owned(),
            api_key_alias: "ci".to_owned(),
            team_id: "Team_1  x".to_owned(),
            team_alias: "Red".to_owned(),
            model: "gpt-4o".to_owned(),
            model_group: "smart".to_owned(),
            provider: "vertex_ai".to_owned(),
            prompt_tokens: 100,
            completion_tokens: 20,
            requests: 3,
            succeeded: 2,
            failed: 1,
            spend: 0.000_001_5,
            ..UsageRow::default()
        }
    }

    #[test]
    fn a_row() {
        let told = record(&row(), "2026-11-29T00:00:00Z").unwrap();
        let wanted = concat!(
            r#"{"time/usage_start":"2026-11-29T00:00:00Z","cost/cost":"0.0000015","#,
            r#""resource/id":"czrn:litellm:vertex-ai:cross-region:team-1-x:llm-usage:gpt-4o","usage/amount":"120","#,
            r#""usage/units":"tokens","resource/service":"smart","resource/account":"ci|88dc28d0","#,
            r#""resource/region":"cross-region","resource/usage_family":"vertex_ai","action/operation":"Team_1  x","#,
            r#""lineitem/type":"Usage","resource/tag:provider":"vertex_ai","resource/tag:model":"gpt-4o","#,
            r#""resource/tag:entity_type":"team","resource/tag:entity_id":"Red","resource/tag:team_alias":"Red","#,
            r#""resource/tag:model_group":"smart","resource/tag:api_key_prefix":"88dc28d0","#,
            r#""resource/tag:api_key_alias":"ci","resource/tag:user_email":"u@example.com","#,
            r#""resource/tag:api_requests":"3","resource/tag:successful_requests":"2","#,
            r#""resource/tag:failed_requests":"1","resource/tag:cache_creation_tokens":"0","#,
            r#""resource/tag:cache_read_tokens":"0","resource/tag:prompt_tokens":"100","#,
            r#""resource/tag:completion_tokens":"20"}"#
        );
        assert_eq!(told.to_string(), wanted);
    }

    #[test]
    fn what_is_missing() {
        let bare = UsageRow { succeeded: 1, tool: "srv/tool".to_owned(), ..UsageRow::default() };
        let told = record(&bare, "x").unwrap();
        assert_eq!(told.text("resource/id"), Some("czrn:litellm:unknown:cross-region:unknown:llm-usage:srv/tool"));
        assert_eq!(told.get("resource/tag:team_alias"), None);
        assert_eq!(record(&UsageRow { succeeded: 0, ..row() }, "x"), None, "no call succeeded");
    }

    #[test]
    fn numbers_and_days() {
        for (value, wanted) in [(0.0, "0"), (12.5, "12.5"), (1e-7, "0.0000001"), (3e-12, "0"), (1_000_000.0, "1000000")]
        {
            assert_eq!(number(value), wanted);
        }
        let zone = |name: &str| TimeZone::get(name).unwrap();
        assert_eq!(midnight("2026-07-01", &zone("UTC")).unwrap(), "2026-07-01T00:00:00Z");
        assert_eq!(midnight("2026-07-01", &zone("America/New_York")).unwrap(), "2026-07-01T04:00:00Z");
        assert_eq!(midnight("yesterday", &zone("UTC")), None);
    }
}
