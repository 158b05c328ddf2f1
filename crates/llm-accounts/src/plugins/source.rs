//! Where a plugin is. Forms and messages are LiteLLM's.

use llm_types::{Error, Json};

use crate::keys::bad;
use crate::request::{FieldProblem, Outcome, Problem};

/// Where code is kept.
const GITHUB: &str = "github"; // a host of code, not of models. tidy: provider-id

fn wrong(why: &str) -> Problem {
    let error: Error = bad(why).with_param("source");
    error.into()
}

/// Whether a source is one: `{"source": "github", "repo": ...}`, `url`, `git-subdir` (with `path`), `archive`.
///
/// # Errors
/// 400 for one that is none, 422 for values that are no texts.
pub(super) fn check(source: &Json) -> Outcome<()> {
    let problem = |(name, value): &(String, Json)| FieldProblem {
        field: format!("source.{name}"),
        kind: "string_type",
        message: "Input should be a valid string",
        input: value.clone(),
    };
    let fields = source.as_object().unwrap_or_default();
    let problems: Vec<_> = fields.iter().filter(|(_, value)| value.as_str().is_none()).map(problem).collect();
    if !problems.is_empty() {
        return Err(Problem::Fields(problems));
    }
    let text = |name: &str| source.text(name).filter(|text| !text.is_empty());
    match source.text("source") {
        Some(GITHUB) if text("repo").is_none() => {
            Err(wrong("GitHub source must include 'repo' field (e.g., 'org/repo')"))
        }
        Some("url") if text("url").is_none() => {
            Err(wrong("URL source must include 'url' field (e.g., 'https://github.com/org/repo.git')"))
        }
        Some("git-subdir") if text("url").is_none() => {
            Err(wrong("git-subdir source must include 'url' field (e.g., 'https://github.com/org/repo.git')"))
        }
        Some("git-subdir") => match text("path") {
            None => Err(wrong("git-subdir source must include 'path' field (e.g., 'plugins/plugin-name')")),
            Some(path) if !path.split('/').all(is_segment) => Err(wrong(
                "git-subdir 'path' must be a relative path of the form 'segment/segment' (alphanumeric, dots, hyphens, underscores only)",
            )),
            Some(_) => Ok(()),
        },
        Some("archive") if !text("url").is_some_and(is_https) => Err(wrong(
            "archive source must include an https 'url' field (e.g., 'https://bucket.s3.amazonaws.com/plugins/plugin-name.zip')",
        )),
        Some("archive") if source.text("sha256").is_some_and(|hash| !is_sha256(hash)) => {
            Err(wrong("archive 'sha256' must be a 64-character hex digest"))
        }
        Some(GITHUB | "url" | "archive") => Ok(()),
        _ => Err(wrong("source.source must be 'github', 'url', 'git-subdir', or 'archive'")),
    }
}

fn is_segment(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
}

fn is_https(text: &str) -> bool {
    let uri: Option<http::Uri> = text.parse().ok();
    uri.is_some_and(|uri| uri.scheme_str() == Some("https") && uri.host().is_some_and(|host| !host.is_empty()))
}

fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.chars().all(|c| c.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_that_agents_can_reach() {
        for (text, fine) in [
            (r#"{"source":"github","repo":"org/repo"}"#, true),
            (r#"{"source":"github"}"#, false),
            (r#"{"source":"url","url":"https://host/x.git"}"#, true),
            (r#"{"source":"git-subdir","url":"https://host/x.git","path":"plugins/a-b.c"}"#, true),
            (r#"{"source":"git-subdir","url":"https://host/x.git","path":"../up"}"#, false),
            (r#"{"source":"git-subdir","url":"https://host/x.git","path":"/abs"}"#, false),
            (r#"{"source":"archive","url":"https://host/x.zip","sha256":"00"}"#, false),
            (r#"{"source":"archive","url":"http://host/x.zip"}"#, false),
            (r#"{"source":"archive","url":"https://host/x.zip"}"#, true),
            (r#"{"source":"ftp"}"#, false),
            (r#"{"source":"github","repo":1}"#, false),
        ] {
            let json: Json = serde_json::from_str(text).unwrap();
            assert_eq!(check(&json).is_ok(), fine, "{text}");
        }
    }
}
