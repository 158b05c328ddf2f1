//! Logging people in: the authorization code flow (OpenID Connect Core 1.0, 3.1) with PKCE (RFC 7636, S256).
//!
//! [`CodeFlow::start`] says where to send somebody, and what to keep until they come back; [`CodeFlow::finish`] makes of the
//! code that they bring what the provider says of them. A signed token of the provider is believed when its key is known:
//! by [`CodeFlow::trust`], or because its issuer lives where the operator said that codes become tokens.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Request};
use llm_http::Body;
use llm_types::{Json, Secret};
use url::Url;
use url::form_urlencoded::{Serializer, byte_serialize};

use crate::fetch::{PATIENCE, ask};
use crate::{Claims, Idp, Jws, KeySource, Refused, Trust};

/// A provider where people log in, as the operator wrote it down.
#[derive(Debug, Clone)]
pub struct CodeFlow {
    /// Who we are there.
    pub client_id: String,
    /// How we prove it; none for public clients.
    pub client_secret: Option<Secret>,
    /// What is asked for.
    pub scope: String,
    /// The code is bound to a secret of ours.
    pub pkce: bool,
    /// The issuer, whose discovery document names what is not named here.
    pub issuer: Option<Arc<str>>,
    /// Where people log in.
    pub authorization_endpoint: Option<String>,
    /// Where codes become tokens.
    pub token_endpoint: Option<String>,
    /// Where a token tells of its user.
    pub userinfo_endpoint: Option<String>,
    /// Whose signed tokens are believed; none: those of `issuer`, or of an issuer at the host of the token endpoint.
    pub trust: Option<Trust>,
}

/// Somebody who is on the way to the provider. Keep it where only they bring it back from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Departure {
    /// Where to send them.
    pub url: String,
    /// Comes back beside the code.
    pub state: String,
    /// Comes back inside of the signed token.
    pub nonce: String,
    /// What the code is bound to; empty without PKCE.
    pub verifier: String,
}

impl CodeFlow {
    /// Sends somebody to the provider, who is to come back to `redirect_uri`.
    ///
    /// # Errors
    /// When the discovery document cannot be read, or names no place.
    pub async fn start(&self, idp: &Idp, redirect_uri: &str) -> Result<Departure, Refused> {
        let place = self.place(idp, &self.authorization_endpoint, |p| p.authorization_endpoint.clone()).await?;
        let mut url = Url::parse(&place).map_err(|_| unavailable("the place to log in cannot be read"))?;
        let (state, nonce) = (random()?, random()?);
        let verifier = if self.pkce { random()? } else { String::new() };
        let mut query = url.query_pairs_mut();
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.client_id)
            .append_pair("redirect_uri", redirect_uri)
            .append_pair("scope", &self.scope)
            .append_pair("state", &state)
            .append_pair("nonce", &nonce);
        if self.pkce {
            let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
            query.append_pair("code_challenge", &challenge).append_pair("code_challenge_method", "S256");
        }
        drop(query);
        Ok(Departure { url: url.into(), state, nonce, verifier })
    }

    /// What the provider says of somebody who came back with this code.
    ///
    /// # Errors
    /// [`Refused`]: the code is none, or what is told is not to be believed; the provider cannot be asked.
    pub async fn finish(&self, idp: &Idp, code: &str, redirect_uri: &str, left: &Departure) -> Result<Claims, Refused> {
        let place = self.place(idp, &self.token_endpoint, |p| p.token_endpoint.clone()).await?;
        let tokens = self.exchange(idp, &place, code, redirect_uri, &left.verifier).await?;
        let token = |name: &str| tokens.text(name).filter(|token| !token.is_empty());
        let signed = match token("id_token") {
            Some(id) => self.believed(idp, &place, id, &left.nonce).await?,
            None => None,
        };
        let userinfo = self.place(idp, &self.userinfo_endpoint, |p| p.userinfo_endpoint.clone()).await.ok();
        let told = match (userinfo, token("access_token")) {
            (Some(place), Some(access)) => Some(self.userinfo(idp, &place, access).await?),
            _ => None,
        };
        match (signed, told) {
            (Some(signed), Some(told)) => both(signed, &told),
            (Some(signed), None) => Ok(signed),
            (None, Some(told)) => Ok(Claims::new(told)),
            (None, None) => Err(Refused::Token("it says nothing that can be checked".into())),
        }
    }

    /// A place that is written down, else the one of the discovery document.
    async fn place(
        &self,
        idp: &Idp,
        written: &Option<String>,
        named: impl Fn(&crate::Provider) -> Option<String>,
    ) -> Result<String, Refused> {
        if let Some(written) = written {
            return Ok(written.clone());
        }
        let issuer = self.issuer.as_ref().ok_or_else(|| unavailable("an address of it is not configured"))?;
        let provider = idp.provider(issuer).await?;
        named(&provider).ok_or_else(|| unavailable("its discovery document lacks an address"))
    }

    async fn exchange(
        &self,
        idp: &Idp,
        place: &str,
        code: &str,
        redirect: &str,
        verifier: &str,
    ) -> Result<Json, Refused> {
        let request = self.asks(place, code, redirect, verifier)?;
        match answer(idp, request).await? {
            (200, tokens) => Ok(tokens),
            (400 | 401, said) => {
                let why = said.text("error").unwrap_or_default();
                Err(Refused::Token(format!("the provider takes no such code ({})", short(why)).into()))
            }
            (status, _) => Err(unavailable(&format!("it answered with status {status}"))),
        }
    }

    fn asks(&self, place: &str, code: &str, redirect: &str, verifier: &str) -> Result<Request<Body>, Refused> {
        let mut form = Serializer::new(String::new());
        form.append_pair("grant_type", "authorization_code")
            .append_pair("code", code)
            .append_pair("redirect_uri", redirect);
        form.append_pair("client_id", &self.client_id);
        if !verifier.is_empty() {
            form.append_pair("code_verifier", verifier);
        }
        let mut request = Request::post(place)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(ACCEPT, "application/json");
        if let Some(secret) = &self.client_secret {
            let part = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
            let basic = STANDARD.encode(format!("{}:{}", part(&self.client_id), part(secret.expose())));
            let mut header = HeaderValue::try_from(format!("Basic {basic}")).map_err(|_| unavailable("its secret"))?;
            header.set_sensitive(true);
            request = request.header(AUTHORIZATION, header);
        }
        request.body(Body::from(form.finish())).map_err(|_| unavailable("its address"))
    }

    /// The claims of the signed token, when its key is known; nothing when nobody said whose tokens to believe.
    async fn believed(&self, idp: &Idp, place: &str, token: &str, nonce: &str) -> Result<Option<Claims>, Refused> {
        let Some(mut trust) = self.trust.clone().or_else(|| self.trusted(place, token)) else { return Ok(None) };
        trust.audiences = vec![self.client_id.clone()];
        let claims = trust.verify(idp, token).await?;
        if claims.text("nonce").as_deref() != Some(nonce) {
            return Err(Refused::Token("it is of another login".into()));
        }
        if claims.text("azp").is_some_and(|party| party != self.client_id) {
            return Err(Refused::Token("it is meant for somebody else".into()));
        }
        Ok(Some(claims))
    }

    fn trusted(&self, place: &str, token: &str) -> Option<Trust> {
        let of = |issuer: Arc<str>| Trust { issuer: Some(issuer), keys: KeySource::Discovery, audiences: Vec::new() };
        if let Some(issuer) = &self.issuer {
            return Some(of(Arc::clone(issuer)));
        }
        let said = Claims::parse(&Jws::parse(token).ok()?.payload).ok()?;
        let issuer = said.issuer()?;
        let (own, theirs) = (Url::parse(place).ok()?, Url::parse(issuer).ok()?);
        (own.origin() == theirs.origin()).then(|| of(issuer.into()))
    }

    async fn userinfo(&self, idp: &Idp, place: &str, access: &str) -> Result<Json, Refused> {
        let mut bearer = HeaderValue::try_from(format!("Bearer {access}"))
            .map_err(|_| Refused::Token("its access token cannot be sent".into()))?;
        bearer.set_sensitive(true);
        let request = Request::get(place).header(AUTHORIZATION, bearer).header(ACCEPT, "application/json");
        let request = request.body(Body::empty()).map_err(|_| unavailable("its address"))?;
        match answer(idp, request).await? {
            (200, told) if told.as_object().is_some() => Ok(told),
            (status, _) => Err(unavailable(&format!("it answered with status {status} about a user"))),
        }
    }
}

/// What is signed, with what was told besides. Both must speak of one person.
fn both(signed: Claims, told: &Json) -> Result<Claims, Refused> {
    if let Some(sub) = told.text("sub")
        && signed.text("sub").as_deref() != Some(sub)
    {
        return Err(Refused::Token("it speaks of two people".into()));
    }
    let mut all = told.clone();
    for (name, value) in signed.json().as_object().unwrap_or_default() {
        all.set(name, value.clone());
    }
    Ok(Claims::new(all))
}

async fn answer(idp: &Idp, request: Request<Body>) -> Result<(u16, Json), Refused> {
    let (status, body) = ask(&**idp.http(), request, PATIENCE).await.map_err(|why| unavailable(&why))?;
    Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
}

/// 32 random bytes as text.
fn random() -> Result<String, Refused> {
    let mut bytes = [0_u8; 32];
    rand::fill(&mut bytes).map_err(|_| unavailable("no random numbers"))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

fn short(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(40).collect()
}

fn unavailable(why: &str) -> Refused {
    Refused::Unavailable(why.to_owned())
}
