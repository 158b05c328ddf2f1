//! DuckDuckGo's instant answers: an abstract, and topics, some of them in groups.
//! <https://duckduckgo.com/api>

use llm_types::{Format, Json, Result};

use super::{answer, asked_by_url, bound, one_text, query, tree};
use crate::codec::{EncodeContext, ReplyContext, ReplyView};
use crate::task::{TaskCodec, TaskOut, TaskReply, TaskRequest, write};

/// The codec.
#[derive(Debug, Clone, Copy)]
pub struct DuckDuckGo;

/// Fields that it knows.
const OWN: [&str; 4] = ["pretty", "no_redirect", "no_html", "skip_disambig"];
/// Fields of every search that it has no words for. The bound is kept when the answer is here.
const FOREIGN: [&str; 3] = ["search_domain_filter", "country", "max_tokens_per_page"];
/// Characters of a title, where a topic has none of its own.
const TITLE: usize = 50;

impl TaskCodec for DuckDuckGo {
    fn format(&self) -> Format {
        Format::DuckDuckGo
    }

    fn encode(&self, request: &TaskRequest, ctx: &mut EncodeContext<'_>) -> Result<TaskOut> {
        let mut fields = write::fields(request);
        let text = one_text(&query(&mut fields)?);
        for name in FOREIGN {
            if write::take(&mut fields, name).is_some() {
                ctx.lost.push(name.to_owned());
            }
        }
        fields.retain(|(name, _)| OWN.contains(&name.as_str()));
        fields.insert(0, ("q".to_owned(), Json::from(text)));
        fields.insert(1, ("format".to_owned(), Json::from("json")));
        Ok(TaskOut { beside: Some("/".to_owned()), ..asked_by_url(fields)? })
    }

    fn decode(&self, request: &TaskRequest, reply: &ReplyView<'_>, _: &ReplyContext) -> Result<TaskReply> {
        let tree = tree(reply)?;
        let mut results = Vec::new();
        let told = |name: &str| tree.text(name).filter(|text| !text.is_empty());
        if let (Some(url), Some(text)) = (told("AbstractURL"), told("AbstractText")) {
            results.push(result(told("Heading").unwrap_or_default(), url, text));
        }
        for topic in tree.get("RelatedTopics").and_then(Json::as_array).unwrap_or_default() {
            match topic.get("Topics").and_then(Json::as_array) {
                Some(group) => results.extend(group.iter().filter_map(found)),
                None => results.extend(found(topic)),
            }
        }
        if let Some(most) = bound(request) {
            results.truncate(usize::try_from(most).unwrap_or(usize::MAX));
        }
        Ok(answer(request, results))
    }
}

/// A topic: a title and a text in one.
fn found(topic: &Json) -> Option<Json> {
    let (text, url) = (topic.text("Text")?, topic.text("FirstURL")?);
    Some(match text.split_once(" - ") {
        Some((title, rest)) => result(title, url, rest),
        None => {
            let short: String = text.chars().take(TITLE).collect();
            let more = if short.len() < text.len() { "..." } else { "" };
            result(&format!("{short}{more}"), url, text)
        }
    })
}

fn result(title: &str, url: &str, snippet: &str) -> Json {
    Json::object([("title", title), ("url", url), ("snippet", snippet)])
}
