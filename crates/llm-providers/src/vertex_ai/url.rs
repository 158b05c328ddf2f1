//! Addresses of Vertex AI. <https://cloud.google.com/vertex-ai/generative-ai/docs/learn/locations>

use llm_types::{Format, Json, OperationKind};

use super::family::{Family, is_number};
use crate::params::Params;
use crate::provider::Call;

/// Where it is, when nobody says.
const LOCATION: &str = "us-central1";
/// Stands for the project of the credentials, which only who reads them knows.
const PROJECT: &str = llm_types::auth::GOOGLE_PROJECT;

/// Where documents are put in order.
const RANKING: &str = "https://discoveryengine.googleapis.com";

/// A deployment's place.
#[derive(Debug)]
pub(super) struct Place<'a> {
    params: &'a Params,
    /// `v1` or `v1beta1`.
    pub version: &'static str,
}

impl<'a> Place<'a> {
    pub(super) const fn new(params: &'a Params, beta: bool) -> Self {
        Self { params, version: if beta { "v1beta1" } else { "v1" } }
    }

    fn first(&self, params: &[&str], env: &[&str]) -> Option<String> {
        let own = params.iter().find_map(|p| self.params.str(p).map(str::to_owned));
        own.or_else(|| env.iter().find_map(|e| self.params.env(e)))
    }

    pub(super) fn location(&self) -> String {
        let known = ["vertex_location", "vertex_ai_location"];
        self.first(&known, &["VERTEXAI_LOCATION", "VERTEX_LOCATION"]).unwrap_or_else(|| LOCATION.to_owned())
    }

    pub(super) fn project(&self) -> String {
        self.known_project().unwrap_or_else(|| PROJECT.to_owned())
    }

    /// The project, where more than its credentials' file names it.
    pub(super) fn known_project(&self) -> Option<String> {
        let own = self.first(&["vertex_project", "vertex_ai_project"], &["VERTEXAI_PROJECT", "VERTEX_PROJECT"]);
        own.or_else(|| self.project_of_credentials())
    }

    /// The project that credentials in the configuration name.
    fn project_of_credentials(&self) -> Option<String> {
        let project = |tree: &Json| tree.text("project_id").map(str::to_owned);
        match self.params.get("vertex_credentials").or_else(|| self.params.get("vertex_ai_credentials"))? {
            tree @ Json::Object(_) => project(tree),
            Json::String(text) => project(&serde_json::from_str(text).ok()?),
            _ => None,
        }
    }

    fn host(location: &str) -> String {
        match location {
            "global" => "https://aiplatform.googleapis.com".to_owned(),
            // many regions under one name
            place if !place.contains('-') => format!("https://aiplatform.{place}.rep.googleapis.com"),
            place => format!("https://{place}-aiplatform.googleapis.com"),
        }
    }

    /// Host, version, project and location.
    fn root(&self) -> String {
        let location = self.location();
        format!("{}{}", Self::host(&location), self.path(&location))
    }

    fn path(&self, location: &str) -> String {
        format!("/{}/projects/{}/locations/{location}", self.version, self.project())
    }

    /// Everything before the publishers and endpoints, below a host of the deployment's own.
    pub(super) fn below(&self, base: Option<&str>) -> String {
        match base.map(|b| b.trim_end_matches('/')).filter(|b| !b.is_empty()) {
            None => self.root(),
            Some(base) => {
                let host = base.strip_suffix(&format!("/{}", self.version)).unwrap_or(base);
                format!("{host}{}", self.path(&self.location()))
            }
        }
    }

    /// The URL of an agent: its number, or its whole name.
    pub(super) fn agent(&self, call: &Call<'_>) -> String {
        let name = call.model.strip_prefix("agent_engine/").unwrap_or(call.model);
        let base = call.api_base.map(|b| b.trim_end_matches('/')).filter(|b| !b.is_empty());
        let location = self.location();
        let host = base.map_or_else(|| Self::host(&location), str::to_owned);
        let name = match name.starts_with("projects/") {
            true => name.to_owned(),
            false => format!("projects/{}/locations/{location}/reasoningEngines/{name}", self.project()),
        };
        format!("{host}/v1beta1/{name}:streamQuery")
    }

    /// The URL of interactions, which know one place only.
    pub(super) fn interactions(&self, base: Option<&str>) -> String {
        let base = base.map(|b| b.trim_end_matches('/')).filter(|b| !b.is_empty());
        let host = base.map_or_else(|| Self::host("global"), str::to_owned);
        format!("{host}/v1beta1/projects/{}/locations/global/interactions", self.project())
    }

    /// The URL of a call with a model, without its query.
    pub(super) fn of(&self, family: Family, call: &Call<'_>) -> String {
        let verb = family.verb(call);
        let tail = tail(family, call.model, call.operation);
        match call.api_base.map(|b| b.trim_end_matches('/')).filter(|b| !b.is_empty()) {
            None => format!("{}{}", self.root(), with_verb(&tail, verb)),
            Some(base) => self.custom(base, family, &tail, verb, call),
        }
    }

    /// The URL of the ranking of documents, which has a host of its own and knows no regions.
    pub(super) fn ranking(&self, call: &Call<'_>) -> String {
        let base = call.api_base.map(|b| b.trim_end_matches('/')).filter(|b| !b.is_empty());
        let path =
            format!("/v1/projects/{}/locations/global/rankingConfigs/default_ranking_config:rank", self.project());
        match base {
            Some(base) if base.ends_with(":rank") => base.to_owned(),
            base => format!("{}{path}", base.unwrap_or(RANKING)),
        }
    }

    /// A base of the deployment's own: alone it stands for the host, with a version for host and version, with any other
    /// path for everything before the verb.
    fn custom(&self, base: &str, family: Family, tail: &str, verb: &str, call: &Call<'_>) -> String {
        let path = base.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map_or("", |(_, path)| path);
        let location = self.location();
        if self.params.bool("use_psc_endpoint_format") == Some(true) {
            let project = self.project();
            return format!("{base}/v1/projects/{project}/locations/{location}/endpoints/{}:{verb}", call.model);
        }
        match path {
            "" => format!("{base}{}{}", self.path(&location), with_verb(tail, verb)),
            "v1" | "v1beta1" => {
                let beyond = self.path(&location);
                let beyond = beyond.strip_prefix(&format!("/{}", self.version)).unwrap_or(&beyond).to_owned();
                format!("{base}{beyond}{}", with_verb(tail, verb))
            }
            // models as a service stand below the project, whatever the host
            _ if family == Family::OpenApi && !base.contains("/endpoints/") && !base.ends_with("/chat/completions") => {
                format!("{}{tail}", self.below(Some(base)))
            }
            _ if matches!(family, Family::OpenApi | Family::Garden) => {
                if base.ends_with("/chat/completions") {
                    base.to_owned()
                } else {
                    format!("{base}/chat/completions")
                }
            }
            // such a base is the whole address of pictures
            _ if matches!(call.format, Format::VertexImagen | Format::VertexImages) => base.to_owned(),
            _ => format!("{base}:{verb}"),
        }
    }
}

/// What stands behind the location, without the verb.
fn tail(family: Family, model: &str, operation: OperationKind) -> String {
    let bare = model.rsplit('/').next().unwrap_or(model);
    match family {
        Family::OpenApi => "/endpoints/openapi/chat/completions".to_owned(),
        Family::Garden if is_number(bare) => format!("/endpoints/{bare}/chat/completions"),
        // models of the garden without an endpoint of their own
        Family::Garden => "/endpoints/openapi/chat/completions".to_owned(),
        _ if is_number(bare) => format!("/endpoints/{bare}"),
        Family::Claude if operation == OperationKind::CountTokens => {
            "/publishers/anthropic/models/count-tokens".to_owned()
        }
        family => format!("/publishers/{}/models/{bare}", family.publisher()),
    }
}

fn with_verb(tail: &str, verb: &str) -> String {
    if tail.ends_with("/chat/completions") { tail.to_owned() } else { format!("{tail}:{verb}") }
}
