//! Microsoft Foundry's grounding with Bing: a model of a project answers by its Responses interface with a search tool,
//! and what it cites are the results.
//! <https://learn.microsoft.com/azure/ai-foundry/agents/how-to/tools/bing-grounding>

use llm_types::{Error, Format, Json, Result};

use super::{answer, bound, one_text, query};
use crate::codec::{EncodeContext, ReplyContext, ReplyView};
use crate::openai::errors;
use crate::task::write;
use crate::task::{TaskCodec, TaskOut, TaskReply, TaskRequest};

/// The codec. The provider says by the fields `model` and `project_connection_id` who answers and which search is asked.
#[derive(Debug, Clone, Copy)]
pub struct Bing;

/// What the tool is called on the wire.
const TOOL: &str = "bing_grounding"; // tidy: provider-id, the tool's own name
/// Characters of a snippet.
const SNIPPET: usize = 300;

impl TaskCodec for Bing {
    fn format(&self) -> Format {
        Format::BingGrounding
    }

    fn encode(&self, request: &TaskRequest, ctx: &mut EncodeContext<'_>) -> Result<TaskOut> {
        let text = one_text(&query(&mut write::fields(request))?);
        let no_model =
            || Error::bad_request("a model of the project is needed that runs the search").with_param("model");
        let model = request.str("model").ok_or_else(no_model)?;
        let connection = request.str("project_connection_id");
        for name in ["search_domain_filter", "max_tokens_per_page"] {
            if request.fields.get(name).is_some_and(|v| !v.is_null()) {
                ctx.lost.push(name.to_owned());
            }
        }
        let tool = match connection {
            Some(id) => grounding(id, bound(request)),
            None => web_search(request.str("country")),
        };
        let body = vec![
            ("model".to_owned(), Json::from(model)),
            ("input".to_owned(), Json::from(text)),
            ("tools".to_owned(), Json::Array(vec![tool])),
        ];
        Ok(TaskOut { body: write::json(body), ..TaskOut::default() })
    }

    fn decode(&self, request: &TaskRequest, reply: &ReplyView<'_>, _: &ReplyContext) -> Result<TaskReply> {
        let tree: Json =
            serde_json::from_slice(reply.body).map_err(|e| errors::invalid_reply(reply, &e.to_string()))?;
        let output = tree.get("output").and_then(Json::as_array);
        let output = output.ok_or_else(|| errors::invalid_reply(reply, "an answer without output"))?;
        let status = tree.text("status");
        if status == Some("failed") {
            let said = tree.get("error").and_then(|e| e.get("message")?.as_str());
            return Err(errors::refused(reply, said.unwrap_or("the grounded search failed")));
        }
        let mut results = cited(output);
        if let Some(most) = bound(request).filter(|most| *most > 0) {
            results.truncate(usize::try_from(most).unwrap_or(usize::MAX));
        }
        if results.is_empty() && status == Some("incomplete") {
            let reason = tree.get("incomplete_details").and_then(|d| d.get("reason")?.as_str());
            let said = format!("the grounded search was incomplete: {}", reason.unwrap_or("unknown reason"));
            return Err(errors::refused(reply, &said));
        }
        Ok(answer(request, results))
    }
}

fn grounding(connection: &str, count: Option<u64>) -> Json {
    let mut configuration = Json::object([("project_connection_id", connection)]);
    if let Some(count) = count.filter(|c| *c > 0) {
        configuration.set("count", count);
    }
    let search = Json::object([("search_configurations", Json::Array(vec![configuration]))]);
    Json::object([("type", Json::from(TOOL)), (TOOL, search)])
}

fn web_search(country: Option<&str>) -> Json {
    let mut tool = Json::object([("type", "web_search")]);
    if let Some(country) = country {
        let place = [("type", "approximate".to_owned()), ("country", country.to_uppercase())];
        tool.set("user_location", Json::object(place));
    }
    tool
}

/// One result for each address that is cited, in the order of the answer.
fn cited(output: &[Json]) -> Vec<Json> {
    let mut out: Vec<Json> = Vec::new();
    let is = |json: &Json, kind: &str| json.text("type") == Some(kind);
    let list = |json: &Json, name: &str| json.get(name).and_then(Json::as_array).unwrap_or_default().to_vec();
    for part in output.iter().filter(|item| is(item, "message")).flat_map(|item| list(item, "content")) {
        let text = part.text("text").filter(|_| is(&part, "output_text")).unwrap_or_default();
        for note in list(&part, "annotations").iter().filter(|note| is(note, "url_citation")) {
            let Some(url) = note.text("url").filter(|u| !u.is_empty()) else { continue };
            if out.iter().any(|known| known.text("url") == Some(url)) {
                continue;
            }
            let title = note.text("title").unwrap_or_default();
            let marker = note.get("start_index").and_then(Json::as_i64).and_then(|at| usize::try_from(at).ok());
            out.push(Json::object([
                ("title", title.to_owned()),
                ("url", url.to_owned()),
                ("snippet", snippet(text, marker)),
            ]));
        }
    }
    out
}

/// What a citation supports: its line up to the marker, the last characters of it.
fn snippet(text: &str, marker: Option<usize>) -> String {
    let before: String = match marker {
        Some(at) if at <= text.chars().count() => text.chars().take(at).collect(),
        _ => text.to_owned(),
    };
    let claim = before.rsplit('\n').next().unwrap_or_default().trim();
    if claim.is_empty() {
        return text.chars().take(SNIPPET).collect();
    }
    claim.chars().skip(claim.chars().count().saturating_sub(SNIPPET)).collect()
}
