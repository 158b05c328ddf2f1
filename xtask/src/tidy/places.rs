//! What may stand only in certain places: provider ids, outbound clients, paths of one machine.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::Finding;
use super::lexer::{Kind, Token};
use super::tree::File;

/// Said in a comment on the line or the line above, with a reason, it excuses a provider id.
const EXCUSE: &str = "tidy: provider-id";

/// Ids that are also words of another vocabulary, and below which path they are meant so.
const OTHER_MEANINGS: &[(&str, &str)] = &[
    // a kind of tool in two formats, a source of agents in the database
    ("custom", "crates/"),
    // a family of deployment parameters
    ("auto_router", "crates/llm-client/"),
    // a marker: no provider, but a group that stands for others
    ("auto_router", "crates/llm-proxy/src/config/auto.rs"),
    // services that one can send logs to
    ("helicone", "crates/llm-callbacks/"),
    ("humanloop", "crates/llm-callbacks/"),
    ("langfuse", "crates/llm-callbacks/"),
    ("wandb", "crates/llm-callbacks/"),
    // services that judge content
    ("azure", "crates/llm-guardrails/"),
    ("bedrock", "crates/llm-guardrails/"),
    ("typesafe", "crates/llm-guardrails/"),
    // a field of that house's answers
    ("meta", "crates/llm-wire/src/cohere/"),
    // An attribute of every SCIM resource.
    ("meta", "crates/llm-accounts/src/scim/"),
    ("meta", "crates/llm-management/src/scim.rs"),
    // A word of the newer lists of the management API, for the page.
    ("meta", "crates/llm-management/src/routes/spend/seen.rs"),
    ("meta", "crates/llm-wire/src/rerank/"),
    // OpenAI's word for the task
    ("transcribe", "crates/llm-wire/src/voice/"),
    ("transcribe", "crates/llm-simulator/src/openai/media/"),
    // makers of models that a host of pictures serves
    ("openai", "crates/llm-wire/src/images/"),
    ("recraft", "crates/llm-wire/src/images/"),
    // the service that AWS signs for
    ("bedrock", "crates/llm-providers/src/passthrough/"),
    // pieces of names of models
    ("meta", "crates/llm-wire/src/text/"),
    ("mistral", "crates/llm-wire/src/prompt/"),
    // publishers of models that Vertex AI serves
    ("ai21", "crates/llm-providers/src/vertex_ai/"),
    ("anthropic", "crates/llm-providers/src/vertex_ai/"),
    ("codestral", "crates/llm-providers/src/vertex_ai/"),
    ("deepseek", "crates/llm-providers/src/vertex_ai/"),
    ("gemini", "crates/llm-providers/src/vertex_ai/"),
    ("meta", "crates/llm-providers/src/vertex_ai/"),
    ("mistral", "crates/llm-providers/src/vertex_ai/"),
    ("openai", "crates/llm-providers/src/vertex_ai/"),
    ("xai", "crates/llm-providers/src/vertex_ai/"),
    // the format of that name
    ("openai", "crates/llm-wire/src/openai/"),
    ("anthropic", "crates/llm-wire/src/anthropic/"),
];

/// The ids and prefixes of `data/providers.toml`.
pub(crate) fn provider_ids(table: &str) -> Result<BTreeSet<String>> {
    #[derive(Deserialize)]
    struct Table {
        provider: Vec<Row>,
    }
    #[derive(Deserialize)]
    struct Row {
        id: String,
        #[serde(default)]
        prefixes: Vec<String>,
    }
    let table: Table = toml::from_str(table).context("data/providers.toml")?;
    Ok(table.provider.into_iter().flat_map(|row| row.prefixes.into_iter().chain([row.id])).collect())
}

/// Provider ids in string literals of code, outside of the provider's own folder.
pub(crate) fn provider_literals(file: &File, tokens: &[Token<'_>], ids: &BTreeSet<String>) -> Vec<Finding> {
    if !file.path.starts_with("crates/") || file.is_material() || file.is_test() {
        return Vec::new();
    }
    let other = |id: &str| OTHER_MEANINGS.iter().any(|(word, path)| *word == id && file.path.starts_with(path));
    let own = |id: &str| file.path.starts_with(&format!("crates/llm-providers/src/{}/", id.replace('-', "_")));
    let excused = |line: usize| {
        let near = |t: &&Token<'_>| t.kind == Kind::Comment && (t.line == line || t.line + 1 == line);
        tokens.iter().filter(near).any(|t| t.text.contains(EXCUSE))
    };
    let literals = tokens.iter().filter(|t| t.kind == Kind::Text && !t.test);
    let named = literals.filter_map(|t| {
        let first = t.text.split('/').next().unwrap_or(t.text);
        ids.get(first).filter(|id| !own(id) && !other(id) && !excused(t.line)).map(|id| (t.line, id))
    });
    named
        .map(|(line, id)| Finding::new(file, line, format!("provider {id:?} outside of its folder and data/")))
        .collect()
}

/// The outward sides of hyper and rustls, and other HTTP clients.
const CLIENTS: &[&str] = &[
    "hyper::client",
    "hyper_util::client",
    "hyper_rustls",
    "rustls::client",
    "rustls::ClientConfig",
    "tokio_rustls::client",
    "TlsConnector",
    "reqwest",
    "ureq",
];

/// Outbound clients in code outside of llm-http.
pub(crate) fn clients(file: &File, tokens: &[Token<'_>]) -> Vec<Finding> {
    if !file.path.starts_with("crates/") || file.path.starts_with("crates/llm-http/") || file.is_test() {
        return Vec::new();
    }
    let code: Vec<_> = tokens.iter().filter(|t| !t.test && t.kind != Kind::Comment && t.kind != Kind::Text).collect();
    let mut found = Vec::new();
    for at in 0..code.len() {
        let path: String = code.iter().skip(at).take(4).map(|t| t.text).collect();
        let named = |client: &&&str| {
            path.strip_prefix(**client).is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
        };
        if let (Some(client), Some(token)) = (CLIENTS.iter().find(named), code.get(at)) {
            found.push(Finding::new(file, token.line, format!("only llm-http names {client}")));
        }
    }
    found
}

/// Folders in which people and build machines keep their checkouts.
const HOMES: &[&str] = &["work", "home", "root", "Users"];

/// Names of nobody, as examples have them.
const ANYBODY: &[&str] = &["me", "you", "user", "app"];

/// Absolute paths of somebody's machine.
pub(crate) fn machine_paths(file: &File) -> Vec<Finding> {
    let mut found = Vec::new();
    for (number, line) in file.text.lines().enumerate() {
        if let Some(path) = HOMES.iter().find_map(|home| absolute(line, home)) {
            found.push(Finding::new(file, number + 1, format!("{path:?} is a path of one machine")));
        }
    }
    found
}

/// `/home/` with something behind it, unless it is a part of a longer path or an address.
fn absolute(line: &str, home: &str) -> Option<String> {
    let start = format!("/{home}/");
    line.match_indices(&start).find_map(|(at, _)| {
        let before = line.get(..at)?.chars().next_back();
        let inside = before.is_some_and(|c| c.is_alphanumeric() || "_-.~/}*)$".contains(c));
        let rest = line.get(at + start.len()..)?;
        let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || "_-.".contains(*c)).collect();
        (!inside && !name.is_empty() && !ANYBODY.contains(&name.as_str())).then(|| format!("{start}{name}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(found: Vec<Finding>) -> Vec<usize> {
        found.into_iter().map(|f| f.line).collect()
    }

    fn literals(path: &str, source: &str) -> Vec<usize> {
        let ids = provider_ids("[[provider]]\nid = \"acme-ai\"\nprefixes = [\"acme\"]").unwrap();
        let file = File::new(path, source);
        at(provider_literals(&file, &file.tokens(), &ids))
    }

    #[test]
    fn provider_ids_stay_at_home() {
        let source = "fn f() {\n    g(\"acme-ai\");\n    g(\"acme/large\");\n    g(\"acmeist\"); // \"acme\"\n}\n#[cfg(test)]\nmod tests { const A: &str = \"acme\"; }";
        assert_eq!(literals("crates/llm-client/src/plan.rs", source), [2, 3]);
        assert!(literals("crates/llm-providers/src/acme_ai/mod.rs", "const A: &str = \"acme-ai\";").is_empty());
        for path in ["crates/a/tests/t.rs", "crates/a/src/generated/rows.rs", "xtask/src/main.rs"] {
            assert!(literals(path, source).is_empty(), "{path}");
        }
        assert!(
            literals("crates/a/src/b.rs", "// tidy: provider-id: a LiteLLM key is called so\nf(\"acme\")").is_empty()
        );
    }

    #[test]
    fn only_one_crate_goes_out() {
        let found = |path: &str, source: &str| {
            let file = File::new(path, source);
            at(clients(&file, &file.tokens()))
        };
        let source =
            "use hyper::body;\nuse hyper::client::conn;\nuse rustls::ClientConfigs;\nuse rustls::ClientConfig;";
        assert_eq!(found("crates/llm-cache/src/a.rs", source), [2, 4]);
        assert!(found("crates/llm-http/src/a.rs", source).is_empty());
        assert!(found("crates/llm-cache/tests/a.rs", source).is_empty());
        assert!(found("crates/llm-cache/src/a.rs", "// hyper::client\nf(\"reqwest\")").is_empty());
    }

    #[test]
    fn paths_of_a_machine_are_found() {
        let line = |home: &str, rest: &str| format!("cd /{home}/{rest}");
        assert_eq!(absolute(&line("home", "ada/src"), "home").as_deref(), Some(concat!("/ho", "me/ada")));
        assert_eq!(absolute("https://example.com/home/ada", "home"), None);
        assert_eq!(absolute(&line("home", ""), "home"), None);
        assert_eq!(absolute(&line("home", "me/state"), "home"), None);
        let file = File::new("a.md", format!("one\n{}\n", line("work", "main")));
        assert_eq!(at(machine_paths(&file)), [2]);
    }
}
