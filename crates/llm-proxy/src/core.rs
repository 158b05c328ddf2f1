//! One serving thread: matches the path and hands the request to whoever answers it.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Weak};

use http::header::ORIGIN;
use http::request::Parts;
use http::{HeaderMap, Request, Response};
use hyper::body::Incoming;
use llm_accounts::{Asking, Connected, Credential, Identity};
use llm_http::HttpClient;
use llm_types::{Error, Format, Kind, OperationKind, Result};
use tower::ServiceExt;

use crate::app::App;
use crate::body::Reply;
use crate::flow::{self, Context};
use crate::routes::{self, Action, Permission, Route};
use crate::tally::OneMore;
use crate::{
    admin, agents, errors, explain, google, health, mcp, models, operate, pass, rag, realtime, resources, responses,
    tools, usage_chat, via,
};

/// One serving thread: its own upstream pool, and the app that all share.
pub struct Core {
    /// What all threads share.
    pub app: Arc<App>,
    /// This thread's connections to model hosts.
    pub http: HttpClient,
    /// The same, for guardrails that ask services.
    pub wire: Arc<dyn llm_guardrails::Wire>,
    /// Counts what this thread answers.
    pub edge: Arc<crate::edge::Shard>,
    /// Itself, for work that goes on behind an answer.
    pub me: Weak<Self>,
}

fn closed(why: &str) -> Response<Reply> {
    errors::respond(&Error::new(Kind::PermissionDenied, why), Format::OpenAiChat, HeaderMap::new())
}

/// A call that is being answered. Boxed by whoever makes it: futures of calls have kilobytes, and each hand that they go
/// through by value copies them.
type Running<'a> = Pin<Box<dyn Future<Output = Response<Reply>> + Send + 'a>>;

impl Core {
    /// Itself, to be held by work that goes on behind an answer; nothing when the thread is ending.
    #[must_use]
    pub fn myself(&self) -> Option<Arc<Self>> {
        self.me.upgrade()
    }

    /// Answers a request. Pages of other origins are told what they may do. Whatever the answer is, browsers are told not to
    /// guess its type and not to show it in frames.
    pub async fn handle(&self, req: Request<Incoming>, peer: SocketAddr) -> Response<Reply> {
        let origin = req.headers().get(ORIGIN).cloned();
        if origin.is_some()
            && let Some(response) = self.app.snapshot.load().settings.cors.preflight(&req)
        {
            return response;
        }
        let mut response = self.answered(req, peer).await;
        if let Some(origin) = origin {
            self.app.snapshot.load().settings.cors.tell(&origin, response.headers_mut());
        }
        crate::answer::guarded(response.headers_mut());
        response
    }

    async fn answered(&self, req: Request<Incoming>, peer: SocketAddr) -> Response<Reply> {
        let (mut parts, body) = req.into_parts();
        parts.extensions.insert(Connected(peer.ip()));
        if let Err(error) = via::check(&parts.headers) {
            return errors::respond(&error, Format::OpenAiChat, HeaderMap::new());
        }
        let snapshot = self.app.snapshot.load();
        let uri = parts.uri.clone();
        let path = snapshot.settings.below_root(uri.path());
        let route = routes::find(&parts.method, path);
        let allowed = &snapshot.settings.allowed_routes;
        let open = route.as_ref().is_some_and(|route| route.permission == Permission::Public);
        if !open && !allowed.is_empty() && !llm_accounts::in_routes(allowed, path) {
            return closed(&format!("Route {path} is not allowed"));
        }
        let stored = self.app.endpoints.load();
        let custom = if route.is_none() { snapshot.relays.custom(&stored, &parts.method, path) } else { None };
        if let Some(why) = snapshot.settings.plane.closes(route.as_ref(), open, custom.is_some()) {
            return closed(why);
        }
        let custom = custom.map(|(custom, rest)| (custom.clone(), rest));
        drop(stored);
        let Some(route) = route else {
            if let Some((custom, rest)) = custom {
                drop(snapshot);
                return self.counted(None, Box::pin(pass::serve_custom(self, &custom, rest, parts, body, peer))).await;
            }
            // The management API has other methods of some of them.
            if routes::known(path) && !llm_management::rows().any(|row| row.path == path) {
                return errors::wrong_method(&routes::methods(path));
            }
            drop(snapshot);
            return self.management(Request::from_parts(parts, body)).await;
        };
        let key = crate::edge::key(route.action, route.name, &parts.method);
        drop(snapshot);
        let call: Running<'_> = match route.action {
            Action::Call(..) => Box::pin(flow::serve(self, &route, parts, body, peer)),
            Action::Pass(mount) if realtime::is_asked_for(&parts) => {
                Box::pin(realtime::serve_mount(self, mount, path, parts, peer))
            }
            Action::Pass(mount) if mount.live_only => return errors::fixed(404, "{\"detail\":\"Not Found\"}"),
            Action::Pass(mount) => Box::pin(pass::serve(self, mount, path, parts, body, peer)),
            Action::Realtime => Box::pin(realtime::serve(self, route.name, path, parts, peer)),
            Action::ResponsesSocket => Box::pin(responses::socket::serve(self, route.name, path, parts, peer)),
            Action::UsageChat => Box::pin(usage_chat::serve(self, route.name, parts, body, peer)),
            Action::Rag(verb) => Box::pin(rag::serve(self, verb, route.name, parts, body, peer)),
            Action::Mcp(verb) => Box::pin(mcp::serve(self, verb, &route, path, parts, body, peer)),
            Action::Agent(verb) => Box::pin(agents::serve(self, verb, &route, path, parts, body, peer)),
            Action::Resource(what) => Box::pin(resources::serve(self, what, route.name, path, parts, body, peer)),
            _ => {
                let outcome = Box::pin(self.other(&route, &parts, body, peer)).await;
                return outcome.unwrap_or_else(|e| errors::respond(&e, Format::OpenAiChat, HeaderMap::new()));
            }
        };
        self.counted(key, call).await
    }

    /// Counts a call as running while it is answered.
    async fn counted(&self, key: Option<crate::edge::Key>, call: Running<'_>) -> Response<Reply> {
        let _running = OneMore::of(&self.app.in_flight);
        let response = call.await;
        if let Some(key) = key {
            self.edge.count(key, response.status());
        }
        response
    }

    /// Routes that call no model.
    async fn other(
        &self,
        route: &Route<'_>,
        parts: &Parts,
        body: Incoming,
        peer: SocketAddr,
    ) -> Result<Response<Reply>> {
        let snapshot = self.app.snapshot.load_full();
        let closed = snapshot.settings.hub_needs_key && operate::is_hub(route.name);
        let open = route.permission == Permission::Public && !closed
            || snapshot.settings.public_routes.iter().any(|r| r == route.name)
            || route.action == Action::Metrics && !snapshot.settings.metrics_need_key;
        if route.action == Action::Metrics && !open && self.identify(parts).await.is_err() {
            // Scrapers of LiteLLM see a bare JSON string here.
            return Ok(errors::fixed(401, "\"Malformed API Key passed in. Ensure Key has `Bearer ` prefix.\""));
        }
        let who = if open { None } else { Some(self.identify(parts).await?) };
        if let Some(who) = &who {
            let asks = route.action == Action::Explain; // a question, though its text makes it a POST
            let reads = asks || parts.method == http::Method::GET || parts.method == http::Method::HEAD;
            let permission = match route.permission {
                Permission::Admin => llm_accounts::Permission::Admin,
                // The key's own list of routes holds for these as well.
                Permission::Public | Permission::AnyKey | Permission::Llm => llm_accounts::Permission::AnyKey,
            };
            let path = snapshot.settings.below_root(parts.uri.path());
            self.app.accounts.authorize(who, permission, path, reads)?;
        }
        Ok(match route.action {
            Action::Call(..)
            | Action::Pass(_)
            | Action::Resource(_)
            | Action::Realtime
            | Action::ResponsesSocket
            | Action::Mcp(_)
            | Action::UsageChat
            | Action::Agent(_)
            | Action::Rag(_) => errors::not_found(),
            Action::Endpoints(verb) => {
                let body = crate::read::body(&snapshot, parts, body).await?;
                pass::stored::serve(self, verb, route.model, parts, &body).await?
            }
            Action::OpenApi => crate::openapi::document(),
            Action::Operate(verb) => {
                let body = crate::read::body(&snapshot, parts, body).await?;
                crate::operate::serve(self, &snapshot, verb, parts, who.as_ref(), body).await?
            }
            Action::Explain => {
                let who = who.ok_or_else(|| Error::internal("an explanation without a caller"))?;
                let body = crate::read::body(&snapshot, parts, body).await?;
                explain::request(self, parts, &body, &who).await?
            }
            Action::Decisions => explain::list(&snapshot, parts),
            Action::Decision => explain::one(&snapshot, route.model.unwrap_or_default())?,
            Action::RouterBudgets => explain::budgets(&snapshot),
            Action::Learned => explain::learned(&snapshot)?,
            Action::Liveliness => health::liveliness(&self.app),
            Action::Readiness if snapshot.settings.public_readiness => crate::operate::readiness(self).await,
            Action::Readiness => health::readiness(&self.app).await,
            Action::Health => health::health(self, &snapshot, parts).await,
            Action::Metrics => admin::metrics(&self.app).await,
            Action::Test => admin::test(route),
            Action::Routes => admin::routes(),
            Action::Home => crate::operate::home(parts),
            Action::Cache(verb) => {
                let body = crate::read::body(&snapshot, parts, body).await?;
                let cache = self.app.cache.load_full();
                crate::cache::routes::serve(cache.as_deref(), verb, &body).await?
            }
            Action::CacheSettings => crate::cache::settings::show(self.app.cache_setup.load().config.as_ref()),
            Action::CacheSettingsTest => {
                let body = crate::read::body(&snapshot, parts, body).await?;
                let witness = Arc::new(llm_cache::Nobody);
                let opening = crate::cache::Opening { http: &self.http, background: &self.app.background, witness };
                let accounts = self.app.accounts.clone();
                // What a form sends back hidden stands in the database, which is asked on the runtime it belongs to.
                let there = self.app.background.spawn(async move { accounts.stored_cache().await.ok() });
                let setup = self.app.cache_setup.load_full();
                let stored =
                    there.await.ok().flatten().filter(|there| there.as_object().is_some_and(|f| !f.is_empty()));
                let file = || setup.config.as_ref().map(|config| config.written.clone());
                let there = stored.or_else(file).unwrap_or_default();
                crate::cache::settings::test(&body, &there, &setup.environment, &opening).await?
            }
            Action::Models => models::list(&snapshot, who.as_deref(), parts)?,
            Action::SearchTools => models::search_tools(&snapshot, who.as_deref()),
            Action::Model => models::one(&snapshot, who.as_deref(), route.model.unwrap_or_default(), parts)?,
            Action::GoogleModels => google::list(&snapshot, who.as_deref()),
            Action::GoogleModel => google::one(&snapshot, who.as_deref(), route.model.unwrap_or_default())?,
            Action::Stored(verb) => {
                let who = who.ok_or_else(|| Error::internal("a stored answer without a caller"))?;
                let (operation, format) = (OperationKind::Generate, Format::OpenAiResponses);
                let mut ctx = Context::new(self, route.name, operation, format, parts.clone(), peer);
                ctx.who = Some(Arc::clone(&who));
                responses::stored::answer(self, &ctx, &who, verb, route.model.unwrap_or_default()).await?
            }
            Action::ModelInfo => models::info(&snapshot, who.as_deref(), parts),
            Action::ModelInfoPages => models::info_pages(&snapshot, who.as_deref(), parts)?,
            Action::ModelGroupInfo => models::group_info(&snapshot, who.as_deref(), parts),
            Action::TokenCounter => {
                let body = crate::read::body(&snapshot, parts, body).await?;
                tools::token_counter(self, &snapshot, who.as_deref(), parts, body).await?
            }
            Action::TransformRequest => {
                tools::transform_request(&snapshot, crate::read::body(&snapshot, parts, body).await?)?
            }
            Action::SupportedParams => tools::supported_params(&snapshot, parts)?,
        })
    }

    /// Everything the data plane does not know.
    async fn management(&self, req: Request<Incoming>) -> Response<Reply> {
        let router = self.app.management.clone();
        match router.oneshot(req.map(axum::body::Body::new)).await {
            Ok(response) => response.map(Reply::Management),
            Err(never) => match never {},
        }
    }

    /// Who calls. The store is asked only when memory does not know.
    ///
    /// # Errors
    /// 401 and its like, as LiteLLM answers.
    pub async fn identify(&self, parts: &Parts) -> Result<Arc<Identity>> {
        let snapshot = self.app.snapshot.load();
        let mut credential = llm_accounts::credential(&parts.headers, snapshot.settings.key_header_name.as_deref());
        drop(snapshot);
        let in_query = match credential {
            Credential::None if google::takes_key_in_query(parts.uri.path()) => google::key_of_query(parts.uri.query()),
            _ => None,
        };
        if let Some(key) = &in_query {
            credential = Credential::Key(key);
        }
        self.identify_as(&credential, parts).await
    }

    /// Who shows this credential, in a request with this head.
    ///
    /// # Errors
    /// As [`Core::identify`].
    pub async fn identify_as(&self, credential: &Credential<'_>, parts: &Parts) -> Result<Arc<Identity>> {
        let snapshot = self.app.snapshot.load();
        let asking = Asking {
            credential: *credential,
            headers: &parts.headers,
            method: parts.method.as_str(),
            path: snapshot.settings.below_root(parts.uri.path()),
            connected: parts.extensions.get::<Connected>().map(|connected| connected.0),
        };
        match self.app.accounts.enter_now(&asking) {
            Some(known) => known,
            None => Box::pin(self.app.accounts.enter(&asking)).await,
        }
    }
}

impl std::fmt::Debug for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Core").finish_non_exhaustive()
    }
}
