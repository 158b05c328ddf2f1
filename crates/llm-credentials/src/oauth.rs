//! OAuth 2 client credentials (RFC 6749, section 4.4): Databricks, SAP, GigaChat and whoever else speaks it. A client may
//! also exchange the token of somebody who calls it (RFC 8693), or act on their behalf as Microsoft Entra has it
//! (<https://learn.microsoft.com/entra/identity-platform/v2-oauth2-on-behalf-of-flow>).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue};
use llm_types::auth::OAuthClient;
use llm_types::{Result, Secret};

use crate::flow::{Flow, denied, form, show};
use crate::reply::TokenReply;
use crate::shelf::{Issued, Key, KeyOf};

/// The grants: RFC 8693, and RFC 7523 for Entra.
const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ON_BEHALF: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

pub(crate) fn key(need: &OAuthClient) -> Key {
    let subject = need.subject.as_ref();
    KeyOf::new("oauth")
        .secret(subject.map(|s| &s.token))
        .maybe(subject.map(|s| if s.on_behalf { ON_BEHALF } else { &s.kind }))
        .text(&need.token_url)
        .text(&need.client_id)
        .secret(Some(&need.client_secret))
        .secret(need.authorization.as_ref())
        .maybe(need.scope.as_deref())
        .pairs(&need.form)
        .pairs(&need.headers)
        .end()
}

/// A new token.
pub(crate) async fn fetch(flow: Flow<'_>, need: &OAuthClient) -> Result<Issued<Secret>> {
    let who = "the OAuth token endpoint";
    let secret = need.client_secret.expose();
    let mut fields = Vec::new();
    match &need.subject {
        Some(subject) if subject.on_behalf => fields.extend([
            ("grant_type", ON_BEHALF),
            ("assertion", subject.token.expose()),
            ("requested_token_use", "on_behalf_of"),
        ]),
        Some(subject) => fields.extend([
            ("grant_type", EXCHANGE),
            ("subject_token", subject.token.expose()),
            ("subject_token_type", subject.kind.as_str()),
        ]),
        None if need.bare => {}
        None => fields.push(("grant_type", "client_credentials")),
    }
    if !need.basic && need.authorization.is_none() {
        fields.extend([("client_id", need.client_id.as_str()), ("client_secret", secret)]);
    }
    fields.extend(need.scope.as_deref().map(|scope| ("scope", scope)));
    fields.extend(need.form.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let mut request = form(&need.token_url, &fields)?;
    for (name, value) in &need.headers {
        let bad = || denied(format!("the header {name:?} of the token request cannot be sent"));
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad())?;
        let value = value.replace("{uuid}", &uuid::Uuid::new_v4().to_string());
        request.headers_mut().insert(name, HeaderValue::from_str(&value).map_err(|_| bad())?);
    }
    let authorization = match &need.authorization {
        Some(given) => Some(given.expose().to_owned()),
        None if need.basic => Some(format!("Basic {}", STANDARD.encode(format!("{}:{secret}", need.client_id)))),
        None => None,
    };
    if let Some(value) = &authorization {
        show(&mut request, AUTHORIZATION, value)?;
    }
    let shown = authorization.as_deref().and_then(|value| value.split(' ').nth(1)).unwrap_or_default();
    let caller = need.subject.as_ref().map(|s| s.token.expose()).unwrap_or_default();
    let reply: TokenReply = flow.ask(who, request, &[secret, shown, caller]).await?;
    reply.issued(who, flow.ambient.now())
}

#[cfg(test)]
mod tests {
    use llm_types::Kind;
    use llm_types::auth::Subject;

    use super::*;
    use crate::testing::{Server, World, after};

    async fn server() -> Server {
        Server::start(|_| (200, r#"{"access_token":"t-1","expires_in":3600}"#.to_owned())).await
    }

    fn client(server: &Server) -> OAuthClient {
        OAuthClient {
            token_url: format!("{}/token", server.url),
            client_id: "me".into(),
            client_secret: Secret::new("s3cr3t"),
            ..OAuthClient::default()
        }
    }

    #[tokio::test]
    async fn in_the_form_or_as_basic() {
        let (server, world) = (server().await, World::empty());
        let issued = fetch(world.flow(), &client(&server)).await.unwrap();
        assert_eq!((issued.value.expose(), issued.expires), ("t-1", Some(after(3600))));
        assert_eq!(server.last().body, "grant_type=client_credentials&client_id=me&client_secret=s3cr3t");
        assert_eq!(server.last().header("content-type"), "application/x-www-form-urlencoded");

        let need = OAuthClient { basic: true, scope: Some("all-apis".into()), ..client(&server) };
        fetch(world.flow(), &need).await.unwrap();
        assert_eq!(server.last().body, "grant_type=client_credentials&scope=all-apis");
        assert_eq!(server.last().header("authorization"), "Basic bWU6czNjcjN0");
    }

    #[tokio::test]
    async fn a_given_authorization_and_a_fresh_id() {
        let server = Server::start(|_| (200, r#"{"access_token":"t","expires_at":1767324845123}"#.to_owned())).await;
        let world = World::empty();
        let need = OAuthClient {
            authorization: Some(Secret::new("Basic YTpi")),
            bare: true,
            scope: Some("GIGACHAT_API_PERS".into()),
            headers: vec![("RqUID".into(), "{uuid}".into())],
            ..client(&server)
        };
        let issued = fetch(world.flow(), &need).await.unwrap();
        assert_eq!(issued.expires.unwrap().duration_since(after(1800)).unwrap().as_millis(), 123);
        assert_eq!(server.last().body, "scope=GIGACHAT_API_PERS");
        assert_eq!(server.last().header("authorization"), "Basic YTpi");
        let first = server.last().header("rquid").to_owned();
        assert!(uuid::Uuid::parse_str(&first).is_ok(), "{first}");
        fetch(world.flow(), &need).await.unwrap();
        assert_ne!(server.last().header("rquid"), first);
    }

    #[tokio::test]
    async fn a_callers_token_is_exchanged() {
        let (server, world) = (server().await, World::empty());
        let subject = Subject { token: Secret::new("callers"), kind: "urn:t".into(), on_behalf: false };
        let form = vec![("audience".into(), "api://x".into())];
        let need = OAuthClient { subject: Some(subject.clone()), form, ..client(&server) };
        fetch(world.flow(), &need).await.unwrap();
        let head = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3A";
        let client_fields = "client_id=me&client_secret=s3cr3t";
        let expected = format!(
            "{head}token-exchange&subject_token=callers&subject_token_type=urn%3At&{client_fields}&audience=api%3A%2F%2Fx"
        );
        assert_eq!(server.last().body, expected);
        let other = Subject { token: Secret::new("anothers"), ..subject.clone() };
        assert!(
            key(&need) != key(&OAuthClient { subject: Some(other), ..need.clone() }),
            "a caller's token is its own"
        );

        let subject = Some(Subject { on_behalf: true, ..subject });
        let scope = Some("api://x/.default".to_owned());
        let need = OAuthClient { subject, scope, basic: true, ..client(&server) };
        fetch(world.flow(), &need).await.unwrap();
        let behalf = "assertion=callers&requested_token_use=on_behalf_of&scope=api%3A%2F%2Fx%2F.default";
        assert_eq!(server.last().body, format!("{head}jwt-bearer&{behalf}"));
    }

    #[tokio::test]
    async fn refused_without_showing_the_secret() {
        let echo = |_: &_| (401, r#"{"error":"invalid_client","error_description":"s3cr3t is wrong"}"#.to_owned());
        let (server, world) = (Server::start(echo).await, World::empty());
        let error = fetch(world.flow(), &client(&server)).await.unwrap_err();
        assert_eq!(error.kind, Kind::Authentication);
        assert_eq!(error.message, "the OAuth token endpoint answered with status 401: invalid_client: *** is wrong");
        let dead = OAuthClient { token_url: crate::testing::dead_url().await, ..client(&server) };
        let error = fetch(world.flow(), &dead).await.unwrap_err();
        assert!(error.retryable() && error.kind == Kind::Connection, "{error:?}");
    }
}
