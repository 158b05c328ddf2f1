//! What a configuration says of a service.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Uri};
use llm_types::{AuthNeed, Json, Secret};

use super::Service;
use super::presidio::Presidio;
use super::shape::{Only, Shape, shape};
use crate::config::GuardrailConfig;
use crate::guardrail::{Mode, Modes};
use crate::sessions::SessionRules;

/// How long a service may take when nobody says.
const PATIENCE: Duration = Duration::from_secs(30);

/// Parameters that every service has.
const COMMON: [&str; 9] = [
    "api_base",
    "api_key",
    "timeout",
    "unreachable_fallback",
    "fail_on_error",
    "skip_system_message_in_guardrail",
    "skip_tool_message_in_guardrail",
    "scan_only_tool_results",
    "experimental_use_latest_role_message_only",
];

/// Parameters that change nothing here: answers are held until they are judged, whatever is found is masked, and everything
/// is looked at each time.
const IDLE: [&str; 10] = [
    "mask_request_content",
    "mask_response_content",
    "only_scan_new_messages",
    "streaming_end_of_stream_only",
    "streaming_sampling_rate",
    "streaming_transform_mode",
    "streaming_buffer_until_moderated",
    "streaming_buffer_release_on_scan",
    "presidio_analyze_chunk_size_bytes",
    "contextual_grounding_from_messages",
];

/// A service as it is configured.
pub(super) struct Settings {
    pub(super) shape: &'static Shape,
    pub(super) name: String,
    pub(super) default_on: bool,
    /// It runs for tools of MCP servers only.
    pub(super) only_tools: bool,
    pub(super) base: String,
    pub(super) path: String,
    pub(super) key: Option<Secret>,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) need: Option<AuthNeed>,
    pub(super) timeout: Duration,
    pub(super) open_when_unreachable: bool,
    pub(super) fail_on_error: bool,
    pub(super) only: Only,
    /// What clients are told in place of the service's words.
    pub(super) message: Option<String>,
    pub(super) sessions: SessionRules,
    /// Its own parameters.
    pub(super) params: BTreeMap<String, Json>,
    pub(super) presidio: Option<Presidio>,
}

// The parameters may hold secrets.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("kind", &self.shape.kind).field("name", &self.name).finish_non_exhaustive()
    }
}

impl Settings {
    /// An own parameter that is a text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.params.get(name)?.as_str()
    }

    /// The texts of an own parameter that is a list.
    pub(super) fn texts(&self, name: &str) -> Vec<String> {
        let list = self.params.get(name).and_then(Json::as_array).unwrap_or_default();
        list.iter().filter_map(Json::as_str).map(str::to_owned).collect()
    }

    /// Takes headers out of an own parameter that is a map.
    pub(super) fn more_headers(&mut self, name: &'static str) -> Vec<(&'static str, String)> {
        let fields = match self.params.remove(name) {
            None | Some(Json::Null) => return Vec::new(),
            Some(Json::Object(fields)) => fields,
            Some(_) => return vec![(name, "must be a map from names to values".to_owned())],
        };
        let read = |(key, value): &(String, Json)| {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            header(key, &value)
        };
        match fields.iter().map(read).collect::<Option<Vec<_>>>() {
            Some(headers) => {
                self.headers.extend(headers);
                Vec::new()
            }
            None => vec![(name, "has a header that cannot be sent".to_owned())],
        }
    }
}

/// A header whose value is not shown.
fn header(name: &str, value: &str) -> Option<(HeaderName, HeaderValue)> {
    let name = HeaderName::try_from(name).ok()?;
    let mut value = HeaderValue::try_from(value).ok()?;
    value.set_sensitive(true);
    Some((name, value))
}

/// Reads an entry whose kind is in the table. `problem` is told what is wrong: the parameter, why, and whether the guardrail
/// cannot run for it.
pub(crate) fn read(
    config: &GuardrailConfig,
    modes: Modes,
    problem: &mut dyn FnMut(&str, String, bool),
) -> Option<Service> {
    let given = &config.litellm_params;
    let shape = shape(&given.guardrail)?;
    let mut all = given.rest.clone();
    // LiteLLM takes what is a service's own from both places.
    if let Some(Json::Object(more)) = all.remove("optional_params") {
        for (name, value) in more {
            all.entry(name).or_insert(value);
        }
    }
    all.retain(|_, value| !value.is_null());
    for mode in modes.iter().filter(|mode| !shape.modes.is_empty() && !shape.modes.contains(mode)) {
        problem("mode", format!("`{}` does not run in the mode `{}`", shape.kind, mode.name()), true);
    }
    if modes.has(Mode::LoggingOnly) {
        let why = "what is logged waits for no service: it is withheld in the mode `logging_only`";
        problem("mode", why.to_owned(), false);
    }
    let mut settings = common(config, shape, &mut all, problem);
    settings.only_tools =
        modes.iter().all(|mode| matches!(mode, Mode::PreMcpCall | Mode::DuringMcpCall | Mode::PostMcpCall));
    for (name, value) in all {
        match name.as_str() {
            known if shape.own.contains(&known) => drop(settings.params.insert(name, value)),
            idle if IDLE.contains(&idle) => problem(idle, "has no effect here".to_owned(), false),
            // Such a parameter may widen what is looked for: going on without it would let content pass.
            other => problem(other, "is not served yet".to_owned(), true),
        }
    }
    for (name, why) in (shape.set_up)(&mut settings) {
        problem(name, why, true);
    }
    finish(&mut settings, problem);
    let modes = settings.presidio.as_ref().map_or(modes, |presidio| presidio.modes(modes));
    Some(Service { settings: settings.into(), modes })
}

fn common(
    config: &GuardrailConfig,
    shape: &'static Shape,
    all: &mut BTreeMap<String, Json>,
    problem: &mut dyn FnMut(&str, String, bool),
) -> Settings {
    let mut taken: BTreeMap<&str, Json> = COMMON.iter().filter_map(|name| Some((*name, all.remove(*name)?))).collect();
    let mut flag = |name: &str, default: bool| match taken.get(name) {
        None => default,
        Some(Json::Bool(on)) => *on,
        Some(_) => {
            problem(name, "must be true or false".to_owned(), true);
            default
        }
    };
    let only = Only {
        skip_system: flag("skip_system_message_in_guardrail", false),
        skip_tool: flag("skip_tool_message_in_guardrail", false),
        tools: flag("scan_only_tool_results", false),
        latest: flag("experimental_use_latest_role_message_only", false),
    };
    let fail_on_error = flag("fail_on_error", true);
    let open_when_unreachable = match taken.get("unreachable_fallback").map(Json::as_str) {
        None | Some(Some("fail_closed")) => false,
        Some(Some("fail_open")) => true,
        Some(_) => {
            problem("unreachable_fallback", "must be `fail_closed` or `fail_open`".to_owned(), true);
            false
        }
    };
    let seconds = taken.get("timeout").map(|t| t.as_f64().or_else(|| t.as_str()?.trim().parse().ok()));
    let timeout = match seconds {
        None => PATIENCE,
        Some(Some(seconds)) if seconds > 0.0 && seconds < 1e6 => Duration::from_secs_f64(seconds),
        Some(_) => {
            problem("timeout", "must be a number of seconds".to_owned(), true);
            PATIENCE
        }
    };
    let mut text = |name: &str| match taken.remove(name) {
        None => None,
        Some(Json::String(text)) => Some(text).filter(|text| !text.is_empty()),
        Some(_) => {
            problem(name, "must be a text".to_owned(), true);
            None
        }
    };
    let (base, key) = (text("api_base"), text("api_key").map(Secret::new));
    let message = match all.remove("violation_message_template") {
        Some(Json::String(message)) => Some(message),
        _ => None,
    };
    let sessions = SessionRules::read(all, problem);
    all.retain(|name, _| name != "guardrail_info" && !SessionRules::KEYS.contains(&name.as_str()));
    Settings {
        shape,
        name: config.guardrail_name.clone(),
        default_on: config.litellm_params.default_on,
        only_tools: false,
        base: base.or(shape.base.map(str::to_owned)).unwrap_or_default(),
        path: shape.path.to_owned(),
        key,
        headers: Vec::new(),
        need: None,
        timeout,
        open_when_unreachable,
        fail_on_error,
        only,
        message,
        sessions,
        params: BTreeMap::new(),
        presidio: None,
    }
}

/// Address and key, as they go out.
fn finish(settings: &mut Settings, problem: &mut dyn FnMut(&str, String, bool)) {
    settings.base = settings.base.trim_end_matches('/').to_owned();
    for (name, value) in &settings.params {
        if let Some(value) = value.as_str().filter(|_| settings.path.contains('{')) {
            settings.path = settings.path.replace(&format!("{{{name}}}"), &escaped(value));
        }
    }
    let addresses = match &settings.presidio {
        Some(presidio) => presidio.addresses().to_vec(),
        None => vec![("api_base", settings.base.as_str())],
    };
    for (name, base) in addresses {
        match base {
            "" => problem(name, "is missing".to_owned(), true),
            base if !is_address(&format!("{base}{}", settings.path)) => {
                problem(name, "is no address".to_owned(), true);
            }
            _ => {}
        }
    }
    let Some((name, before)) = settings.shape.key else { return };
    match settings.key.take() {
        Some(key) => match header(name, &format!("{before}{}", key.expose())) {
            Some(header) => settings.headers.push(header),
            None => problem("api_key", "cannot be sent in a header".to_owned(), true),
        },
        None if settings.shape.needs_key => problem("api_key", "is missing".to_owned(), true),
        None => {}
    }
}

fn is_address(text: &str) -> bool {
    text.parse::<Uri>().is_ok_and(|uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some())
}

/// A part of a path, percent-encoded.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b if b.is_ascii_alphanumeric() || b"-._~".contains(&b) => out.push(char::from(b)),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}
