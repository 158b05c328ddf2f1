//! Labels that the operator adds: values of the metadata of a call (`custom_prometheus_metadata_labels`), and whether a call
//! has a tag (`custom_prometheus_tags`).

use std::borrow::Cow;

use llm_types::{Json, LogRecord};

use super::PrometheusSettings;
use super::labels::{Label, NONE, or_none};

/// Values of one label of metadata that are told apart.
const MOST: usize = 1000;

/// The operator's labels.
#[derive(Debug)]
pub(super) struct Own {
    names: Vec<String>,
    /// Paths into metadata, without `metadata.` before them.
    metadata: Vec<String>,
    tags: Vec<String>,
}

impl Own {
    pub(super) fn new(settings: &PrometheusSettings) -> Self {
        let metadata = settings.metadata_labels.iter().map(|key| name(key));
        let tags = settings.tags.iter().map(|tag| name(&format!("tag_{tag}")));
        let path = |key: &String| key.strip_prefix("metadata.").unwrap_or(key).to_owned();
        Self {
            names: metadata.chain(tags).collect(),
            metadata: settings.metadata_labels.iter().map(path).collect(),
            tags: settings.tags.clone(),
        }
    }

    /// The names, in the order of the values.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// Places of labels whose values clients choose, with how many values are told apart.
    pub(super) fn free(&self) -> impl Iterator<Item = (usize, usize)> {
        (0..self.metadata.len()).map(|at| (Label::ALL.len() + at, MOST))
    }

    pub(super) fn values<'a>(&self, r: &'a LogRecord) -> Vec<Cow<'a, str>> {
        let tree: Option<Json> =
            if self.metadata.is_empty() { None } else { r.metadata.as_ref().and_then(|raw| raw.read().ok()) };
        let metadata = self.metadata.iter().map(|path| match known(r, path) {
            Some(value) => or_none(value),
            None => tree.as_ref().and_then(|tree| text(tree, path)).map_or(Cow::Borrowed(NONE), Cow::Owned),
        });
        let agents = if self.tags.is_empty() { Vec::new() } else { agent_tags(r) };
        let tags = self.tags.iter().map(|wanted| {
            let fits = |tag: &String| tag == wanted || (wanted.contains('*') && matches(wanted, tag));
            Cow::Borrowed(if r.tags.iter().chain(&agents).any(fits) { "true" } else { "false" })
        });
        metadata.chain(tags).collect()
    }
}

/// What the gateway itself knows under LiteLLM's names, or that there is none of it: a client cannot say otherwise. Nothing for
/// other names.
fn known<'a>(r: &'a LogRecord, path: &str) -> Option<Option<&'a str>> {
    let c = &r.caller;
    Some(match path {
        "user_api_key_hash" => c.key_hash.as_deref(),
        "user_api_key_alias" => c.key_alias.as_deref(),
        "user_api_key_user_id" => c.user_id.as_deref(),
        "user_api_key_user_email" => c.user_email.as_deref(),
        "user_api_key_team_id" => c.team_id.as_deref(),
        "user_api_key_team_alias" => c.team_alias.as_deref(),
        "user_api_key_org_id" => c.organization_id.as_deref(),
        "user_api_key_project_id" => c.project_id.as_deref(),
        "user_api_key_end_user_id" => c.end_user.as_deref(),
        "user_api_key_request_route" => Some(r.route),
        "requester_ip_address" => r.client_ip.as_deref(),
        "user_agent" => r.user_agent.as_deref(),
        _ => return None,
    })
}

/// The tags that a user agent makes: its product, and all of it.
fn agent_tags(r: &LogRecord) -> Vec<String> {
    let agent = r.user_agent.as_deref().filter(|agent| !agent.is_empty());
    let product = agent.and_then(|agent| agent.split_once('/')).map(|(product, _)| product);
    [product, agent].into_iter().flatten().map(|name| format!("User-Agent: {name}")).collect()
}

/// The text at a path of names with dots between.
fn text(tree: &Json, path: &str) -> Option<String> {
    let found = path.split('.').try_fold(tree, |at, part| at.get(part))?;
    found.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

/// True when a tag is like a pattern, in which `*` stands for anything. LiteLLM's patterns need not reach the end.
fn matches(pattern: &str, tag: &str) -> bool {
    let mut parts = pattern.split('*');
    let rest = parts.next().and_then(|first| tag.strip_prefix(first));
    rest.and_then(|rest| parts.try_fold(rest, |rest, part| rest.split_once(part).map(|(_, after)| after))).is_some()
}

/// A name that Prometheus takes: letters, digits and `_`, no digit first.
fn name(label: &str) -> String {
    let clean: String = label.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if clean.chars().next().is_none_or(|first| first.is_ascii_digit()) { format!("_{clean}") } else { clean }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_matched_as_litellm_does() {
        assert!(matches("User-Agent: curl/*", "User-Agent: curl/7.68.0"));
        assert!(!matches("User-Agent: curl/*", "User-Agent: wget/1"));
        assert!(matches("*-prod", "eu-prod") && !matches("*-prod", "eu-test"));
        assert_eq!(name("tag_User-Agent: x"), "tag_User_Agent__x");
        assert_eq!(name("9a"), "_9a");
    }
}
