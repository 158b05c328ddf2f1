//! Anthropic's files in OpenAI's words. <https://platform.claude.com/docs/en/api/beta/files>,
//! <https://platform.openai.com/docs/api-reference/files/object>

use llm_types::Json;

use super::moment::seconds;

/// OpenAI's object of a file, of a list of files, or of a removal; nothing for other answers.
pub(super) fn told(reply: &[u8]) -> Option<Json> {
    let reply: Json = serde_json::from_slice(reply).ok()?;
    let id = || reply.text("id").map(Json::from);
    match reply.text("type") {
        Some("file") => Some(file(&reply)),
        Some("file_deleted") => {
            Some(Json::object([("id", id()?), ("object", Json::from("file")), ("deleted", Json::from(true))]))
        }
        _ => {
            let files = reply.get("data")?.as_array()?.iter().map(file).collect();
            let kept = |name: &str| reply.get(name).cloned().unwrap_or_default();
            Some(Json::object([
                ("object", Json::from("list")),
                ("data", Json::Array(files)),
                ("first_id", kept("first_id")),
                ("last_id", kept("last_id")),
                ("has_more", Json::from(kept("has_more") == Json::from(true))),
            ]))
        }
    }
}

fn file(file: &Json) -> Json {
    let text = |name: &str| Json::from(file.text(name).unwrap_or_default());
    Json::object([
        ("id", text("id")),
        ("object", Json::from("file")),
        ("bytes", Json::from(file.get("size_bytes").and_then(Json::as_i64).unwrap_or_default())),
        ("created_at", Json::from(file.text("created_at").and_then(seconds).unwrap_or_default())),
        ("filename", text("filename")),
        ("purpose", Json::from("messages")),
        ("status", Json::from("uploaded")),
        ("expires_at", Json::Null),
        ("status_details", Json::Null),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_in_the_words_of_openai() {
        let one = r#"{"id":"file_1","type":"file","filename":"a.txt","mime_type":"text/plain","size_bytes":5,"created_at":"2025-04-14T00:00:00Z"}"#;
        let openai = r#"{"id":"file_1","object":"file","bytes":5,"created_at":1744588800,"filename":"a.txt","purpose":"messages","status":"uploaded","expires_at":null,"status_details":null}"#;
        assert_eq!(told(one.as_bytes()).unwrap().to_string(), openai);
        let page = format!(r#"{{"data":[{one}],"first_id":"file_1","last_id":"file_1","has_more":true}}"#);
        assert_eq!(
            told(page.as_bytes()).unwrap().to_string(),
            format!(r#"{{"object":"list","data":[{openai}],"first_id":"file_1","last_id":"file_1","has_more":true}}"#)
        );
        let gone = told(br#"{"id":"file_1","type":"file_deleted"}"#).unwrap();
        assert_eq!(gone.to_string(), r#"{"id":"file_1","object":"file","deleted":true}"#);
        assert_eq!(told(br#"{"type":"error"}"#), None);
    }
}
