//! For tests: key pairs that sign tokens, an identity provider on loopback that can be away, and one that speaks SAML.

mod pair;
mod saml;
mod server;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use llm_types::Json;
use parking_lot::Mutex;

pub use pair::{Pair, token_of};
pub use saml::{SamlIssuer, SamlLogin, saml_instant};
pub use server::{Asked, Server};

/// An identity provider on loopback: a discovery document at `/.well-known/openid-configuration`, keys at `/jwks`.
pub struct Issuer {
    server: Server,
    pair: Pair,
    published: Arc<Mutex<Vec<Json>>>,
    away: Arc<AtomicBool>,
}

impl std::fmt::Debug for Issuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Issuer").field("url", &self.url()).finish_non_exhaustive()
    }
}

impl Issuer {
    /// Starts one with a P-256 key of the id `first`.
    pub async fn start() -> Self {
        let pair = Pair::p256();
        let published = Arc::new(Mutex::new(vec![pair.jwk("first")]));
        let away = Arc::new(AtomicBool::new(false));
        let (keys, gone) = (Arc::clone(&published), Arc::clone(&away));
        let server = Server::start(move |asked: &Asked, url: &str| {
            if gone.load(Ordering::SeqCst) {
                return (503, String::new());
            }
            match asked.path.as_str() {
                "/jwks" => (200, Json::object([("keys", Json::Array(keys.lock().clone()))]).to_string()),
                "/.well-known/openid-configuration" => {
                    let jwks = format!("{url}/jwks");
                    (200, Json::object([("issuer", Json::from(url)), ("jwks_uri", Json::from(jwks))]).to_string())
                }
                _ => (404, String::new()),
            }
        })
        .await;
        Self { server, pair, published, away }
    }

    /// Its name and address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.server.url
    }

    /// Where its keys are.
    #[must_use]
    pub fn jwks(&self) -> String {
        format!("{}/jwks", self.url())
    }

    /// How often something was asked of it.
    #[must_use]
    pub fn asked(&self) -> usize {
        self.server.count()
    }

    /// Answers 503 from now on, or not any more.
    pub fn away(&self, away: bool) {
        self.away.store(away, Ordering::SeqCst);
    }

    /// Publishes these keys instead of those it has.
    pub fn publish(&self, keys: Vec<Json>) {
        *self.published.lock() = keys;
    }

    /// The key it signs with.
    #[must_use]
    pub const fn pair(&self) -> &Pair {
        &self.pair
    }

    /// A token with these claims, from this issuer, for an hour; what `claims` say of that holds instead.
    #[must_use]
    pub fn token(&self, claims: &str) -> String {
        let mut all = Json::object([("iss", Json::from(self.url()))]);
        all.set("exp", now() + 3600);
        let own: Json = serde_json::from_str(claims).unwrap_or_default();
        own.as_object().unwrap_or_default().iter().for_each(|(name, value)| all.set(name, value.clone()));
        self.pair.token("first", &all)
    }
}

/// Seconds since 1970.
#[must_use]
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or_default()
}
