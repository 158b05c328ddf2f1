//! The configured guardrails, and which of them a call runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use llm_types::generate::Role;
use llm_types::pipeline::Pipeline;
use llm_types::{Error, Json, Result};

use crate::guardrail::{CallContext, Content, Direction, Guardrail, Mode, Verdict};
use crate::guards::Guards;
use crate::line::Line;
use crate::open::{Open, failed};
use crate::texts::Scope;

/// What a call asks for: names from its body, its key and its team, and what key or team opt out of.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wanted {
    /// Names asked for, each once.
    pub requested: Vec<String>,
    /// Names of default guardrails that key or team opted out of (`opted_out_global_guardrails`).
    pub opted_out: Vec<String>,
    /// Guardrails that run one after the other, each list under the name of its policy.
    pub pipelines: Vec<(String, Arc<Pipeline>)>,
    /// Those that the client asked for: their guardrails run by themselves as well, where something else asks for them.
    pub on_top: Vec<(String, Arc<Pipeline>)>,
    /// What the client gives to single guardrails (`extra_body`), by name.
    pub extra: Vec<(String, Json)>,
    /// No default guardrail runs (`disable_global_guardrails` of key or team, never of the client).
    pub disable_global: bool,
}

impl Wanted {
    /// Asks for guardrails by name.
    pub fn request<'a>(&mut self, names: impl IntoIterator<Item = &'a str>) {
        for name in names {
            if !self.requested.iter().any(|n| n == name) {
                self.requested.push(name.to_owned());
            }
        }
    }

    /// Asks for what the field `guardrails` of a body, or of a key's or team's metadata, lists: names, or objects
    /// whose keys are names. `null` asks for nothing.
    ///
    /// # Errors
    /// 400 when it is anything else: a guardrail that was asked for must not be lost on a typing error.
    pub fn request_json(&mut self, json: &str) -> Result<()> {
        let wrong = || Error::bad_request("guardrails must be a list of names").with_param("guardrails");
        let tree: Json = serde_json::from_str(json).map_err(|_| wrong())?;
        if tree.is_null() {
            return Ok(());
        }
        for item in tree.as_array().ok_or_else(wrong)? {
            match item {
                Json::String(name) => self.request([name.as_str()]),
                Json::Object(fields) => {
                    self.request(fields.iter().map(|(name, _)| name.as_str()));
                    let given =
                        fields.iter().filter_map(|(name, own)| Some((name.clone(), own.get("extra_body")?.clone())));
                    self.extra.extend(given.filter(|(_, more)| more.as_object().is_some()));
                }
                _ => return Err(wrong()),
            }
        }
        Ok(())
    }

    /// The call as a guardrail of this name sees it.
    fn seen<'a>(&'a self, name: &str, call: &CallContext<'a>) -> CallContext<'a> {
        let extra = self.extra.iter().find(|(known, _)| known == name).map(|(_, given)| given);
        CallContext { extra, ..*call }
    }

    fn runs(&self, guardrail: &dyn Guardrail) -> bool {
        let name = guardrail.name();
        let asked = self.requested.iter().any(|n| n == name);
        let by_default = guardrail.default_on() && !self.disable_global && !self.opted_out.iter().any(|n| n == name);
        asked || by_default
    }
}

/// Guardrails of one name and the same modes: each call runs one of them, in turn.
#[derive(Debug)]
struct Group {
    members: Vec<Arc<dyn Guardrail>>,
    next: AtomicUsize,
}

impl Group {
    fn pick(&self) -> Option<&Arc<dyn Guardrail>> {
        match self.members.as_slice() {
            [only] => Some(only),
            all => all.get(self.next.fetch_add(1, Ordering::Relaxed) % all.len().max(1)),
        }
    }
}

/// The guardrails of a configuration.
#[derive(Debug, Default)]
pub struct GuardrailSet {
    groups: Vec<Group>,
    scope: Scope,
}

impl GuardrailSet {
    /// A set of guardrails, in the order in which they run.
    #[must_use]
    pub fn new(guardrails: impl IntoIterator<Item = Arc<dyn Guardrail>>) -> Self {
        let mut groups: Vec<Group> = Vec::new();
        for g in guardrails {
            let same =
                |group: &&mut Group| group.members.iter().any(|m| m.name() == g.name() && m.modes() == g.modes());
            match groups.iter_mut().find(same) {
                Some(group) => group.members.push(g),
                None => groups.push(Group { members: vec![g], next: AtomicUsize::new(0) }),
            }
        }
        Self { groups, scope: Scope::default() }
    }

    /// The same, not looking at some turns.
    #[must_use]
    pub const fn with_scope(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }

    /// True without any guardrail.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Names of the guardrails.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.groups.iter().filter_map(|g| g.members.first()).map(|m| m.name())
    }

    /// Runs one guardrail on a text, whatever its modes and whoever wants it: the text as it may pass. Nothing for a name that
    /// no guardrail has.
    pub async fn apply(
        &self,
        name: &str,
        direction: Direction,
        text: &str,
        call: &CallContext<'_>,
    ) -> Option<Result<String>> {
        let group = self.groups.iter().find(|g| g.members.first().is_some_and(|m| m.name() == name))?;
        let guardrail = group.pick()?;
        let texts = [text.to_owned()];
        let role = match direction {
            Direction::Request => Role::User,
            Direction::Response => Role::Assistant,
        };
        let content = Content { direction, texts: &texts, roles: &[Some(role)] };
        let verdict = guardrail.open(call).check(content).await;
        let [text] = texts;
        Some(match verdict {
            Ok(Verdict::Pass) => Ok(text),
            Ok(Verdict::Replace { texts, .. }) => Ok(texts.into_iter().next_back().map_or(text, |(_, new)| new)),
            Ok(Verdict::Stop(stop)) => Err(stop.into()),
            Err(_) => Err(failed(name)),
        })
    }

    fn lines(&self, wanted: &Wanted, call: &CallContext<'_>) -> Vec<Line> {
        let open = |name: &str| {
            let group = self.groups.iter().find(|g| g.members.first().is_some_and(|m| m.name() == name))?;
            let guardrail = Arc::clone(group.pick()?);
            let session = guardrail.open(&wanted.seen(name, call));
            Some(Open { guardrail, session, asked: true })
        };
        let line = |(policy, pipeline): &(String, Arc<Pipeline>), replaces: bool| {
            let steps = pipeline.steps.iter().map(|step| open(&step.guardrail)).collect();
            Line::new(policy.clone(), Arc::clone(pipeline), steps, replaces)
        };
        let binding = wanted.pipelines.iter().map(|one| line(one, true));
        binding.chain(wanted.on_top.iter().map(|one| line(one, false))).collect()
    }

    /// The guardrails that a call runs, with their sessions open. Names nobody configured are ignored, as in LiteLLM.
    /// Guardrails that only look at logs need not be asked for.
    #[must_use]
    pub fn open(&self, wanted: &Wanted, call: &CallContext<'_>) -> Guards {
        let chosen = self.groups.iter().filter_map(Group::pick);
        let runs = |g: &&Arc<dyn Guardrail>| wanted.runs(&***g) || g.modes().has(Mode::LoggingOnly);
        let open =
            chosen.filter(runs).map(|g| (Arc::clone(g), g.open(&wanted.seen(g.name(), call)), wanted.runs(&**g)));
        Guards::new(open, self.lines(wanted, call), self.scope)
    }
}
