//! Searches that were made for a model: what it is told of them, and what the client is.

use llm_types::Json;

use super::searching::NAME;

/// A call that was made.
#[derive(Debug, Default)]
pub(super) struct Made {
    pub(super) id: String,
    pub(super) queries: Vec<String>,
    /// OpenAI's results.
    pub(super) found: Vec<Json>,
    pub(super) failed: bool,
    /// It was one of too many.
    pub(super) left: bool,
}

impl Made {
    /// A call that is not made.
    pub(super) fn left(call: &Json) -> Self {
        let id = call.text("call_id").unwrap_or_default().to_owned();
        Self { id, failed: true, left: true, ..Self::default() }
    }

    /// What the model is told.
    pub(super) fn told(&self) -> String {
        if self.left {
            return "Too many searches at once: this one was not made.".to_owned();
        }
        if self.found.is_empty() {
            return if self.failed { "The search failed.".to_owned() } else { "Nothing was found.".to_owned() };
        }
        let one = |(at, result): (usize, &Json)| {
            let name = result.text("filename").or_else(|| result.text("file_id")).unwrap_or_default();
            format!("[{}] {name}\n{}", at + 1, text(result))
        };
        self.found.iter().enumerate().map(one).collect::<Vec<_>>().join("\n\n")
    }

    /// What the client is told.
    fn item(&self, results: bool) -> Json {
        let result = |found: &Json| {
            let of = |name: &str| found.get(name).cloned().unwrap_or_default();
            Json::object([
                ("file_id", of("file_id")),
                ("filename", of("filename")),
                ("score", of("score")),
                ("attributes", of("attributes")),
                ("text", Json::from(text(found))),
            ])
        };
        let told = if results { Json::Array(self.found.iter().map(result).collect()) } else { Json::Null };
        let failed = self.failed && self.found.is_empty();
        Json::object([
            ("id", Json::from(format!("fs_{}", self.id))),
            ("type", Json::from("file_search_call")),
            ("status", Json::from(if failed { "failed" } else { "completed" })),
            ("queries", Json::Array(self.queries.iter().map(|query| Json::from(query.as_str())).collect())),
            ("results", told),
        ])
    }
}

fn text(result: &Json) -> String {
    let parts = result.get("content").and_then(Json::as_array).unwrap_or_default();
    parts.iter().filter_map(|part| part.text("text")).collect::<Vec<_>>().join("\n")
}

/// Tells in the last answer what was searched, and which files its text stands on. What the model still wished to search is
/// no call of the client's.
pub(super) fn tell(answer: &mut Json, made: &[Made], results: bool) {
    let Some(Json::Array(output)) = answer.get_mut("output") else { return };
    output.retain(|item| item.text("name") != Some(NAME));
    let mut files: Vec<(&str, &str)> = Vec::new();
    for found in made.iter().flat_map(|made| &made.found) {
        let file = (found.text("file_id").unwrap_or_default(), found.text("filename").unwrap_or_default());
        if !file.0.is_empty() && !files.contains(&file) {
            files.push(file);
        }
    }
    let message = output.iter_mut().rev().find(|item| item.text("type") == Some("message"));
    if let Some(Json::Array(parts)) = message.and_then(|message| message.get_mut("content"))
        && let Some(part) = parts.iter_mut().rev().find(|part| part.text("type") == Some("output_text"))
    {
        let end = part.text("text").unwrap_or_default().chars().count() as u64;
        let cited = files.iter().map(|(id, name)| {
            Json::object([
                ("type", Json::from("file_citation")),
                ("index", Json::from(end)),
                ("file_id", Json::from(*id)),
                ("filename", Json::from(*name)),
            ])
        });
        let own = part.get("annotations").and_then(Json::as_array).unwrap_or_default().to_vec();
        part.set("annotations", Json::Array(own.into_iter().chain(cited).collect()));
    }
    output.splice(0..0, made.iter().map(|made| made.item(results)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Json {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn answers_tell_what_was_searched() {
        let found =
            json(r#"{"file_id":"file-1","filename":"a.txt","score":0.9,"content":[{"type":"text","text":"T"}]}"#);
        let made = Made {
            id: "c".to_owned(),
            queries: vec!["q".to_owned()],
            found: vec![found.clone(), found],
            ..Made::default()
        };
        assert_eq!(made.told(), "[1] a.txt\nT\n\n[2] a.txt\nT");
        let mut answer = json(
            r#"{"output":[{"type":"function_call","name":"litellm_file_search"},{"type":"message","content":[{"type":"output_text","text":"Grün"}]}]}"#,
        );
        tell(&mut answer, &[made], false);
        let wanted = r#"{"output":[{"id":"fs_c","type":"file_search_call","status":"completed","queries":["q"],"results":null},{"type":"message","content":[{"type":"output_text","text":"Grün","annotations":[{"type":"file_citation","index":4,"file_id":"file-1","filename":"a.txt"}]}]}]}"#;
        assert_eq!(answer.to_string(), wanted);
        let failed = Made { failed: true, ..Made::default() };
        assert_eq!((failed.told().as_str(), failed.item(true).text("status")), ("The search failed.", Some("failed")));
    }
}
