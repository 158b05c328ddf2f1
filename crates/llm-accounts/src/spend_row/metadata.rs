//! `metadata` of a row: LiteLLM's keys, in its order. Written by hand into one buffer: it is the longest text of a row, and
//! half of it is the same in every call of a caller.

use llm_store::GUARDRAIL_INFORMATION;
use llm_types::Json;
use llm_types::record::Cost;
use memchr::memchr2_iter;
use serde::Serialize;

use crate::journal::{Alike, Own, OwnError, OwnRow};

/// Writes the metadata of calls that have a caller in common.
#[derive(Debug)]
pub(super) struct Metadata {
    /// The buffer: what calls share, then what the last one had of its own.
    text: Fields,
    shared: usize,
    /// `spend_logs_metadata` of key and team.
    spend_logs_metadata: Option<Box<str>>,
}

#[derive(Debug, Default)]
struct Fields(Vec<u8>);

impl Fields {
    fn name(&mut self, name: &str) {
        self.0.extend_from_slice(if self.0.is_empty() { b"{\"" } else { b",\"" });
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(b"\":");
    }

    /// A value of ours: numbers, texts, lists of them.
    fn put(&mut self, name: &str, value: &(impl Serialize + ?Sized)) {
        self.name(name);
        let start = self.0.len();
        if serde_json::to_writer(&mut self.0, value).is_err() {
            self.0.truncate(start);
            self.0.extend_from_slice(b"null");
        }
    }

    /// JSON text of an upstream, without the white space between its parts: many write it over a dozen lines.
    fn compact(&mut self, name: &str, json: Option<&str>) {
        let Some(json) = json.filter(|json| json.contains('\n')) else { return self.raw(name, json) };
        self.name(name);
        let mut rest = json.as_bytes();
        while let Some((first, _)) = rest.split_first() {
            let piece = match first {
                b'"' => text_end(rest),
                byte if WHITE.contains(byte) => {
                    rest = rest.trim_ascii_start();
                    continue;
                }
                _ => rest.iter().position(|byte| *byte == b'"' || WHITE.contains(byte)).unwrap_or(rest.len()),
            };
            let (piece, behind) = rest.split_at(piece);
            self.0.extend_from_slice(piece);
            rest = behind;
        }
    }

    /// JSON text.
    fn raw(&mut self, name: &str, json: Option<&str>) {
        self.name(name);
        self.0.extend_from_slice(json.unwrap_or("null").as_bytes());
    }
}

/// What may stand between the parts of JSON.
const WHITE: [u8; 4] = *b" \n\r\t";

/// Where a text ends that begins here, its quotes included.
fn text_end(json: &[u8]) -> usize {
    let mut marks = memchr2_iter(b'"', b'\\', json).skip(1);
    let mut escaped = None;
    loop {
        match marks.next() {
            Some(at) if escaped == Some(at) => {}
            Some(at) if json.get(at) == Some(&b'\\') => escaped = Some(at + 1),
            Some(at) => return at + 1,
            None => return json.len(),
        }
    }
}

#[derive(Serialize)]
struct Breakdown {
    input_cost: f64,
    output_cost: f64,
    total_cost: f64,
    tool_usage_cost: f64,
    cache_read_cost: f64,
    cache_creation_cost: f64,
    original_cost: f64,
    discount_amount: f64,
    margin_total_amount: f64,
}

impl From<&Cost> for Breakdown {
    fn from(cost: &Cost) -> Self {
        Self {
            input_cost: cost.input,
            output_cost: cost.output,
            total_cost: cost.total,
            tool_usage_cost: cost.tools,
            cache_read_cost: cost.cache_read,
            cache_creation_cost: cost.cache_write,
            original_cost: cost.original,
            discount_amount: cost.discount,
            margin_total_amount: cost.margin,
        }
    }
}

#[derive(Serialize)]
struct ErrorInformation<'a> {
    error_code: String,
    error_class: &'a str,
    llm_provider: &'a str,
    error_message: &'a str,
    traceback: &'static str,
}

impl<'a> From<OwnError<'a>> for ErrorInformation<'a> {
    fn from(error: OwnError<'a>) -> Self {
        Self {
            error_code: error.status.to_string(),
            error_class: error.class,
            llm_provider: error.provider.unwrap_or_default(),
            error_message: error.message,
            traceback: "",
        }
    }
}

/// `spend_logs_metadata` of the request, with what key and team say beside it; the request wins.
fn spend_logs_metadata(metadata: &str, own: Option<&str>) -> Option<Json> {
    if !metadata.contains("spend_logs_metadata") {
        return None;
    }
    let metadata: Json = serde_json::from_str(metadata).ok()?;
    let mut both = metadata.get("spend_logs_metadata").filter(|said| said.as_object().is_some())?.clone();
    let own = own.and_then(|own| serde_json::from_str::<Json>(own).ok()).unwrap_or_default();
    for (name, value) in own.as_object().unwrap_or_default() {
        if both.get(name).is_none() {
            both.set(name, value.clone());
        }
    }
    Some(both)
}

impl Metadata {
    pub(super) fn new(alike: &Alike<'_>) -> Self {
        let mut text = Fields::default();
        for (name, value) in [
            ("user_api_key", alike.key),
            ("user_api_key_alias", alike.key_alias),
            ("user_api_key_user_id", alike.user),
            ("user_api_key_user_email", alike.user_email),
            ("user_api_key_team_id", alike.team),
            ("user_api_key_team_alias", alike.team_alias),
            ("user_api_key_org_id", alike.organization),
            ("user_api_key_project_id", alike.project),
            ("user_api_key_end_user_id", alike.end_user),
        ] {
            text.put(name, &value);
        }
        let shared = text.0.len();
        Self { text, shared, spend_logs_metadata: alike.spend_logs_metadata.map(Into::into) }
    }

    /// The metadata of one call, as JSON text.
    pub(super) fn of(&mut self, alike: &Alike<'_>, own: &Own<'_>, row: &OwnRow<'_>) -> &str {
        let text = &mut self.text;
        text.0.truncate(self.shared);
        let of_caller = self.spend_logs_metadata.as_deref();
        match row.metadata.and_then(|metadata| spend_logs_metadata(metadata, of_caller)) {
            Some(both) => text.put("spend_logs_metadata", &both),
            None => text.raw("spend_logs_metadata", of_caller),
        }
        if row.metadata.is_some() {
            text.raw("requester_metadata", row.metadata);
        }
        text.put("requester_ip_address", &row.ip);
        text.put("user_agent", &alike.user_agent);
        text.raw("applied_guardrails", Some(row.guardrails.unwrap_or("[]")));
        if row.guardrail_information.is_some() {
            text.raw(GUARDRAIL_INFORMATION, row.guardrail_information);
        }
        text.compact("usage_object", row.usage_raw);
        text.raw("additional_usage_values", row.usage);
        text.put("cost_breakdown", &alike.told.then(|| Breakdown::from(&row.cost)));
        if row.cost_problem.is_some() {
            text.put("response_cost_failure_debug_info", &row.cost_problem);
        }
        text.put("error_information", &row.error.map(ErrorInformation::from));
        text.put("status", if alike.success { "success" } else { "failure" });
        text.put("attempted_retries", &row.retries);
        text.put("attempted_fallbacks", &row.fallbacks);
        text.put("original_model_group", &(alike.model_group != alike.group).then_some(alike.group));
        let took = own.end_us.saturating_sub(own.start_us) as f64;
        let overhead = (took - row.upstream_us as f64).max(0.0) / 1000.0;
        text.put("litellm_overhead_time_ms", &alike.told.then_some(overhead));
        if alike.interrupted {
            text.put("interrupted", &true);
        }
        text.0.push(b'}');
        std::str::from_utf8(&text.0).unwrap_or("{}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_requests_metadata_win_over_the_keys() {
        let of = |metadata, own| spend_logs_metadata(metadata, own).map(|both| both.to_string());
        let own = Some(r#"{"a":1,"b":2}"#);
        assert_eq!(of(r#"{"a":1}"#, own), None);
        assert_eq!(of(r#"{"spend_logs_metadata":"text"}"#, own), None);
        let both = of(r#"{"spend_logs_metadata":{"b":3,"c":4}}"#, own);
        assert_eq!(both.as_deref(), Some(r#"{"b":3,"c":4,"a":1}"#));
        assert_eq!(of(r#"{"spend_logs_metadata":{"b":3}}"#, None).as_deref(), Some(r#"{"b":3}"#));
    }

    #[test]
    fn white_space_goes_texts_stay() {
        let json = "{\n  \"a b\": [1, 2,\t3],\r\n \"c\\\" \\\\\": \" x\\n y \" }";
        let mut fields = Fields::default();
        fields.compact("u", Some(json));
        fields.0.push(b'}');
        assert_eq!(String::from_utf8(fields.0).unwrap(), r#"{"u":{"a b":[1,2,3],"c\" \\":" x\n y "}}"#);
    }
}
