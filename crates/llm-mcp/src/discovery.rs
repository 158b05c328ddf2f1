//! Where a client gets a token for a server (RFC 9728, RFC 8414): what the configuration says, and what the server says of
//! itself. These documents are for everybody.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::header::{ACCEPT, HeaderValue};
use http::{Request, Uri};
use llm_http::{Body, Timeouts, Transport};
use llm_types::{Json, RawJson};
use parking_lot::Mutex;
use tokio::sync::Mutex as Turn;
use url::Url;

use crate::registry::Registry;
use crate::server::Server;

/// The path at which resources describe themselves.
pub const RESOURCE: &str = "/.well-known/oauth-protected-resource";
/// The path at which authorization servers do.
pub const ISSUER: &str = "/.well-known/oauth-authorization-server";

/// No document is longer, in bytes.
const LARGEST: usize = 64 << 10;
/// How long a document is used before it is asked for again, and how long one that there is not.
const FRESH: [Duration; 2] = [Duration::from_secs(300), Duration::from_secs(30)];
/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(8);

/// Where tokens for a server are had, as the configuration says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Authority {
    /// `issuer`
    pub issuer: Option<String>,
    /// `authorization_url`
    pub authorization_url: Option<String>,
    /// `token_url`
    pub token_url: Option<String>,
    /// `registration_url`
    pub registration_url: Option<String>,
    /// `scopes`
    pub scopes: Vec<String>,
}

impl Authority {
    /// The authorization server's own description, which the gateway gives for it under `issuer`; nothing where it gives its
    /// own.
    #[must_use]
    pub fn described(&self, issuer: &str) -> Option<Json> {
        let (authorize, token) = (self.authorization_url.as_deref()?, self.token_url.as_deref()?);
        if self.issuer.is_some() {
            return None;
        }
        let mut out = Json::object([
            ("issuer", Json::from(issuer)),
            ("authorization_endpoint", Json::from(authorize)),
            ("token_endpoint", Json::from(token)),
            ("response_types_supported", texts(&["code"])),
            ("grant_types_supported", texts(&["authorization_code", "refresh_token"])),
            ("code_challenge_methods_supported", texts(&["S256"])),
            ("token_endpoint_auth_methods_supported", texts(&["none", "client_secret_post", "client_secret_basic"])),
        ]);
        if !self.scopes.is_empty() {
            out.set("scopes_supported", texts(&self.scopes));
        }
        if let Some(url) = &self.registration_url {
            out.set("registration_endpoint", url.as_str());
        }
        Some(out)
    }
}

/// A list of texts.
#[must_use]
pub fn texts(list: &[impl AsRef<str>]) -> Json {
    Json::Array(list.iter().map(|text| Json::from(text.as_ref())).collect())
}

/// What servers say of themselves, as far as it was asked.
#[derive(Debug, Default)]
pub struct Discovered(Mutex<HashMap<String, Arc<Slot>>>);

#[derive(Debug, Default)]
struct Slot {
    turn: Turn<()>,
    known: Mutex<Option<(Instant, Option<RawJson>)>>,
}

impl Slot {
    fn fresh(&self) -> Option<Option<RawJson>> {
        let known = self.known.lock();
        let (until, document) = known.as_ref()?;
        (Instant::now() < *until).then(|| document.clone())
    }
}

impl Discovered {
    /// The description that a server gives of itself as a resource; nothing when it gives none. One request at a time asks,
    /// whoever wants to know: everybody may.
    pub async fn resource(&self, transport: &dyn Transport, server: &Server) -> Option<RawJson> {
        let url = server.wire.url()?;
        let slot = Arc::clone(self.0.lock().entry(url.to_owned()).or_default());
        if let Some(known) = slot.fresh() {
            return known;
        }
        let _turn = slot.turn.lock().await;
        if let Some(known) = slot.fresh() {
            return known;
        }
        let found = asked(transport, url).await;
        let [good, bad] = FRESH;
        *slot.known.lock() = Some((Instant::now() + if found.is_some() { good } else { bad }, found.clone()));
        found
    }

    /// Forgets servers that are no more.
    pub(crate) fn keep(&self, registry: &Registry) {
        let known = |url: &str| registry.servers.iter().any(|server| server.wire.url() == Some(url));
        self.0.lock().retain(|url, _| known(url));
    }
}

/// Asks where the path stands in the address, then at the root of the host (RFC 9728, section 3.1). Redirects are not followed.
async fn asked(transport: &dyn Transport, url: &str) -> Option<RawJson> {
    let url = Url::parse(url).ok()?;
    let own = url.path().trim_end_matches('/');
    for path in [Some(own), (!own.is_empty()).then_some("")].into_iter().flatten() {
        let mut place = url.clone();
        place.set_path(&format!("{RESOURCE}{path}"));
        place.set_query(None);
        place.set_fragment(None);
        let uri: Uri = place.as_str().parse().ok()?;
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = uri;
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
        let timeouts = Timeouts { total: Some(PATIENCE), ..Timeouts::default() };
        let Ok(reply) = transport.send(request, timeouts).await else { continue };
        if reply.status().as_u16() != 200 {
            continue;
        }
        let Ok(Some(body)) = reply.into_body().collect_within(LARGEST).await else { continue };
        let text = String::from_utf8(body.to_vec()).ok().and_then(|text| RawJson::parse(text).ok());
        let object = text.filter(|raw| raw.read::<Json>().is_ok_and(|json| json.as_object().is_some()));
        if object.is_some() {
            return object;
        }
    }
    None
}
