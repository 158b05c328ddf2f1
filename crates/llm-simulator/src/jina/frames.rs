//! Literal templates of Jina's replies. `@name@` is filled in.

pub(super) const RERANK: &str =
    r#"{"model":@model@,"object":"list","usage":{"total_tokens":@tokens@},"results":[@results@]}"#;
pub(super) const RANKED: &str = r#"{"index":@index@,"relevance_score":@score@@document@}"#;

pub(super) const ERROR: &str = r#"{"detail":@message@}"#;
