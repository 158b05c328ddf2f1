//! Which tokens are believed: the attack corpus, one row an attack.
#![allow(clippy::unwrap_used)] // a test that cannot go on is to fail

use std::sync::Arc;

use llm_http::{HttpClient, HttpConfig, ProxyConfig};
use llm_idp::testing::{Issuer, Pair, now, token_of};
use llm_idp::{Idp, IdpSettings, Jws, Key, KeySet, KeySource, Refused, Trust, is_jws};
use llm_types::Json;
use tokio::runtime::Handle;

fn idp() -> Idp {
    let http = HttpClient::new(HttpConfig { proxy: ProxyConfig::Off, ..HttpConfig::default() });
    Idp::new(Arc::new(http), Handle::current(), IdpSettings::default())
}

fn json(text: &str) -> Json {
    serde_json::from_str(text).unwrap()
}

fn trust(issuer: &Issuer) -> Trust {
    let issuer_name = Some(issuer.url().into());
    Trust { issuer: issuer_name, keys: KeySource::Urls(vec![issuer.jwks().into()]), audiences: vec!["us".into()] }
}

fn claims(issuer: &Issuer) -> Json {
    let mut claims = Json::object([("iss", issuer.url()), ("sub", "u"), ("aud", "us")]);
    claims.set("exp", now() + 60);
    claims
}

#[tokio::test]
async fn every_algorithm_with_its_own_kind_of_key() {
    let (issuer, idp) = (Issuer::start().await, idp());
    let pairs = [
        (Pair::rsa(), &["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"][..]),
        (Pair::p256(), &["ES256"]),
        (Pair::p384(), &["ES384"]),
        (Pair::p521(), &["ES512"]),
        (Pair::ed25519(), &["EdDSA"]),
    ];
    issuer.publish(pairs.iter().map(|(pair, _)| pair.jwk(pair.algorithm())).collect());
    let every: Vec<&str> = pairs.iter().flat_map(|(_, own)| own.iter().copied()).collect();
    for (pair, own) in &pairs {
        for alg in &every {
            let header = Json::object([("alg", *alg), ("kid", pair.algorithm())]);
            let token = pair.sign(&header, &claims(&issuer));
            let outcome = trust(&issuer).verify(&idp, &token).await;
            assert_eq!(outcome.is_ok(), own.contains(alg), "{alg} with the key of {}: {outcome:?}", pair.algorithm());
        }
    }
}

#[tokio::test]
async fn forged_tokens_are_refused() {
    let (issuer, idp) = (Issuer::start().await, idp());
    let (own, other, rsa) = (issuer.pair(), Pair::p256(), Pair::rsa());
    issuer.publish(vec![own.jwk("first"), rsa.jwk("rsa")]);
    let fine = claims(&issuer);
    let with = |name: &str, value: Json| {
        let mut claims = fine.clone();
        claims.set(name, value);
        claims
    };
    let without = |name: &str| {
        let mut claims = fine.clone();
        claims.remove(name);
        claims
    };
    let header = |more: &str| {
        let mut header = json(r#"{"alg":"ES256","kid":"first"}"#);
        json(more).as_object().unwrap().iter().for_each(|(name, value)| header.set(name, value.clone()));
        header
    };
    let good = own.token("first", &fine);
    assert!(trust(&issuer).verify(&idp, &good).await.is_ok());

    let (signed, signature) = good.rsplit_once('.').unwrap();
    let (head, _) = signed.split_once('.').unwrap();
    let strange = own.token("first", &with("sub", Json::from("admin")));
    let other_payload = strange.split('.').nth(1).unwrap();
    // The oldest one: the public key, which everybody has, as the secret of an HMAC.
    let hmac = |secret: &[u8]| {
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret);
        move |message: &[u8]| aws_lc_rs::hmac::sign(&key, message).as_ref().to_vec()
    };
    let public = rsa.jwk("rsa").to_string();
    let twice = format!(r#"{{"sub":"u","sub":"admin",{}"#, &fine.to_string()[1..]);
    let raw = |payload: &str| {
        use base64::Engine as _;
        let part = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
        let inner = format!("{}.{}", part(r#"{"alg":"ES256","kid":"first"}"#), part(payload));
        inner
    };
    let bad = [
        ("none", token_of(&header(r#"{"alg":"none"}"#), &fine, |_| Vec::new())),
        ("None", token_of(&header(r#"{"alg":"None"}"#), &fine, |_| Vec::new())),
        ("an empty algorithm", token_of(&header(r#"{"alg":""}"#), &fine, |_| Vec::new())),
        ("no signature", format!("{signed}.")),
        ("a signature of zeros", token_of(&header("{}"), &fine, |_| vec![0; 64])),
        ("a short signature", token_of(&header("{}"), &fine, |_| vec![1; 8])),
        (
            "HMAC with the public key",
            token_of(&header(r#"{"alg":"HS256","kid":"rsa"}"#), &fine, hmac(public.as_bytes())),
        ),
        ("HMAC of nothing", token_of(&header(r#"{"alg":"HS256"}"#), &fine, hmac(b""))),
        ("another's key", other.token("first", &fine)),
        ("another's key, brought along", {
            let mut own = header("{}");
            own.set("jwk", other.jwk("first"));
            other.sign(&own, &fine)
        }),
        ("another's key set", other.sign(&header(r#"{"kid":"x","jku":"http://127.0.0.1:1/jwks"}"#), &fine)),
        ("a key id that is a path", own.sign(&header(r#"{"kid":"../../dev/null"}"#), &fine)),
        ("a key id that is an address", own.sign(&header(r#"{"kid":"http://127.0.0.1:1/"}"#), &fine)),
        ("an unknown key id", own.token("second", &fine)),
        ("crit", own.sign(&header(r#"{"crit":["b64"],"b64":true}"#), &fine)),
        ("an empty crit", own.sign(&header(r#"{"crit":[]}"#), &fine)),
        ("compressed", own.sign(&header(r#"{"zip":"DEF"}"#), &fine)),
        ("a logout token", own.sign(&header(r#"{"typ":"logout+jwt"}"#), &fine)),
        ("a proof of possession", own.sign(&header(r#"{"typ":"dpop+jwt"}"#), &fine)),
        ("other claims", format!("{head}.{other_payload}.{signature}")),
        ("padding", format!("{signed}=.{signature}")),
        ("four parts", format!("{good}.x")),
        ("two parts", signed.to_owned()),
        ("no claims", own.sign(&header("{}"), &json("[]"))),
        ("claims that stand twice", raw(&twice) + "." + signature),
        ("too long", own.token("first", &with("sub", Json::from("x".repeat(70_000))))),
        ("ended", own.token("first", &with("exp", Json::from(now() - 31)))),
        ("no end", own.token("first", &without("exp"))),
        ("an end that is no number", own.token("first", &with("exp", Json::from("never")))),
        ("not yet", own.token("first", &with("nbf", Json::from(now() + 300)))),
        ("issued tomorrow", own.token("first", &with("iat", Json::from(now() + 86_400)))),
        ("a beginning that is no number", own.token("first", &with("nbf", Json::from("now")))),
        ("another issuer", own.token("first", &with("iss", Json::from("https://evil.example")))),
        ("no issuer", own.token("first", &without("iss"))),
        ("issuers in a list", own.token("first", &with("iss", Json::Array(vec![Json::from(issuer.url())])))),
        ("another audience", own.token("first", &with("aud", Json::from("them")))),
        ("no audience", own.token("first", &without("aud"))),
        ("an empty text", String::new()),
        ("dots", "..".into()),
        ("NUL", "ey\0.ey\0.x".into()),
    ];
    for (what, token) in bad {
        let outcome = trust(&issuer).verify(&idp, &token).await;
        assert!(matches!(outcome, Err(Refused::Token(_) | Refused::Expired)), "{what}: {outcome:?}");
    }
    // And what is near to the edge, but right.
    for fine in [
        with("exp", Json::from(now() - 20)),
        with("nbf", Json::from(now() + 20)),
        with("aud", json(r#"["them","us"]"#)),
        with("exp", Json::from(now() as f64 + 0.5)),
    ] {
        assert!(trust(&issuer).verify(&idp, &own.token("first", &fine)).await.is_ok(), "{fine}");
    }
}

#[test]
fn keys_that_may_not_sign() {
    let pair = Pair::p256();
    let token = pair.token("k", &json("{}"));
    let jws = Jws::parse(&token).unwrap();
    for (more, usable) in [
        ("{}", true),
        (r#"{"alg":"ES256"}"#, true),
        (r#"{"key_ops":["verify"]}"#, true),
        (r#"{"alg":"ES384"}"#, false),
        (r#"{"alg":"HS256"}"#, false),
        (r#"{"use":"enc"}"#, false),
        (r#"{"key_ops":["encrypt"]}"#, false),
        (r#"{"kty":"oct","k":"AAAA"}"#, false),
        (r#"{"crv":"P-384"}"#, false),
        (r#"{"crv":"secp256k1"}"#, false),
        (r#"{"x":"AA"}"#, false),
        (r#"{"x":null}"#, false),
        (r#"{"kid":"other"}"#, false),
    ] {
        let mut jwk = pair.jwk("k");
        json(more).as_object().unwrap().iter().for_each(|(name, value)| jwk.set(name, value.clone()));
        let set = KeySet::parse(Json::object([("keys", Json::Array(vec![jwk]))]).to_string().as_bytes()).unwrap();
        let key: Option<&Key> = set.find(Some("k"), jws.algorithm);
        assert_eq!(key.is_some_and(|key| jws.signed_by(key)), usable, "{more}");
    }
    // Without a key id there must be no choice.
    let set =
        |keys: Vec<Json>| KeySet::parse(Json::object([("keys", Json::Array(keys))]).to_string().as_bytes()).unwrap();
    assert!(set(vec![pair.jwk("a"), Pair::rsa().jwk("b")]).find(None, jws.algorithm).is_some());
    assert!(set(vec![pair.jwk("a"), Pair::p256().jwk("b")]).find(None, jws.algorithm).is_none());
    assert_eq!(KeySet::parse(pair.jwk("one").to_string().as_bytes()).unwrap().len(), 1, "one key alone is a set");
    for no_set in ["", "[]", r#"{"keys":1}"#, "<html>"] {
        assert!(KeySet::parse(no_set.as_bytes()).is_err(), "{no_set}");
    }
}

/// RFC 7515, appendix A.3, and RFC 8037, appendix A.4: signatures that somebody else made.
#[test]
fn signatures_of_the_standards() {
    for (key, token) in [
        (
            r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#,
            "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
        ),
        (
            r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
            "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
        ),
    ] {
        let jws = Jws::parse(token).unwrap();
        let set = KeySet::parse(key.as_bytes()).unwrap();
        assert!(jws.signed_by(set.find(None, jws.algorithm).unwrap()), "{token}");
        let last = if token.ends_with('A') { 'Q' } else { 'A' };
        let spoilt = format!("{}{last}{}", &token[..token.len() - 3], &token[token.len() - 2..]);
        let spoilt = Jws::parse(&spoilt).unwrap();
        assert!(!spoilt.signed_by(set.find(None, spoilt.algorithm).unwrap()));
    }
}

#[test]
fn what_looks_like_a_token() {
    for (text, wanted) in [
        ("eyJh.eyJi.c-_", true),
        ("eyJh.eyJi.", true),
        ("eyJh.eyJi", false),
        ("eyJh.eyJi.c.d", false),
        ("sk-1234", false),
        ("sk-a.b.c", false),
        ("eyJh.ey Ji.c", false),
        ("", false),
    ] {
        assert_eq!(is_jws(text), wanted, "{text}");
    }
}
