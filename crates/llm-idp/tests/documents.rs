//! Key sets and discovery documents as they age, change and go away.
#![allow(clippy::unwrap_used)] // a test that cannot go on is to fail

use std::sync::Arc;
use std::time::Duration;

use llm_http::{HttpClient, HttpConfig, ProxyConfig};
use llm_idp::testing::{Asked, Issuer, Pair, Server};
use llm_idp::{Idp, IdpSettings, KeySource, Refused, Trust};
use llm_types::Json;
use tokio::runtime::Handle;

fn idp(settings: IdpSettings) -> Idp {
    let http = HttpClient::new(HttpConfig { proxy: ProxyConfig::Off, ..HttpConfig::default() });
    Idp::new(Arc::new(http), Handle::current(), settings)
}

fn settings(ttl: u64, stale: u64, pause: u64) -> IdpSettings {
    let millis = Duration::from_millis;
    IdpSettings { ttl: millis(ttl), stale: millis(stale), pause: millis(pause) }
}

const HOUR: u64 = 3_600_000;

fn by_url(issuer: &Issuer) -> Trust {
    Trust { issuer: None, keys: KeySource::Urls(vec![issuer.jwks().into()]), audiences: Vec::new() }
}

fn by_discovery(issuer: &Issuer) -> Trust {
    Trust { issuer: Some(issuer.url().into()), keys: KeySource::Discovery, audiences: Vec::new() }
}

#[tokio::test]
async fn one_reading_serves_everybody() {
    let issuer = Issuer::start().await;
    let idp = idp(settings(HOUR, 0, HOUR));
    let (trust, token) = (by_url(&issuer), issuer.token("{}"));
    let all = futures_util::future::join_all((0..50).map(|_| trust.verify(&idp, &token))).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(issuer.asked(), 1);
}

#[tokio::test]
async fn discovery_finds_the_keys_and_checks_whose_they_are() {
    let issuer = Issuer::start().await;
    let idp = idp(settings(HOUR, 0, HOUR));
    assert!(by_discovery(&issuer).verify(&idp, &issuer.token("{}")).await.is_ok());
    // The discovery document itself, given as the address of keys.
    let mut trust = by_url(&issuer);
    trust.keys = KeySource::Urls(vec![format!("{}/.well-known/openid-configuration", issuer.url()).into()]);
    assert!(trust.verify(&idp, &issuer.token("{}")).await.is_ok());

    let liar = Server::start(|_: &Asked, url: &str| {
        (200, format!(r#"{{"issuer":"https://accounts.example","jwks_uri":"{url}/jwks"}}"#))
    })
    .await;
    let lies = Trust { issuer: Some(liar.url.as_str().into()), keys: KeySource::Discovery, audiences: Vec::new() };
    let token = issuer.token(&format!(r#"{{"iss":"{}"}}"#, liar.url));
    let outcome = lies.verify(&idp, &token).await;
    assert!(matches!(&outcome, Err(Refused::Unavailable(why)) if why.contains("another issuer")), "{outcome:?}");
}

#[tokio::test]
async fn a_document_leads_nowhere_inside() {
    let issuer = Issuer::start().await;
    let jwks = issuer.jwks();
    // Its own host may name itself; another private address is behind the guard.
    let server = Server::start(move |_: &Asked, _: &str| (200, format!(r#"{{"jwks_uri":"{jwks}"}}"#))).await;
    let trust = Trust { issuer: None, keys: KeySource::Urls(vec![server.url.as_str().into()]), audiences: Vec::new() };
    let outcome = trust.verify(&idp(settings(HOUR, 0, HOUR)), &issuer.token("{}")).await;
    assert!(matches!(&outcome, Err(Refused::Unavailable(why)) if why.contains("not allowed")), "{outcome:?}");
    assert_eq!(issuer.asked(), 0);
}

#[tokio::test]
async fn a_new_key_is_found_and_strangers_cannot_make_us_ask() {
    let issuer = Issuer::start().await;
    let second = Pair::ed25519();
    let trust = by_url(&issuer);
    let slow = idp(settings(HOUR, 0, HOUR));
    assert!(trust.verify(&slow, &issuer.token("{}")).await.is_ok());
    let claims: Json = serde_json::from_str(&format!(r#"{{"exp":{}}}"#, llm_idp::testing::now() + 60)).unwrap();
    issuer.publish(vec![issuer.pair().jwk("first"), second.jwk("second")]);
    for n in 0..200 {
        let outcome = trust.verify(&slow, &second.token(&format!("guess-{n}"), &claims)).await;
        assert!(matches!(outcome, Err(Refused::Token(_))), "{outcome:?}");
    }
    assert_eq!(issuer.asked(), 1, "within the pause nobody is asked again");

    let brisk = idp(settings(HOUR, 0, 0));
    assert!(trust.verify(&brisk, &issuer.token("{}")).await.is_ok());
    assert!(trust.verify(&brisk, &second.token("second", &claims)).await.is_ok(), "read already");
    issuer.publish(vec![second.jwk("third")]);
    assert!(trust.verify(&brisk, &second.token("third", &claims)).await.is_ok(), "read again for the new key");
    let gone = trust.verify(&brisk, &issuer.token("{}")).await;
    assert!(matches!(gone, Err(Refused::Token(_))), "a key that is not published any more signs nothing: {gone:?}");
}

#[tokio::test]
async fn a_provider_that_is_away_is_not_the_callers_fault() {
    let issuer = Issuer::start().await;
    let trust = by_url(&issuer);
    issuer.away(true);
    let cold = idp(settings(HOUR, HOUR, 0));
    let outcome = trust.verify(&cold, &issuer.token("{}")).await;
    assert!(matches!(outcome, Err(Refused::Unavailable(_))), "{outcome:?}");

    issuer.away(false);
    // Old at once, and to be used for an hour more.
    let stale = idp(settings(0, HOUR, 0));
    assert!(trust.verify(&stale, &issuer.token("{}")).await.is_ok());
    // Old at once, and never used then.
    let strict = idp(settings(0, 0, 0));
    issuer.away(true);
    assert!(trust.verify(&stale, &issuer.token("{}")).await.is_ok(), "the old keys serve while it is away");
    let outcome = trust.verify(&strict, &issuer.token("{}")).await;
    assert!(matches!(outcome, Err(Refused::Unavailable(_))), "{outcome:?}");
    // What is wrong by itself needs no key, and is told.
    let ended = issuer.token(r#"{"exp":1}"#);
    assert_eq!(trust.verify(&strict, &ended).await, Err(Refused::Expired));
    issuer.away(false);
    let token = issuer.token("{}");
    assert!(trust.verify(&cold, &token).await.is_ok(), "it is back");
}
