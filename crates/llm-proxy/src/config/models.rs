//! `model_list` → deployments.

use std::cell::RefCell;
use std::sync::Arc;

use llm_catalog::Catalog;
use llm_client::{Target, TargetConfig};
use llm_providers::by_id;
use llm_router::Deployment;
use llm_types::{Field, Json};

use super::credentials::Credentials;
use super::deployment::{deployment_id, read_info, read_params, read_target, refuse_access};
use super::env::Environment;
use super::known;
use super::node::{Entry, Node, Value};
use super::problem::{Mark, Problems, nearest};
use super::section::{Section, number};

/// What reading a list of models needs.
pub(crate) struct Reading<'a> {
    pub(crate) env: &'a Environment,
    pub(crate) credentials: &'a Credentials,
    pub(crate) catalog: &'a Catalog,
    pub(crate) problems: &'a Problems,
    /// Rules that are not served are left out.
    pub(crate) ignore_unserved: bool,
    /// Providers that are not served yet: where they are used first, and how often.
    pub(crate) not_served: RefCell<Vec<NotServed>>,
}

/// A provider that is known and cannot be called yet.
#[derive(Debug)]
pub(crate) struct NotServed {
    provider: &'static str,
    format: &'static str,
    mark: Mark,
    path: String,
    count: usize,
}

/// A deployment and where it was configured.
#[derive(Debug, Clone)]
pub(crate) struct Placed {
    pub(crate) deployment: Deployment,
    /// `model_list[3]`
    pub(crate) path: String,
    pub(crate) mark: Mark,
}

impl Reading<'_> {
    /// Reads the list.
    pub(crate) fn list(&self, items: &[Node]) -> Vec<Placed> {
        let entries = items.iter().enumerate().flat_map(|(at, item)| self.entry(item, &format!("model_list[{at}]")));
        let placed = entries.collect();
        self.tell_not_served();
        placed
    }

    /// Reads one model that stands alone.
    pub(crate) fn one(&self, item: &Node, path: &str) -> Vec<Placed> {
        let placed = self.entry(item, path);
        self.tell_not_served();
        placed
    }

    /// The same with another list of problems.
    pub(crate) fn with_problems<'p>(&'p self, problems: &'p Problems) -> Reading<'p> {
        Reading { problems, not_served: RefCell::default(), ..*self }
    }

    fn tell_not_served(&self) {
        for n in self.not_served.take() {
            let more = if n.count > 1 { format!(" ({} deployments)", n.count) } else { String::new() };
            let message = format!("the provider {} is not served ({}): calls will fail{more}", n.provider, n.format);
            self.problems.warn(&n.mark, n.path, message);
        }
    }

    /// One entry: one deployment, or one per organization.
    fn entry(&self, node: &Node, path: &str) -> Vec<Placed> {
        if node.is_null() {
            self.problems.error(&node.mark, path, "expected a map, found nothing");
        }
        let Some(entry) = Section::open(node, path, self.problems) else { return Vec::new() };
        let name = entry.text("model_name").filter(|n| !n.is_empty());
        if name.is_none() {
            self.problems.error(entry.mark_of("model_name"), entry.path("model_name"), "a model needs a name");
        }
        let info = entry.section("model_info");
        let (tpm, rpm) = (entry.whole("tpm"), entry.whole("rpm"));
        let Some(params) = entry.node("litellm_params") else {
            self.problems.error(entry.mark(), entry.path("litellm_params"), "a model needs litellm_params");
            return Vec::new();
        };
        entry.finish();
        let Value::Map(params) = &params.value else {
            self.problems.error(
                &params.mark,
                entry.path("litellm_params"),
                format!("expected a map, found {}", params.kind()),
            );
            return Vec::new();
        };
        let (Some(name), true) = (name, self.wanted(info.as_ref())) else { return Vec::new() };
        let params_path = entry.path("litellm_params");
        let organizations = params.iter().find(|e| e.key == "organization").map(|e| e.node.items().to_vec());
        let variants: Vec<Vec<Entry>> = match organizations.filter(|o| !o.is_empty()) {
            None => vec![params.clone()],
            Some(list) => list.into_iter().map(|one| with_organization(params, one)).collect(),
        };
        let made = variants.iter().filter_map(|params| {
            let mut d = self.deployment(&name, params, info.as_ref(), &params_path, node)?;
            d.tpm = d.tpm.or(tpm);
            d.rpm = d.rpm.or(rpm);
            Some(Placed { deployment: d, path: path.to_owned(), mark: node.mark.clone() })
        });
        made.collect()
    }

    /// `supported_environments`: only with `LITELLM_ENVIRONMENT` among them.
    fn wanted(&self, info: Option<&Section<'_>>) -> bool {
        let Some((info, list)) = info.and_then(|i| Some((i, i.texts("supported_environments")?))) else { return true };
        let known = ["development", "staging", "production"];
        for name in list.iter().filter(|n| !known.contains(&n.as_str())) {
            info.error(
                "supported_environments",
                format!("expected development, staging or production, found {name:?}"),
            );
        }
        match self.env.filled("LITELLM_ENVIRONMENT") {
            Some(here) => list.contains(&here),
            None => {
                info.warn("supported_environments", "LITELLM_ENVIRONMENT is not set: the model is not served");
                false
            }
        }
    }

    fn deployment(
        &self,
        name: &str,
        own: &[Entry],
        info: Option<&Section<'_>>,
        path: &str,
        node: &Node,
    ) -> Option<Deployment> {
        let params = self.credentials.fill(own, path, self.problems);
        let params = params.as_slice();
        let map = Node::new(Value::Map(params.to_vec()), node.mark.clone());
        let p = Section::open(&map, path, self.problems)?;
        let Some(model) = p.text("model").filter(|m| !m.is_empty()) else {
            self.problems.error(
                p.mark_of("model"),
                p.path("model"),
                "a model needs the provider's model: provider/model",
            );
            return None;
        };
        let id = info.and_then(|i| i.text("id")).filter(|i| !i.is_empty()).unwrap_or_else(|| deployment_id(name, own));
        let mut d = Deployment::new(id, name, model.as_str());
        read_params(&p, &mut d);
        if let Some(info) = info {
            read_info(info, &mut d);
            refuse_access(info, self.ignore_unserved);
        }
        self.near_misses(params, path);
        if super::auto::is_marker(&model) {
            d.auto = Some(super::auto::read(name, &model, &p)?);
            return Some(d);
        }
        let config = TargetConfig {
            params: params.iter().map(|e| (e.key.clone(), value(e))).collect(),
            info: info.map(|i| i.entries().iter().map(|e| (e.key.clone(), value(e))).collect()).unwrap_or_default(),
        };
        match Target::new(&config, self.catalog) {
            Ok(target) => {
                if let llm_providers::RowFormat::NotServed(format) = target.provider.row().format {
                    self.cannot_call(target.provider_id(), format, &p);
                }
                let known =
                    || self.catalog.lookup(target.provider_id(), target.base_model.as_deref().unwrap_or(&target.model));
                d.max_input_tokens = d.max_input_tokens.or_else(|| known()?.max_input_tokens());
                read_target(&target, self.catalog, &mut d);
                d.payload = Some(Arc::new(target));
                Some(d)
            }
            Err(e) => {
                let key = e.param.as_deref().filter(|k| params.iter().any(|e| e.key == **k)).unwrap_or("model");
                let (message, hint) = if e.message.starts_with("LLM Provider NOT provided") {
                    let hint = unknown_provider(&model)
                        .unwrap_or_else(|| "write provider/model, or set custom_llm_provider".to_owned());
                    (format!("no provider is known for the model {model:?}"), Some(hint))
                } else {
                    (one_line(&e.message), None)
                };
                self.problems.push(super::problem::Severity::Error, p.mark_of(key), p.path(key), message, hint);
                None
            }
        }
    }

    fn cannot_call(&self, provider: &'static str, format: &'static str, p: &Section<'_>) {
        let mut list = self.not_served.borrow_mut();
        match list.iter_mut().find(|n| n.provider == provider) {
            Some(known) => known.count += 1,
            None => list.push(NotServed {
                provider,
                format,
                mark: p.mark_of("model").clone(),
                path: p.path("model"),
                count: 1,
            }),
        }
    }

    /// Unknown names are parameters of the provider, but a misspelled `api_key` is a common and dear mistake.
    fn near_misses(&self, params: &[Entry], path: &str) {
        for entry in params.iter().filter(|e| Field::from_name(&e.key).is_none() && e.key.len() > 4) {
            let names = || known::CONNECTION.split_ascii_whitespace();
            if names().any(|n| n == entry.key) {
                continue;
            }
            if let Some(near) =
                nearest(&entry.key, names()).filter(|n| n.len().abs_diff(entry.key.len()) <= 1 && close(n, &entry.key))
            {
                let key = format!("{path}.{}", entry.key);
                self.problems.warn_hint(
                    &entry.mark,
                    key,
                    "this goes to the provider as a parameter",
                    format!("did you mean `{near}`?"),
                );
            }
        }
    }
}

/// The same letters but for two: stricter than a suggestion for keys that are known to be wrong.
fn close(a: &str, b: &str) -> bool {
    let letters = |t: &str| {
        let mut l: Vec<char> = t.chars().filter(|c| c.is_alphabetic()).collect();
        l.sort_unstable();
        l
    };
    let (a, b) = (letters(a), letters(b));
    let common = a.iter().filter(|c| b.contains(c)).count();
    a.len().abs_diff(b.len()) <= 1 && common + 1 >= a.len().max(b.len())
}

fn with_organization(params: &[Entry], one: Node) -> Vec<Entry> {
    let mut params = params.to_vec();
    if let Some(entry) = params.iter_mut().find(|e| e.key == "organization") {
        entry.node = one;
    }
    params
}

fn one_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim_end().to_owned()
}

fn unknown_provider(model: &str) -> Option<String> {
    let prefix = model.split_once('/').map_or(model, |(p, _)| p);
    if by_id(prefix).is_some() {
        return None;
    }
    let names: Vec<&'static str> = llm_providers::all().map(|p| p.row().id).collect();
    nearest(prefix, names).map(|near| format!("did you mean the provider `{near}`?"))
}

/// Prices that were written as texts (`1e-6` is one in YAML 1.1) become numbers.
fn value(entry: &Entry) -> Json {
    let price = entry.key.contains("cost_per") || entry.key.starts_with("max_") && entry.key.ends_with("_tokens");
    match (price, number(&entry.node)) {
        (true, Some(n)) if entry.node.text().is_some() => {
            serde_json::Number::from_f64(n).map_or(Json::Null, Json::Number)
        }
        _ => entry.node.json(),
    }
}

/// Ids key cooldowns and counters: two deployments with one id would be taken for one.
pub(super) fn unique(placed: &[Placed], problems: &Problems) {
    let mut seen: std::collections::HashMap<&str, &Placed> = std::collections::HashMap::new();
    for p in placed {
        if let Some(first) = seen.insert(&p.deployment.id, p) {
            let message = format!(
                "the same deployment as {} (line {}): they share cooldowns and counters",
                first.path, first.mark.line
            );
            problems.warn_hint(&p.mark, p.path.clone(), message, "give each a model_info.id, or remove one");
        }
    }
}
