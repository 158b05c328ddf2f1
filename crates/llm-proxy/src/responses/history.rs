//! The conversation before a turn, as a list of items.

use std::sync::Arc;

use llm_types::{Json, RawJson};
use llm_wire::top::Top;

use super::book::{Book, Record};

/// Answers before one another that are followed.
const LONGEST: usize = 1000;

/// Where answers are looked for.
pub(super) struct Books<'a> {
    pub(super) beside: Option<&'a Book>,
    pub(super) book: &'a Book,
}

impl Books<'_> {
    async fn get(&self, id: &str) -> Option<Arc<Record>> {
        if let Some(beside) = self.beside
            && let Some(record) = beside.get(id).await
        {
            return Some(record);
        }
        self.book.get(id).await
    }
}

/// The items of the conversation up to an answer, oldest first; nothing when the answer is not in the books. `foreign`:
/// they go to a provider that keeps answers, but did not keep these.
pub(super) async fn history(books: &Books<'_>, last: &str, foreign: bool) -> Option<Vec<RawJson>> {
    let mut turns = Vec::new();
    let mut id = Some(last.to_owned());
    while let Some(at) = id.take() {
        // A beginning that is forgotten makes the whole conversation another one.
        let record = books.get(&at).await?;
        let top = Top::parse(&record.response).ok()?;
        let output = RawJson::parse(top.get("output")?).ok()?;
        let output = if foreign { without_ids(&output)? } else { output };
        turns.push((record.input.clone(), output));
        if turns.len() > LONGEST {
            return None;
        }
        id.clone_from(&record.previous);
    }
    Some(turns.into_iter().rev().flat_map(|(input, output)| [input, output]).collect())
}

/// Output as input for a provider that would look its items up by their ids: without ids, and without thoughts that
/// cannot be read without them.
fn without_ids(output: &RawJson) -> Option<RawJson> {
    let Json::Array(mut items) = output.read::<Json>().ok()? else { return None };
    items.retain(|item| {
        item.text("type") != Some("reasoning") || item.get("encrypted_content").is_some_and(|c| !c.is_null())
    });
    for item in &mut items {
        if let Json::Object(fields) = item {
            fields.retain(|(name, _)| name != "id");
        }
    }
    Some(Json::Array(items).to_raw())
}

/// Lists of items as one.
pub(super) fn joined(lists: &[RawJson], last: &RawJson) -> String {
    let inside = lists.iter().chain([last]).map(|list| list.get().trim());
    let inside = inside.filter_map(|list| list.strip_prefix('[')?.strip_suffix(']'));
    let filled: Vec<&str> = inside.map(str::trim).filter(|list| !list.is_empty()).collect();
    format!("[{}]", filled.join(","))
}

/// The input as a list of items: a text is a message of the user.
pub(super) fn items(input: Option<&str>) -> RawJson {
    let raw = match input {
        Some(list) if list.starts_with('[') => list.to_owned(),
        Some(text) if text.starts_with('"') => format!("[{{\"role\":\"user\",\"content\":{text}}}]"),
        _ => "[]".to_owned(),
    };
    RawJson::parse(raw).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn lists_of_items_are_joined() {
        let list = |text: &str| RawJson::parse(text).unwrap();
        assert_eq!(joined(&[list("[1, 2]"), list("[ ]"), list(" [3]")], &list("[4]")), "[1, 2,3,4]");
        assert_eq!(joined(&[], &list("[]")), "[]");
        assert_eq!(items(Some("\"a\"")).get(), r#"[{"role":"user","content":"a"}]"#);
        assert_eq!(items(None).get(), "[]");
    }

    #[tokio::test]
    async fn a_conversation_is_followed_to_its_beginning() {
        let book = Book::new(None);
        let put = |id: &str, previous: Option<&str>, item: &str| {
            let response = Bytes::from(format!("{{\"output\":[\"answer to {item}\"]}}"));
            let input = RawJson::parse(format!("[\"{item}\"]")).unwrap();
            book.put(id, Record { previous: previous.map(str::to_owned), input, response }, false, None);
        };
        put("1", None, "a");
        put("2", Some("1"), "b");
        put("lost", Some("gone"), "c");
        let beside = Book::small();
        let books = Books { beside: Some(&beside), book: &book };
        let all = history(&books, "2", false).await.unwrap();
        assert_eq!(joined(&all, &items(None)), r#"["a","answer to a","b","answer to b"]"#);
        assert!(history(&books, "lost", false).await.is_none() && history(&books, "3", false).await.is_none());
        let response = Bytes::from_static(
            b"{\"output\":[{\"type\":\"reasoning\",\"id\":\"rs\"},{\"type\":\"message\",\"id\":\"msg\"}]}",
        );
        let record = Record { previous: Some("1".to_owned()), input: RawJson::parse("[\"d\"]").unwrap(), response };
        beside.put("3", record, false, None);
        book.put(
            "1",
            Record { previous: None, input: items(None), response: Bytes::from_static(b"{\"output\":[]}") },
            false,
            None,
        );
        let all = history(&books, "3", true).await.unwrap();
        assert_eq!(joined(&all, &items(None)), r#"["d",{"type":"message"}]"#);
    }
}
