//! Which policies are for a call, and the guardrails that they make.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use llm_types::pipeline::Pipeline;

use super::read::{Attachment, Policy, fits};

/// What policies look at in a call.
#[derive(Debug, Clone, Default)]
pub struct PolicyContext<'a> {
    /// The team's alias.
    pub team: Option<&'a str>,
    /// The key's alias.
    pub key: Option<&'a str>,
    /// The model, under the names it has: as the client named it, and what that stands for. None: the call is no model's.
    pub models: &'a [&'a str],
    /// Tags of the call, those of key and team included.
    pub tags: &'a [&'a str],
}

/// The policies of a call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    /// Guardrails that they ask for, each once.
    pub guardrails: Vec<String>,
    /// Guardrails that they run one after the other, each under its policy's name.
    pub pipelines: Vec<(String, Arc<Pipeline>)>,
    /// Those of policies that the body asks for: they come on top, and take the place of nothing.
    pub on_top: Vec<(String, Arc<Pipeline>)>,
    /// Their names, and by what they came: nothing for those that key, team or client named.
    pub policies: Vec<(String, Option<String>)>,
}

/// An attachment that fits a call.
pub(crate) struct Match<'p> {
    pub(crate) policy: &'p str,
    /// What fits, in LiteLLM's words: `scope:*`, `team:..`, `tag:..+model:..`.
    pub(crate) via: String,
    line: Line<'p>,
}

/// A version of a policy that is not in production; bodies may ask for it by its id.
#[derive(Debug, Clone)]
struct Version {
    name: String,
    policy: Arc<Policy>,
}

/// The policies in force. Cheap when there are none.
#[derive(Debug, Clone, Default)]
pub struct Policies {
    by_name: BTreeMap<String, Arc<Policy>>,
    versions: BTreeMap<String, Version>,
    /// Those that come first stand first.
    attachments: Vec<Attachment>,
}

/// How bodies name a version.
const VERSION: &str = "policy_";

/// A policy with those that it stands on, the root first.
type Line<'p> = Vec<(&'p str, &'p Policy)>;

impl Policies {
    /// True without any.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty() && self.versions.is_empty()
    }

    /// Puts a policy under its name, over another one.
    pub fn put(&mut self, name: &str, policy: Policy) {
        self.by_name.insert(name.to_owned(), Arc::new(policy));
    }

    /// Puts a version that is not in production under its id.
    pub fn put_version(&mut self, id: &str, name: &str, policy: Policy) {
        self.versions.insert(id.to_owned(), Version { name: name.to_owned(), policy: Arc::new(policy) });
    }

    /// Attaches a policy.
    pub fn attach(&mut self, attachment: Attachment) {
        let place = order(&attachment);
        let at = self.attachments.partition_point(|known| order(known) <= place);
        self.attachments.insert(at, attachment);
    }

    /// The policy of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Policy> {
        self.by_name.get(name).map(|policy| &**policy)
    }

    /// The policies, by name.
    pub fn all(&self) -> impl Iterator<Item = (&str, &Policy)> {
        self.by_name.iter().map(|(name, policy)| (name.as_str(), &**policy))
    }

    /// A policy with those that it stands on, the root first. A circle ends where it closes.
    pub(crate) fn line<'p>(&'p self, name: &'p str, leaf: &'p Policy) -> Line<'p> {
        let mut out = vec![(name, leaf)];
        let mut parent = leaf.inherit.as_deref();
        while let Some(next) = parent.filter(|next| !out.iter().any(|(known, _)| known == next)) {
            let Some(policy) = self.get(next) else { break };
            out.push((next, policy));
            parent = policy.inherit.as_deref();
        }
        out.reverse();
        out
    }

    fn line_of<'p>(&'p self, name: &'p str) -> Option<Line<'p>> {
        Some(self.line(name, self.get(name)?))
    }

    /// Names from the root down to a policy; none for one that is not there.
    pub(crate) fn chain<'p>(&'p self, name: &'p str) -> Vec<&'p str> {
        self.line_of(name).unwrap_or_default().iter().map(|(name, _)| *name).collect()
    }

    /// The guardrails of a policy with those that it stands on, whatever the model.
    pub(crate) fn guardrails(&self, name: &str) -> Vec<String> {
        self.line_of(name).map(|line| gather(&line, None)).unwrap_or_default()
    }

    /// The guardrails of a policy with those that it stands on, for every model; nothing for a policy that is not there.
    #[must_use]
    pub fn resolved(&self, name: &str) -> Option<Vec<String>> {
        self.line_of(name).map(|line| gather(&line, None))
    }

    /// The attachments that fit a call, one for each policy. Those by default count where no other fits.
    pub(crate) fn matches(&self, context: &PolicyContext<'_>) -> Vec<Match<'_>> {
        let fitting =
            self.attachments.iter().filter(|attachment| fits_call(attachment, context)).filter_map(|attachment| {
                let line = self.line_of(&attachment.policy)?;
                applies(&line, context).then_some((attachment, line))
            });
        let fitting: Vec<_> = fitting.collect();
        let by_default = fitting.iter().all(|(attachment, _)| attachment.default);
        let mut out: Vec<Match<'_>> = Vec::new();
        for (attachment, line) in fitting.into_iter().filter(|(attachment, _)| attachment.default == by_default) {
            if !out.iter().any(|known| known.policy == attachment.policy) {
                out.push(Match { policy: &attachment.policy, via: via(attachment, context), line });
            }
        }
        out
    }

    /// The policies of a call: those that are attached to it, those that its key, team, project and user have (`own`), and
    /// those that its body asks for, by name or as `policy_<id of a version>`. Names that nobody has are passed over, as in
    /// LiteLLM. A version that is asked for comes on top: it takes the place of none.
    #[must_use]
    pub fn applied<'n>(
        &self,
        context: &PolicyContext<'_>,
        own: impl IntoIterator<Item = &'n str>,
        asked: impl IntoIterator<Item = &'n str>,
    ) -> Applied {
        let mut out = Applied::default();
        for found in self.matches(context) {
            out.add(found.policy, Some(found.via), &found.line, context);
        }
        let mut known = HashSet::new();
        for name in asked.into_iter().filter(|name| known.insert(*name)) {
            if let Some(version) = name.strip_prefix(VERSION).and_then(|id| self.versions.get(id)) {
                let line = self.line(&version.name, &version.policy);
                out.add_on_top(&version.name, &line, context);
            } else if let Some(line) = self.line_of(name) {
                out.add_on_top(name, &line, context);
            }
        }
        for name in own {
            if let Some(line) = self.line_of(name) {
                out.add(name, None, &line, context);
            }
        }
        out
    }
}

impl Match<'_> {
    /// The guardrails that the policy brings to a call.
    pub(crate) fn guardrails(&self, context: &PolicyContext<'_>) -> Vec<String> {
        gather(&self.line, Some(context))
    }
}

impl Applied {
    /// As [`Self::add`] for what the client asks for.
    fn add_on_top(&mut self, name: &str, line: &Line<'_>, context: &PolicyContext<'_>) {
        let before = self.pipelines.len();
        self.add(name, None, line, context);
        let new = self.pipelines.drain(before..).collect::<Vec<_>>();
        self.on_top.extend(new);
    }

    fn add(&mut self, name: &str, via: Option<String>, line: &Line<'_>, context: &PolicyContext<'_>) {
        if !applies(line, context) {
            return;
        }
        for guardrail in gather(line, Some(context)) {
            if !self.guardrails.contains(&guardrail) {
                self.guardrails.push(guardrail);
            }
        }
        // What a policy inherits it runs side by side, as in LiteLLM.
        let own = line.last().map(|(_, policy)| *policy).filter(|policy| holds(policy, context));
        if let Some(Ok(pipeline)) = own.and_then(|policy| policy.pipeline.as_ref()) {
            let new = !self.pipelines.iter().any(|(known, there)| known == name && there == pipeline);
            self.pipelines.extend(new.then(|| (name.to_owned(), Arc::clone(pipeline))));
        }
        if !self.policies.iter().any(|(known, _)| known == name) {
            self.policies.push((name.to_owned(), via));
        }
    }
}

/// Walks from the root down: what one adds, another one below may take away.
fn gather(line: &Line<'_>, context: Option<&PolicyContext<'_>>) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for (_, policy) in line {
        if context.is_some_and(|context| !holds(policy, context)) {
            continue;
        }
        let new: Vec<&String> = policy.add.iter().filter(|name| !out.contains(name)).collect();
        out.extend(new.into_iter().cloned());
        out.retain(|name| !policy.remove.contains(name));
    }
    out
}

/// True when the model of a call is one of the policy's.
fn holds(policy: &Policy, context: &PolicyContext<'_>) -> bool {
    policy.models.as_ref().is_none_or(|tests| context.models.iter().any(|model| tests.iter().any(|t| t.holds(model))))
}

/// True when one of a line does something for the call.
fn applies(line: &Line<'_>, context: &PolicyContext<'_>) -> bool {
    line.iter().any(|(_, policy)| holds(policy, context))
}

fn fits_call(attachment: &Attachment, context: &PolicyContext<'_>) -> bool {
    if attachment.everywhere {
        return true;
    }
    let one = |patterns: &[String], names: &[&str]| {
        patterns.is_empty()
            || patterns.iter().any(|pattern| pattern == "*" || names.iter().any(|name| fits(pattern, name)))
    };
    let tagged = attachment.tags.is_empty()
        || attachment.tags.iter().any(|pattern| context.tags.iter().any(|tag| fits(pattern, tag)));
    one(&attachment.teams, context.team.as_slice())
        && one(&attachment.keys, context.key.as_slice())
        && one(&attachment.models, context.models)
        && tagged
}

/// What fits, in LiteLLM's words.
fn via(attachment: &Attachment, context: &PolicyContext<'_>) -> String {
    let mut reasons = Vec::new();
    if !attachment.everywhere {
        let tag = context.tags.iter().find(|tag| attachment.tags.iter().any(|pattern| fits(pattern, tag)));
        let of = |patterns: &[String], name: Option<&&str>, what: &str| {
            name.filter(|_| !patterns.is_empty()).map(|name| format!("{what}:{name}"))
        };
        reasons.extend(tag.map(|tag| format!("tag:{tag}")));
        reasons.extend(of(&attachment.teams, context.team.as_ref(), "team"));
        reasons.extend(of(&attachment.keys, context.key.as_ref(), "key"));
        reasons.extend(of(&attachment.models, context.models.first(), "model"));
    }
    let reason = match (attachment.everywhere, reasons.is_empty()) {
        (true, _) => "scope:*".to_owned(),
        (false, true) => "scope:default".to_owned(),
        (false, false) => reasons.join("+"),
    };
    if attachment.default { format!("default:{reason}") } else { reason }
}

/// Where an attachment stands: those with a priority first, then from broad to narrow.
fn order(attachment: &Attachment) -> (bool, i64, usize, usize) {
    let named = [&attachment.teams, &attachment.keys, &attachment.tags, &attachment.models];
    let named = named.iter().enumerate().filter(|(_, names)| !attachment.everywhere && !names.is_empty());
    let (narrow, count) = named.fold((0, 0), |(_, count), (at, _)| (at + 1, count + 1));
    (attachment.priority.is_none(), attachment.priority.unwrap_or_default(), narrow, count)
}

#[cfg(test)]
mod tests;
