//! Vertex AI's hosts: one per location. Project and location stand in the path; those of the credential replace the
//! client's, and are put in front of paths without.

use llm_types::{AuthNeed, Error, GoogleAuth, Kind, Result, Secret};

use super::place::join;
use super::{Mount, Passing};
use crate::params::Params;
use crate::provider::Endpoint;

/// Project, location and credentials of a call.
struct Home {
    project: Option<String>,
    location: Option<String>,
    credentials: Option<Secret>,
}

pub(super) fn place(mount: &Mount, passing: &Passing<'_>, params: &Params, out: &mut Endpoint) -> Result<()> {
    let rest = passing.rest.trim_start_matches('/');
    let home = if passing.own { Home { project: None, location: None, credentials: None } } else { home(params) };
    let location = home.location.or_else(|| segment(rest, "locations").map(str::to_owned));
    let project = home.project.or_else(|| segment(rest, "projects").map(str::to_owned));
    let (Some(location), Some(project)) = (location, project) else {
        return Err(Error::bad_request(
            "Vertex AI needs a project and a location: name them in the path, or set DEFAULT_VERTEXAI_PROJECT and DEFAULT_VERTEXAI_LOCATION",
        ));
    };
    let path = if rest.contains("locations/") {
        replaced(&replaced(rest, "projects", &project), "locations", &location)
    } else {
        let version = if rest.contains("cachedContent") { "v1beta1" } else { "v1" };
        format!("{version}/projects/{project}/locations/{location}/{rest}")
    };
    let base = passing.given.and_then(|g| g.api_base).map(str::to_owned);
    let base = base.or_else(|| mount.base_of_environment(params)).unwrap_or_else(|| host(&location));
    out.url = join(&base, &path);
    if !passing.own {
        out.auth = Some(token(home.credentials));
    }
    Ok(())
}

pub(super) fn discovery(mount: &Mount, passing: &Passing<'_>, params: &Params, out: &mut Endpoint) -> Result<()> {
    let base = mount.base_of_environment(params).ok_or_else(|| mount.no_base())?;
    let home = home(params);
    let mut path = passing.rest.to_owned();
    if let Some(project) = &home.project {
        path = replaced(&path, "projects", project);
    }
    out.url = join(&base, &path);
    if !passing.own {
        if home.credentials.is_none() && home.project.is_none() {
            return Err(Error::new(
                Kind::Authentication,
                "no credentials are configured for Google's Discovery Engine",
            ));
        }
        out.auth = Some(token(home.credentials));
    }
    Ok(())
}

/// A session of Gemini's Live API: one service per location. The credential's project and location count before those
/// that the client asks for.
pub(super) fn live(
    mount: &Mount,
    passing: &Passing<'_>,
    params: &Params,
    asked: (Option<String>, Option<String>),
    service: &str,
    out: &mut Endpoint,
) -> Result<String> {
    let home = home(params);
    let (Some(project), Some(location)) = (home.project.or(asked.0), home.location.or(asked.1)) else {
        return Err(Error::bad_request(
            "the Live API needs a project and a location: set DEFAULT_VERTEXAI_PROJECT and DEFAULT_VERTEXAI_LOCATION",
        ));
    };
    let base = passing.given.and_then(|g| g.api_base).map(str::to_owned);
    let base = base.or_else(|| mount.base_of_environment(params)).unwrap_or_else(|| host(&location));
    out.url = join(&base, service);
    out.auth = Some(token(home.credentials));
    out.set("x-goog-user-project", &project)?;
    Ok(format!("projects/{project}/locations/{location}/publishers/google/models/"))
}

/// The host of a location.
fn host(location: &str) -> String {
    match location {
        "global" => "https://aiplatform.googleapis.com".to_owned(),
        location => format!("https://{location}-aiplatform.googleapis.com"),
    }
}

fn token(credentials: Option<Secret>) -> AuthNeed {
    AuthNeed::Google(Box::new(GoogleAuth { credentials, ..GoogleAuth::default() }))
}

/// The deployment's own values, else the defaults of the environment.
fn home(params: &Params) -> Home {
    let pick = |own: &[&str], env: &[&str]| {
        let own = own.iter().find_map(|name| params.str(name).map(str::to_owned));
        own.or_else(|| env.iter().find_map(|name| params.env(name)))
    };
    let credentials = match params.get("vertex_credentials") {
        Some(json) if json.as_object().is_some() => Some(json.to_string()),
        _ => pick(&["vertex_credentials"], &["DEFAULT_GOOGLE_APPLICATION_CREDENTIALS", "VERTEXAI_CREDENTIALS"]),
    };
    Home {
        project: pick(&["vertex_project"], &["DEFAULT_VERTEXAI_PROJECT", "VERTEXAI_PROJECT"]),
        location: pick(&["vertex_location"], &["DEFAULT_VERTEXAI_LOCATION", "VERTEXAI_LOCATION"]),
        credentials: credentials.map(Secret::new),
    }
}

/// The segment behind `name`.
pub(super) fn segment<'p>(path: &'p str, name: &str) -> Option<&'p str> {
    let mut segments = path.split('/');
    segments.find(|s| *s == name)?;
    segments.next().filter(|s| !s.is_empty())
}

/// The path with another segment behind `name`.
fn replaced(path: &str, name: &str, value: &str) -> String {
    let mut next = false;
    let segments = path.split('/').map(|s| {
        let here = std::mem::replace(&mut next, s == name);
        if here { value } else { s }
    });
    segments.collect::<Vec<_>>().join("/")
}

impl super::Mount {
    /// The project and the location that a path names: which of several credentials fits.
    #[must_use]
    pub fn home_of<'p>(&self, rest: &'p str) -> (Option<&'p str>, Option<&'p str>) {
        (segment(rest, "projects"), segment(rest, "locations"))
    }
}
