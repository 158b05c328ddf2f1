//! GigaChat: a token of an hour for ready-made credentials.

use llm_types::{AuthNeed, OAuthClient, Result, Secret};

use crate::endpoint::{no_key, row_endpoint};
use crate::generated;
use crate::provider::{Call, Endpoint, Provider};
use crate::row::ProviderRow;

/// The provider.
#[derive(Debug)]
pub struct Gigachat;

/// Where tokens are issued.
const TOKENS: &str = "https://ngw.devices.sberbank.ru:9443/api/v2/oauth";

/// The scope, when nobody names one: people, not companies.
const SCOPE: &str = "GIGACHAT_API_PERS";

impl Provider for Gigachat {
    fn row(&self) -> &'static ProviderRow {
        &generated::GIGACHAT
    }

    /// A key is credentials (base64 of client and secret) that are exchanged for a token; a token that is there
    /// already is shown as it is.
    fn endpoint(&self, call: &Call<'_>, out: &mut Endpoint) -> Result<()> {
        let (row, params) = (self.row(), call.params);
        let credentials = row.key(call.api_key, params);
        let token = params.secret("access_token").or_else(|| match credentials {
            None => params.env("GIGACHAT_ACCESS_TOKEN").map(Secret::new),
            Some(_) => None,
        });
        let stands_in = Secret::new("token");
        row_endpoint(row, &Call { api_key: token.as_ref().or(Some(&stands_in)), ..*call }, out)?;
        if token.is_some() {
            return Ok(());
        }
        let credentials = credentials.ok_or_else(|| no_key(row))?;
        out.headers.remove("authorization");
        let scope = params.str("scope").map(str::to_owned).or_else(|| params.env("GIGACHAT_SCOPE"));
        out.auth = Some(AuthNeed::OAuth(Box::new(OAuthClient {
            token_url: TOKENS.to_owned(),
            authorization: Some(Secret::new(format!("Basic {}", credentials.expose()))),
            bare: true,
            scope: Some(scope.unwrap_or_else(|| SCOPE.to_owned())),
            headers: vec![("RqUID".to_owned(), "{uuid}".to_owned())],
            ..OAuthClient::default()
        })));
        Ok(())
    }

    /// The files of the host: <https://developers.sber.ru/docs/ru/gigachat/api/reference/rest/post-file>.
    fn picture_files(&self, call: &Call<'_>) -> Option<String> {
        let mut chat = Endpoint::default();
        row_endpoint(self.row(), &Call { api_key: Some(&Secret::new("token")), ..*call }, &mut chat).ok()?;
        Some(format!("{}/files", chat.url.strip_suffix("/chat/completions")?))
    }
}

#[cfg(test)]
mod tests {
    use llm_types::{Format, Json, OperationKind};

    use super::*;
    use crate::params::Params;

    fn endpoint(fields: Vec<(&str, Json)>, key: &str) -> Result<Endpoint> {
        let (params, key) = (Params::without_env(fields), Secret::new(key));
        let call =
            Call { api_key: Some(&key), ..Call::new(OperationKind::Generate, Format::GigaChat, "GigaChat-2", &params) };
        let mut out = Endpoint::default();
        Gigachat.endpoint(&call, &mut out).map(|()| out)
    }

    #[test]
    fn credentials_are_exchanged_and_tokens_are_shown() {
        let out = endpoint(vec![("scope", Json::from("GIGACHAT_API_CORP"))], "YTpi").unwrap();
        assert!(out.headers.get("authorization").is_none());
        let Some(AuthNeed::OAuth(oauth)) = out.auth else { panic!("no token is asked for") };
        assert_eq!(oauth.authorization.unwrap().expose(), "Basic YTpi");
        assert_eq!((oauth.bare, oauth.scope.as_deref()), (true, Some("GIGACHAT_API_CORP")));
        let out = endpoint(vec![("access_token", Json::from("t"))], "").unwrap();
        assert_eq!(out.headers["authorization"], "Bearer t");
        assert!(out.auth.is_none());
        let params = Params::without_env(Vec::<(&str, Json)>::new());
        let call = Call::new(OperationKind::Generate, Format::GigaChat, "GigaChat-2", &params);
        let files = Gigachat.picture_files(&Call { api_base: Some("http://h/api/v1"), ..call });
        assert_eq!(files.as_deref(), Some("http://h/api/v1/files"));
        assert!(endpoint(Vec::new(), "").unwrap_err().message.contains("GIGACHAT_CREDENTIALS"));
    }
}
