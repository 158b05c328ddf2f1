//! Snowflake Cortex: Claude speaks its house's language, everyone else OpenAI's; keys are of two kinds.

mod messages;

use bytes::Bytes;
use llm_types::{Error, Format, Kind, OperationKind, Result};
use llm_wire::ModelCaps;
use llm_wire::top::Top;

use crate::anthropic::guest;
use crate::endpoint::{no_key, row_protocols};
use crate::generated;
use crate::provider::{Call, Endpoint, Protocols, Provider, Want, not_served};
use crate::row::ProviderRow;

/// The provider.
#[derive(Debug)]
pub struct Snowflake;

/// The prefix of keys that are programmatic access tokens.
const PAT: &str = "pat/";

/// Below which the operations are.
const ROOT: &str = "/api/v2";

impl Provider for Snowflake {
    fn row(&self) -> &'static ProviderRow {
        &generated::SNOWFLAKE
    }

    fn protocols(&self, want: &Want<'_>) -> Protocols {
        if want.operation != OperationKind::Generate {
            return row_protocols(self.row(), want);
        }
        let mut out = Protocols::default();
        out.push(if want.model.contains("claude") { Format::AnthropicMessages } else { Format::OpenAiChat });
        out
    }

    fn endpoint(&self, call: &Call<'_>, out: &mut Endpoint) -> Result<()> {
        let (row, paths) = (self.row(), &self.row().paths);
        let path = match call.format {
            Format::AnthropicMessages => paths.messages,
            Format::OpenAiChat => paths.chat,
            _ => paths.embeddings,
        };
        let want = Want { operation: call.operation, format: call.format, model: call.model };
        let path = path.ok_or_else(|| not_served(row, &want))?;
        let base = base(call)?;
        let base = base.trim_end_matches('/');
        let root = if base.ends_with(ROOT) { "" } else { ROOT };
        out.url = if base.ends_with(path) { base.to_owned() } else { format!("{base}{root}{path}") };
        let key = row.key(call.api_key, call.params).ok_or_else(|| no_key(row))?;
        let (kind, token) = match key.expose().strip_prefix(PAT) {
            Some(token) => ("PROGRAMMATIC_ACCESS_TOKEN", token),
            None => ("KEYPAIR_JWT", key.expose()),
        };
        out.set("authorization", &format!("Bearer {token}"))?;
        out.set("x-snowflake-authorization-token-type", kind)?;
        out.set("content-type", "application/json")?;
        out.set("accept", "application/json")?;
        if call.format == Format::AnthropicMessages {
            out.set("anthropic-version", "2023-06-01")?;
        }
        out.set_extra(call.params)
    }

    /// Answers are short where nobody says how long they may be; every Claude may be asked to think.
    fn caps(&self, _model: &str, caps: ModelCaps) -> ModelCaps {
        ModelCaps { max_output_tokens: Some(4096), reasoning: true, ..caps }
    }

    fn prepares(&self, call: &Call<'_>) -> bool {
        call.operation == OperationKind::Generate
    }

    /// Every choice is written out. The bound of an answer has another name for those who speak OpenAI's language.
    fn prepare(&self, call: &Call<'_>, body: Bytes) -> Result<Bytes> {
        if call.format == Format::AnthropicMessages && call.client_format != Format::AnthropicMessages {
            return messages::rewrite(&body);
        }
        let top = Top::parse(&body)?;
        let moved = match call.format {
            Format::AnthropicMessages => guest::edits(self.row(), call, &top),
            _ => Vec::new(),
        };
        let mut edits: Vec<(&str, Option<&str>)> = moved.iter().map(|(name, new)| (*name, new.as_deref())).collect();
        if top.get("stream").is_none() {
            edits.push(("stream", Some("false")));
        }
        if call.format == Format::OpenAiChat
            && let Some(max) = top.get("max_tokens")
        {
            edits.push(("max_tokens", None));
            edits.push(("max_completion_tokens", Some(max)));
        }
        Ok(if edits.is_empty() { body.clone() } else { top.edited(&edits) })
    }
}

/// The deployment's base, else that of the account.
fn base(call: &Call<'_>) -> Result<String> {
    if let Some(base) = call.api_base.filter(|b| !b.is_empty()) {
        return Ok(base.to_owned());
    }
    let account = call.params.str("account_id").map(str::to_owned);
    let account = account.or_else(|| call.params.env("SNOWFLAKE_ACCOUNT_ID")).ok_or_else(|| {
        Error::new(Kind::BadRequest, "provider snowflake needs an account: give account_id or set SNOWFLAKE_ACCOUNT_ID")
            .with_param("account_id")
    })?;
    Ok(format!("https://{account}.snowflakecomputing.com{ROOT}"))
}

#[cfg(test)]
mod tests {
    use llm_types::{Json, Secret};

    use super::*;
    use crate::params::Params;

    fn sent(model: &str, key: &str, api_base: Option<&str>) -> (Endpoint, String) {
        let params = Params::without_env([("account_id", Json::from("org-acc"))]);
        let key = Secret::new(key);
        let want = Want { operation: OperationKind::Generate, format: Format::OpenAiChat, model };
        let call = Call {
            api_base,
            api_key: Some(&key),
            ..Call::new(OperationKind::Generate, Snowflake.protocols(&want).best().unwrap(), model, &params)
        };
        let mut out = Endpoint::default();
        Snowflake.endpoint(&call, &mut out).unwrap();
        let body = Snowflake.prepare(&call, Bytes::from_static(br#"{"max_tokens":9}"#)).unwrap();
        (out, String::from_utf8(body.to_vec()).unwrap())
    }

    #[test]
    fn houses_languages_and_keys() {
        let (out, body) = sent("llama3.1-70b", "pat/secret", None);
        assert_eq!(out.url, "https://org-acc.snowflakecomputing.com/api/v2/cortex/v1/chat/completions");
        assert_eq!(out.headers["x-snowflake-authorization-token-type"], "PROGRAMMATIC_ACCESS_TOKEN");
        assert_eq!(out.headers["authorization"], "Bearer secret");
        assert_eq!(body, r#"{"stream":false,"max_completion_tokens":9}"#);
        let (out, body) = sent("claude-3-5-sonnet", "jwt", Some("http://up.test"));
        assert_eq!(out.url, "http://up.test/api/v2/cortex/v1/messages");
        assert_eq!(out.headers["x-snowflake-authorization-token-type"], "KEYPAIR_JWT");
        assert_eq!(body, r#"{"max_tokens":9,"messages":[],"stream":false}"#);
    }
}
