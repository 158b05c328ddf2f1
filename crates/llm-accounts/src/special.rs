//! Limits of a caller that hold for some of its calls only: those with a tag, those of a tool server, those of a session.

use std::sync::Arc;

use llm_kv::MemoryKv;
use llm_types::Json;

use crate::accounts::Inner;
use crate::bounds::{Bounds, Budget, Marks};
use crate::gate::{Counted, Gate, Limits, Rule};
use crate::party::Party;
use crate::purse::{Cap, Owner, nanos};
use crate::{Identity, Intent, KeyDigest};

/// Longer names of sessions are kept as their hash: they come from strangers.
const LONGEST_SESSION: usize = 128;

/// What key, team and agent say of some of the key's calls.
#[derive(Debug, Default)]
pub(crate) struct Special {
    /// `tag_rpm_limit` of the key, by tag.
    tags: Vec<(Box<str>, Vec<Gate>)>,
    /// `mcp_rpm_limit` of key and team, by the name of the server.
    servers: Vec<(Box<str>, Vec<Gate>)>,
    /// What one session may use.
    session: Option<SessionBounds>,
    /// Tokens of an answer that are expected where a call names no limit, for a model or for all; the first that fits counts.
    answers: Vec<(Option<Box<str>>, u64)>,
    /// A limit of the key holds only while its model fails (`rpm_limit_type: dynamic`).
    pub(crate) dynamic: bool,
    /// `require_trace_id_on_calls_by_agent`: the key's calls name a session.
    pub(crate) traced: bool,
}

/// What one session of an agent, or of a key, may use.
#[derive(Debug)]
pub(crate) struct SessionBounds {
    /// Whose sessions they are.
    owner: Box<str>,
    /// `session_rpm_limit`, `session_tpm_limit` of the agent.
    rates: Limits,
    /// `max_iterations`.
    calls: Option<i64>,
    /// `max_budget_per_session`, nano-dollars.
    max: Option<i64>,
}

/// Puts them together from the metadata of key and team.
pub(crate) struct Wanted<'r> {
    /// The hash of the key, and its name for people.
    pub(crate) key: (&'r str, &'r str),
    pub(crate) metadata: &'r Json,
    pub(crate) team: Option<(&'r str, &'r Json)>,
    pub(crate) agent: Option<&'r llm_store::AgentRow>,
}

impl Wanted<'_> {
    /// What they say, if anything.
    pub(crate) fn special(&self, kv: &MemoryKv) -> Option<Box<Special>> {
        let (key, shown) = self.key;
        let params = crate::load::object(self.agent.and_then(|agent| agent.litellm_params.as_ref()));
        let mut out = Special { session: self.session(&params), answers: self.answers(), ..Special::default() };
        named(kv, ("tag_per_key", key, shown), self.metadata.get("tag_rpm_limit"), &mut out.tags);
        named(kv, ("mcp_per_key", key, shown), self.metadata.get("mcp_rpm_limit"), &mut out.servers);
        if let Some((team, metadata)) = self.team {
            named(kv, ("mcp_per_team", team, team), metadata.get("mcp_rpm_limit"), &mut out.servers);
        }
        out.dynamic = ["rpm_limit_type", "tpm_limit_type"].iter().any(|name| is_dynamic(self.metadata, name));
        out.traced = params.get("require_trace_id_on_calls_by_agent").and_then(Json::as_bool) == Some(true);
        let something = out.traced
            || !out.tags.is_empty()
            || !out.servers.is_empty()
            || !out.answers.is_empty()
            || out.session.is_some()
            || out.dynamic;
        something.then(|| Box::new(out))
    }

    /// What a session may use, by the parameters of the agent and the metadata of the key.
    fn session(&self, params: &Json) -> Option<SessionBounds> {
        let number = |of: &Json, name: &str| match of.get(name)? {
            Json::String(text) => text.trim().parse::<f64>().ok(),
            other => other.as_f64(),
        };
        let calls = number(params, "max_iterations").or_else(|| number(self.metadata, "max_iterations"));
        let bounds = SessionBounds {
            owner: self.agent.map_or(self.key.0, |agent| agent.agent_id.as_str()).into(),
            rates: Limits {
                rpm: self.agent.and_then(|agent| agent.session_rpm_limit),
                tpm: self.agent.and_then(|agent| agent.session_tpm_limit),
                ..Limits::default()
            },
            calls: calls.filter(|calls| calls.is_finite()).map(|calls| calls as i64),
            max: number(params, "max_budget_per_session").filter(|max| max.is_finite()).map(nanos),
        };
        let some = bounds.rates.rpm.is_some() || bounds.rates.tpm.is_some();
        (some || bounds.calls.is_some() || bounds.max.is_some()).then_some(bounds)
    }

    /// `default_estimated_output_tokens_per_model`, `default_estimated_output_tokens`: the key's before the team's.
    fn answers(&self) -> Vec<(Option<Box<str>>, u64)> {
        let mut out = Vec::new();
        for metadata in [Some(self.metadata), self.team.map(|(_, metadata)| metadata)].into_iter().flatten() {
            let models = metadata.get("default_estimated_output_tokens_per_model").and_then(Json::as_object);
            let models = models.unwrap_or_default().iter().map(|(model, tokens)| (Some(model), tokens));
            let all = metadata.get("default_estimated_output_tokens").map(|tokens| (None, tokens));
            out.extend(models.chain(all).filter_map(|(model, tokens)| {
                let tokens = u64::try_from(tokens.as_i64()?).ok().filter(|tokens| *tokens > 0)?;
                Some((model.map(|model| model.as_str().into()), tokens))
            }));
        }
        out
    }
}

/// Limits on requests by name, as `{"name": 10}`.
fn named(
    kv: &MemoryKv,
    (descriptor, id, shown): (&'static str, &str, &str),
    map: Option<&Json>,
    out: &mut Vec<(Box<str>, Vec<Gate>)>,
) {
    for (name, limit) in map.and_then(Json::as_object).unwrap_or_default() {
        let (limits, mut gates) = (Limits { rpm: limit.as_i64(), ..Limits::default() }, Vec::new());
        let value = format!("{shown}:{name}").into();
        limits.gates(kv, descriptor, &format!("{id}:{name}"), &value, &mut gates);
        out.push((name.as_str().into(), gates));
    }
}

/// True when this kind of limit holds only while the model fails.
pub(crate) fn is_dynamic(metadata: &Json, kind: &str) -> bool {
    metadata.text(kind) == Some("dynamic")
}

impl Special {
    /// The limits that hold for this call of `who`.
    pub(crate) fn gates(&self, who: &Identity, intent: &Intent<'_>, out: &mut Vec<Gate>) {
        let tagged = |tag: &str| intent.tags.iter().chain(who.tags()).any(|known| known == tag);
        let tags = self.tags.iter().filter(|(tag, _)| tagged(tag));
        let servers = self.servers.iter().filter(|(server, _)| intent.tool_server == Some(&**server));
        out.extend(tags.chain(servers).flat_map(|(_, gates)| gates).cloned());
    }

    /// What holds for the session that a call names.
    pub(crate) fn party(&self, inner: &Inner, session: Option<&str>) -> Option<Arc<Party>> {
        Some(self.session.as_ref()?.party(inner, session?))
    }

    /// Tokens of an answer of the model known under these names that are expected where the call names no limit.
    pub(crate) fn answer_tokens(&self, names: [&str; 2]) -> Option<u64> {
        let fits = |model: &Option<Box<str>>| model.as_deref().is_none_or(|model| names.contains(&model));
        self.answers.iter().find(|(model, _)| fits(model)).map(|(_, tokens)| *tokens)
    }
}

impl SessionBounds {
    /// What an agent that is called lets each session use: its rates. What a session may cost is said for the agent's own calls.
    pub(crate) fn of_called(agent: &llm_store::AgentRow) -> Option<Self> {
        let rates = Limits { rpm: agent.session_rpm_limit, tpm: agent.session_tpm_limit, ..Limits::default() };
        let some = rates.rpm.is_some() || rates.tpm.is_some();
        some.then(|| Self { owner: agent.agent_id.as_str().into(), rates, calls: None, max: None })
    }

    /// What holds for one of them.
    pub(crate) fn party(&self, inner: &Inner, session: &str) -> Arc<Party> {
        Arc::new(Party { bounds: self.of(inner, session), ..Party::default() })
    }

    fn of(&self, inner: &Inner, session: &str) -> Bounds {
        let shown: Arc<str> =
            if session.len() > LONGEST_SESSION { KeyDigest::of(session).hex().into() } else { session.into() };
        let id = format!("{}:{shown}", self.owner);
        let mut out = Bounds::default();
        self.rates.gates(&inner.kv, "agent_session", &id, &id.as_str().into(), &mut out.gates);
        if let Some(limit) = self.calls {
            let name: Arc<str> = format!("session_iterations:{id}").into();
            let counter = inner.kv.counter(&name);
            let (value, seconds) = (Arc::clone(&shown), inner.settings().session_iterations_ttl);
            let counted = Counted::Calls { seconds };
            out.gates.push(Gate { descriptor: "session", value, counted, limit, rule: Rule::Always, name, counter });
        }
        if let Some(max) = self.max {
            let (owner, purse) = (Owner::Session, inner.purses.get(Owner::Session, &id));
            let now = i64::try_from(inner.kv.now().0).unwrap_or(i64::MAX);
            let period = i64::from(inner.settings().session_budget_ttl);
            // It begins with its first call, and ends with its time.
            purse.roll(now, || now.saturating_add(period.saturating_mul(1000)));
            let (what, id) = ((&*shown).into(), id.into());
            let cap = Some(Cap { max, reachable: owner.is_reachable() });
            let (max, marks) = (Some(max), Marks::default());
            out.budgets.push(Budget { owner, what, cap, max, soft: None, marks, purse, id, period, rolls: None });
        }
        out
    }
}
