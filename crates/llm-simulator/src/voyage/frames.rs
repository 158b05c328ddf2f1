//! Literal templates of Voyage's replies. `@name@` is filled in.

pub(super) const RERANK: &str =
    r#"{"object":"list","data":[@results@],"model":@model@,"usage":{"total_tokens":@tokens@}}"#;
pub(super) const RANKED: &str = r#"{"relevance_score":@score@,"index":@index@@document@}"#;

pub(super) const ERROR: &str = r#"{"detail":@message@}"#;
