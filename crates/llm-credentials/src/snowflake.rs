//! Snowflake: a token that we sign ourselves with the user's key pair. Nobody is asked.

use std::time::Duration;

use http::HeaderName;
use llm_http::Body;
use llm_types::auth::KeyPairAuth;
use llm_types::{Result, Secret};
use serde::Serialize;

use crate::ambient::read;
use crate::flow::{Flow, bearer, show};
use crate::rsa::{Algorithm, Header, RsaKey};
use crate::shelf::{Issued, Key, KeyOf};

/// Snowflake takes no token for longer than an hour.
const LIFETIME: u64 = 3600;

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    iat: u64,
    exp: u64,
}

pub(crate) fn key(need: &KeyPairAuth) -> Key {
    KeyOf::new("key pair").text(&need.account).text(&need.user).secret(Some(&need.key)).end()
}

/// A new token of the user of the account, upper case as Snowflake wants it, the account without its region.
pub(crate) async fn fetch(flow: Flow<'_>, need: &KeyPairAuth) -> Result<Issued<Secret>> {
    let given = need.key.expose();
    let text = match given.contains("-----BEGIN") {
        true => given.to_owned(),
        false => read(&flow.ambient.path(given.trim()), "the file of the Snowflake key").await?,
    };
    let key = RsaKey::from_pem(&text, "the Snowflake key")?;
    let account = need.account.split('.').next().unwrap_or_default().to_uppercase();
    let sub = format!("{account}.{}", need.user.to_uppercase());
    let iss = format!("{sub}.SHA256:{}", key.public_fingerprint()?);
    let iat = flow.ambient.unix();
    let claims = Claims { iss: &iss, sub: &sub, iat, exp: iat + LIFETIME };
    let token = key.jwt(Algorithm::Rs256, Header::default(), &claims)?;
    let expires = flow.ambient.now() + Duration::from_secs(LIFETIME);
    Ok(Issued { value: Secret::new(token), expires: Some(expires) })
}

/// Shows the token and says of which kind it is.
pub(crate) fn show_token(request: &mut http::Request<Body>, token: &Secret) -> Result<()> {
    bearer(request, token.expose())?;
    show(request, HeaderName::from_static("x-snowflake-authorization-token-type"), "KEYPAIR_JWT")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rsa::claims;
    use crate::testing::{RSA_PKCS8, RSA_PUBLIC_SHA256, START, World, request, shown};

    #[tokio::test]
    async fn account_user_and_fingerprint() {
        let need = KeyPairAuth {
            account: "xy12345.eu-west-1".into(),
            user: "svc_llm".into(),
            key: Secret::new(RSA_PKCS8.replace('\n', "\\n")),
        };
        let token = fetch(World::empty().flow(), &need).await.unwrap();
        let found: std::collections::BTreeMap<String, serde_json::Value> = claims(token.value.expose()).unwrap();
        assert_eq!(found["sub"], "XY12345.SVC_LLM");
        assert_eq!(found["iss"], format!("XY12345.SVC_LLM.SHA256:{RSA_PUBLIC_SHA256}"));
        assert_eq!((found["iat"].as_u64(), found["exp"].as_u64()), (Some(START), Some(START + 3600)));
        let mut request = request("https://h/x");
        show_token(&mut request, &token.value).unwrap();
        assert!(shown(&request, "authorization").starts_with("Bearer eyJ"));
        assert_eq!(shown(&request, "x-snowflake-authorization-token-type"), "KEYPAIR_JWT");
    }
}
