//! The agents that are served.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};
use llm_accounts::{agent_id_of_name, agent_url};
use llm_catalog::Catalog;
use llm_client::Target;
use llm_store::AgentRow;
use llm_types::Json;
use url::Url;

use super::bridge;

/// An agent.
#[derive(Debug, Clone)]
pub struct Agent {
    /// `agent_id`.
    pub id: String,
    /// `agent_name`.
    pub name: String,
    /// `agent_card_params`: what it publishes of itself, with its own address.
    pub card: Json,
    /// Where it is called; nothing for agents that have no address.
    pub url: Option<String>,
    /// `agent_access_groups`.
    pub groups: Vec<String>,
    /// `static_headers`: what it is told with every call.
    pub headers: HeaderMap,
    /// `extra_headers`: names of the caller's headers that go on.
    pub passed: Vec<HeaderName>,
    /// `cost_per_query`, US dollars.
    pub cost: f64,
    /// `require_trace_id_on_calls_to_agent`.
    pub traced: bool,
    /// `guardrails` of its parameters.
    pub guardrails: Vec<String>,
    /// `custom_llm_provider`: it is asked like a model, not in A2A, and here; or why it cannot be asked.
    pub target: Option<Result<Arc<Target>, Wrong>>,
    /// What limits the keys of an agent of the file; those of the database have rows.
    pub limits: AgentRow,
}

/// What is wrong with an agent: the field, and why.
pub type Wrong = (String, String);

impl Agent {
    /// The agent that an entry describes.
    ///
    /// # Errors
    /// What keeps it from being served.
    pub fn read(entry: &Json, id: Option<&str>, prices: &Catalog) -> Result<Self, Wrong> {
        let wrong = |field: &str, why: &str| Err((field.to_owned(), why.to_owned()));
        let Some(name) = entry.text("agent_name").filter(|name| !name.is_empty()) else {
            return wrong("agent_name", "an agent needs a name");
        };
        let card = entry.get("agent_card_params").cloned().unwrap_or_default();
        let params = entry.get("litellm_params").cloned().unwrap_or_default();
        let url = agent_url(&card).map(str::to_owned);
        let is_web = |url: &str| Url::parse(url).is_ok_and(|u| matches!(u.scheme(), "http" | "https") && u.has_host());
        if url.as_deref().is_some_and(|url| !is_web(url)) {
            return wrong("agent_card_params.url", "expected an http or https URL");
        }
        let number = |name: &str| match params.get(name)? {
            Json::String(text) => text.trim().parse::<f64>().ok(),
            other => other.as_f64(),
        };
        let cost = number("cost_per_query").unwrap_or_default();
        if !cost.is_finite() || cost < 0.0 {
            return wrong("litellm_params.cost_per_query", "expected US dollars");
        }
        let texts = |json: &Json, name: &str| match json.get(name) {
            Some(Json::String(one)) => vec![one.clone()],
            _ => json.texts(name).map(str::to_owned).collect::<Vec<_>>(),
        };
        let provider = params.text("custom_llm_provider").filter(|name| !name.is_empty());
        // One that cannot be asked is there all the same: it is listed, has a card, and says at a call that it is not served.
        let target = provider.map(|provider| {
            bridge::target(provider, &params, url.as_deref(), prices).map(Arc::new).map_err(|error| {
                let field = error.param.as_deref().unwrap_or("custom_llm_provider");
                (format!("litellm_params.{field}"), error.message.lines().next().unwrap_or_default().to_owned())
            })
        });
        let id = id.map_or_else(|| agent_id_of_name(name), str::to_owned);
        Ok(Self {
            limits: limits(entry, &params, &id),
            id,
            name: name.to_owned(),
            url,
            groups: texts(entry, "agent_access_groups"),
            headers: fixed(entry.get("static_headers"))?,
            passed: passed(&texts(entry, "extra_headers"))?,
            cost,
            traced: params.get("require_trace_id_on_calls_to_agent").and_then(Json::as_bool).unwrap_or_default(),
            guardrails: texts(&params, "guardrails"),
            target,
            card,
        })
    }
}

/// A row of an agent's limits and nothing else.
fn limits(entry: &Json, params: &Json, id: &str) -> AgentRow {
    const BOUNDS: [&str; 3] = ["max_iterations", "max_budget_per_session", "require_trace_id_on_calls_by_agent"];
    let number = |name: &str| entry.get(name).and_then(Json::as_i64);
    let bounds = BOUNDS.iter().filter_map(|name| Some((*name, params.get(name)?.clone())));
    AgentRow {
        agent_id: id.to_owned(),
        litellm_params: Some(Json::object(bounds).to_raw()),
        tpm_limit: number("tpm_limit"),
        rpm_limit: number("rpm_limit"),
        session_tpm_limit: number("session_tpm_limit"),
        session_rpm_limit: number("session_rpm_limit"),
        ..AgentRow::default()
    }
}

fn fixed(headers: Option<&Json>) -> Result<HeaderMap, Wrong> {
    let mut out = HeaderMap::new();
    for (name, value) in headers.and_then(Json::as_object).unwrap_or_default() {
        let pair =
            HeaderName::try_from(name.as_str()).ok().zip(HeaderValue::try_from(value.as_str().unwrap_or("")).ok());
        let Some((name, mut value)) = pair.filter(|_| value.as_str().is_some()) else {
            return Err(("static_headers".to_owned(), format!("{name:?} cannot stand in a header")));
        };
        value.set_sensitive(true);
        out.insert(name, value);
    }
    Ok(out)
}

fn passed(names: &[String]) -> Result<Vec<HeaderName>, Wrong> {
    let name = |name: &String| {
        HeaderName::try_from(name.as_str()).map_err(|_| ("extra_headers".to_owned(), format!("{name:?} is no header")))
    };
    names.iter().map(name).collect()
}

/// All of them.
#[derive(Debug, Clone, Default)]
pub struct Agents(Vec<Arc<Agent>>);

impl Agents {
    /// Adds one, unless another has its name or its id: what comes first counts.
    pub fn add(&mut self, agent: Agent) -> bool {
        let taken = self.0.iter().any(|known| known.name == agent.name || known.id == agent.id);
        if !taken {
            self.0.push(Arc::new(agent));
        }
        !taken
    }

    /// The agent with this id, else the one of this name.
    #[must_use]
    pub fn find(&self, named: &str) -> Option<&Arc<Agent>> {
        let by_id = self.0.iter().find(|agent| agent.id == named);
        by_id.or_else(|| self.0.iter().find(|agent| agent.name == named))
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Agent>> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Json {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn entries_become_agents() {
        let entry = json(
            r#"{"agent_name":"one","agent_card_params":{"url":"http://h:1/"},"static_headers":{"authorization":"Bearer x"},
                "extra_headers":["X-Tenant"],"litellm_params":{"cost_per_query":"0.5","guardrails":"pii"},"rpm_limit":2}"#,
        );
        let agent = Agent::read(&entry, None, Catalog::builtin()).unwrap();
        assert_eq!((agent.id.len(), agent.cost, agent.guardrails.as_slice()), (64, 0.5, &["pii".to_owned()][..]));
        assert_eq!((agent.passed[0].as_str(), agent.limits.rpm_limit), ("x-tenant", Some(2)));
        let mut agents = Agents::default();
        assert!(agents.add(agent.clone()) && !agents.add(agent.clone()));
        assert!(agents.find("one").is_some() && agents.find(&agent.id).is_some() && agents.find("two").is_none());
        let odd = json(r#"{"agent_name":"odd","litellm_params":{"custom_llm_provider":"pydantic_ai_agents"}}"#);
        assert!(matches!(Agent::read(&odd, Some("id"), Catalog::builtin()).unwrap().target, Some(Err(_))));
        for (text, field) in [
            ("{}", "agent_name"),
            (r#"{"agent_name":"a","agent_card_params":{"url":"file:///etc/passwd"}}"#, "agent_card_params.url"),
            (r#"{"agent_name":"a","static_headers":{"a b":"c"}}"#, "static_headers"),
            (r#"{"agent_name":"a","static_headers":{"a":"c\nd"}}"#, "static_headers"),
            (r#"{"agent_name":"a","extra_headers":["a b"]}"#, "extra_headers"),
            (r#"{"agent_name":"a","litellm_params":{"cost_per_query":-1}}"#, "litellm_params.cost_per_query"),
        ] {
            assert_eq!(
                Agent::read(&json(text), None, Catalog::builtin()).map(|a| a.id).unwrap_err().0,
                field,
                "{text}"
            );
        }
    }
}
