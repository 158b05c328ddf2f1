//! IBM IAM: an API key is exchanged for a token.

use llm_types::auth::IbmAuth;
use llm_types::{Result, Secret};

use crate::flow::{Flow, form};
use crate::reply::TokenReply;
use crate::shelf::{Issued, Key, KeyOf};

const WHO: &str = "IBM IAM";
const URL: &str = "https://iam.cloud.ibm.com/identity/token";
const GRANT: &str = "urn:ibm:params:oauth:grant-type:apikey";

pub(crate) fn key(need: &IbmAuth) -> Key {
    KeyOf::new("ibm").secret(Some(&need.api_key)).maybe(need.url.as_deref()).end()
}

/// A new token; `WATSONX_IAM_URL` says where it is issued when the deployment does not.
pub(crate) async fn fetch(flow: Flow<'_>, need: &IbmAuth) -> Result<Issued<Secret>> {
    let url = need.url.clone().or_else(|| flow.ambient.var("WATSONX_IAM_URL")).unwrap_or_else(|| URL.to_owned());
    let secret = need.api_key.expose();
    let request = form(&url, &[("grant_type", GRANT), ("apikey", secret)])?;
    let reply: TokenReply = flow.ask(WHO, request, &[secret]).await?;
    reply.issued(WHO, flow.ambient.now())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Server, World, after};

    #[tokio::test]
    async fn a_key_becomes_a_token() {
        let answer =
            r#"{"access_token":"t","refresh_token":"not_supported","expires_in":3600,"expiration":1767326645}"#;
        let server = Server::start(|_| (200, answer.to_owned())).await;
        let need = IbmAuth { api_key: Secret::new("k&y"), url: Some(format!("{}/identity/token", server.url)) };
        let issued = fetch(World::empty().flow(), &need).await.unwrap();
        assert_eq!((issued.value.expose(), issued.expires), ("t", Some(after(3600))));
        assert_eq!(server.last().body, "grant_type=urn%3Aibm%3Aparams%3Aoauth%3Agrant-type%3Aapikey&apikey=k%26y");
        let need = IbmAuth { url: None, ..need };
        let world = World::new([("WATSONX_IAM_URL", format!("{}/other", server.url))]);
        fetch(world.flow(), &need).await.unwrap();
        assert_eq!(server.last().path, "/other");
    }

    #[tokio::test]
    async fn a_wrong_key_is_told_in_ibms_words() {
        let answer = r#"{"errorCode":"BXNIM0415E","errorMessage":"Provided API key could not be found."}"#;
        let server = Server::start(|_| (400, answer.to_owned())).await;
        let need = IbmAuth { api_key: Secret::new("wrong-key"), url: Some(server.url.clone()) };
        let error = fetch(World::empty().flow(), &need).await.unwrap_err();
        assert_eq!(error.message, "IBM IAM answered with status 400: Provided API key could not be found.");
        assert!(!error.retryable());
    }
}
