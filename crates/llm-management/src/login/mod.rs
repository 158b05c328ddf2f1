//! Logging in: the routes that ask for no key, because they give one. What they answer: pages, redirects, cookies.
//!
//! | file | what |
//! |---|---|
//! | `visit` | what such a route is given; where the visitor came from |
//! | `reply` | pages, redirects, JSON; the cookie |
//! | `page` | the form |
//! | `password` | names and passwords |
//! | `onboarding` | invitations |
//! | `session` | who is logged in; logging out |
//! | `away` | away at an identity provider and back, whatever it speaks |
//! | `sso` | which provider it is; those that send people back with a code |
//! | `saml` | those that speak SAML |
//! | `cli` | command lines |
//! | `debug` | what a provider says, shown to whoever tries it |
//! | `codes` | codes that stand for a token once |
//! | `refusal` | what visitors are refused with |
//! | `about` | what pages want to know before anybody is logged in |

mod about;
mod away;
mod cli;
mod codes;
mod debug;
mod onboarding;
mod page;
mod password;
mod refusal;
mod reply;
mod saml;
mod session;
mod sso;
mod visit;

use std::future::Future;
use std::pin::Pin;

use axum::body::Body;
use http::Response;

use crate::routes::{pages, plugins};
pub use saml::{SamlAttributes, SamlSource, SamlWay};
pub(crate) use sso::readiness;
pub use sso::{SsoAttributes, SsoInForce, SsoKind, SsoRoleMap, SsoSettings, SsoWay};
pub(crate) use visit::Visit;

/// A running visit.
pub(crate) type Running = Pin<Box<dyn Future<Output = Response<Body>> + Send>>;

/// A route for people without a key.
#[derive(Debug, Clone, Copy)]
pub struct OpenRow {
    /// Method.
    pub method: &'static str,
    /// Path.
    pub path: &'static str,
    /// Largest body, in bytes.
    pub(crate) largest: usize,
    pub(crate) run: fn(Visit) -> Running,
}

macro_rules! open {
    ($method:literal $path:literal $run:path) => {
        OpenRow { method: $method, path: $path, largest: LARGEST, run: |visit| Box::pin($run(visit)) }
    };
}

/// Largest body of somebody without a key, in bytes.
const LARGEST: usize = 64 << 10;
/// Largest response of a provider that speaks SAML: people may be in many groups.
const LARGEST_RESPONSE: usize = 1 << 20;

/// Largest batch of events that a coding agent sends about itself.
const LARGEST_EVENTS: usize = 1 << 20;

/// Every route for people without a key.
static ROWS: &[OpenRow] = &[
    open!("POST" "/login" password::form),
    open!("POST" "/v2/login" password::json),
    open!("POST" "/v3/login" password::across),
    open!("POST" "/v3/login/exchange" password::exchange),
    open!("GET" "/fallback/login" page::fallback),
    open!("GET" "/get/ui_theme_settings" pages::theme),
    open!("GET" "/get_logo_url" pages::logo_url),
    open!("GET" "/get_image" pages::logo),
    open!("GET" "/get_favicon" pages::favicon),
    open!("GET" "/claude-code/marketplace.json" plugins::marketplace),
    OpenRow { largest: LARGEST_EVENTS, ..open!("POST" "/api/event_logging/batch" about::events) },
    open!("GET" "/public/litellm_blog_posts" about::posts),
    open!("GET" "/public/skill_hub" plugins::hub),
    open!("GET" "/sso/key/generate" sso::start),
    open!("GET" "/sso/callback" sso::callback),
    open!("GET" "/sso/debug/login" debug::login),
    open!("GET" "/sso/debug/callback" debug::callback),
    open!("GET" "/sso/saml/login" saml::login),
    open!("GET" "/sso/saml/metadata" saml::metadata),
    OpenRow { largest: LARGEST_RESPONSE, ..open!("POST" "/sso/saml/callback" saml::callback) },
    open!("POST" "/sso/cli/start" cli::start),
    open!("POST" "/sso/cli/complete/{login_id}" cli::complete),
    open!("GET" "/sso/cli/poll/{key_id}" cli::poll),
    open!("GET" "/onboarding/get_token" onboarding::open),
    open!("POST" "/onboarding/claim_token" onboarding::claim),
    open!("GET" "/session" session::show),
    open!("POST" "/session/logout" session::end),
    open!("GET" "/.well-known/litellm-ui-config" about::discovery),
    open!("GET" "/litellm/.well-known/litellm-ui-config" about::discovery),
];

/// Every route for people without a key.
pub fn open_rows() -> impl Iterator<Item = &'static OpenRow> {
    ROWS.iter()
}
