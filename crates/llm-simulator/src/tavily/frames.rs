//! Literal templates of Tavily's replies. `@name@` is filled in.

pub(super) const SEARCH: &str = r#"{"query":@query@,"follow_up_questions":null,"answer":null,"images":[],"results":[@results@],"response_time":0.98,"request_id":@id@}"#;

pub(super) const RESULT: &str = r#"{"url":@url@,"title":@title@,"content":@text@,"score":@score@,"raw_content":null}"#;

pub(super) const ERROR: &str = r#"{"detail":{"error":@message@}}"#;
