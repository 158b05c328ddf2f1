//! SAP Generative AI Hub: a service key says who calls, a deployment of the orchestration service where.

use llm_types::{AuthNeed, Error, Format, Json, Kind, OAuthClient, Result, Secret};

use crate::generated;
use crate::params::Params;
use crate::provider::{Call, Endpoint, Provider, Want, not_served};
use crate::row::ProviderRow;

/// The provider.
#[derive(Debug)]
pub struct Sap;

impl Provider for Sap {
    fn row(&self) -> &'static ProviderRow {
        &generated::SAP
    }

    fn endpoint(&self, call: &Call<'_>, out: &mut Endpoint) -> Result<()> {
        let paths = &self.row().paths;
        let path = match call.format {
            Format::SapOrchestration => paths.chat,
            Format::SapEmbed => paths.embeddings,
            _ => None,
        };
        let want = Want { operation: call.operation, format: call.format, model: call.model };
        let path = path.ok_or_else(|| not_served(self.row(), &want))?;
        let service = Service::of(call)?;
        out.url = format!("{}{path}", deployment(call)?.trim_end_matches('/'));
        out.set("ai-resource-group", &service.group)?;
        out.set("ai-client-type", "LiteLLM")?;
        out.set("content-type", "application/json")?;
        out.auth = Some(AuthNeed::OAuth(Box::new(service.client)));
        out.set_extra(call.params)
    }
}

/// The address of the running deployment. LiteLLM asks the hub for it; here it has to be given.
fn deployment<'a>(call: &Call<'a>) -> Result<&'a str> {
    call.api_base.filter(|b| !b.is_empty()).or_else(|| call.params.str("deployment_url")).ok_or_else(|| {
        let text = "provider sap needs the URL of a running orchestration deployment: give api_base (it is not looked \
                    up in the hub)";
        Error::bad_request(text).with_param("api_base")
    })
}

/// What a service key says.
struct Service {
    client: OAuthClient,
    group: String,
}

impl Service {
    /// Fields of the deployment go before the service key, which goes before variables of the environment.
    fn of(call: &Call<'_>) -> Result<Self> {
        let params = call.params;
        let key = service_key(call)?;
        let said = |field: &str, in_key: &str, name: &str| {
            let own = params.str(field).map(str::to_owned);
            own.or_else(|| text(&key, in_key)).or_else(|| params.env(name))
        };
        let missing = |what: &str| {
            let how = "give the service key as api_key or AICORE_SERVICE_KEY, or AICORE_* variables";
            Error::new(Kind::Authentication, format!("provider sap knows no {what}: {how}"))
        };
        let client_id = said("client_id", "clientid", "AICORE_CLIENT_ID").ok_or_else(|| missing("client id"))?;
        let secret = said("client_secret", "clientsecret", "AICORE_CLIENT_SECRET");
        let secret = secret.ok_or_else(|| match key.get("certurl").or_else(|| key.get("certificate")) {
            Some(_) => missing("client secret (certificates are not supported)"),
            None => missing("client secret"),
        })?;
        let url = said("auth_url", "url", "AICORE_AUTH_URL").ok_or_else(|| missing("auth_url"))?;
        let url = url.trim_end_matches('/');
        let token_url = if url.ends_with("/oauth/token") { url.to_owned() } else { format!("{url}/oauth/token") };
        let group = said("resource_group", "resource_group", "AICORE_RESOURCE_GROUP");
        Ok(Self {
            client: OAuthClient { token_url, client_id, client_secret: Secret::new(secret), ..OAuthClient::default() },
            group: group.unwrap_or_else(|| "default".to_owned()),
        })
    }
}

/// The service key as JSON: the deployment's, the environment's, that of a service bound to the application.
fn service_key(call: &Call<'_>) -> Result<Json> {
    let params = call.params;
    let given = call.api_key.filter(|k| !k.is_empty()).map(|k| k.expose().to_owned());
    if let Some(json) = params.get("service_key").filter(|k| k.as_object().is_some()) {
        return Ok(json.clone());
    }
    let given = given.or_else(|| params.str("service_key").map(str::to_owned));
    let bad = |what: &str| Error::new(Kind::Authentication, format!("provider sap: {what} is no JSON object"));
    match given.or_else(|| params.env("AICORE_SERVICE_KEY")) {
        Some(text) => {
            let json: Json = serde_json::from_str(&text).map_err(|_| bad("the service key"))?;
            json.as_object().is_some().then_some(json).ok_or_else(|| bad("the service key"))
        }
        None => bound(params),
    }
}

/// The credentials of the service `aicore` that Cloud Foundry binds to an application.
fn bound(params: &Params) -> Result<Json> {
    let Some(text) = params.env("VCAP_SERVICES") else { return Ok(Json::Null) };
    let bad = |_| Error::new(Kind::Authentication, "provider sap: VCAP_SERVICES is no JSON object");
    let services: Json = serde_json::from_str(&text).map_err(bad)?;
    let service = services.get("aicore").and_then(Json::as_array).and_then(<[Json]>::first);
    Ok(service.and_then(|s| s.get("credentials")).cloned().unwrap_or_default())
}

fn text(key: &Json, name: &str) -> Option<String> {
    key.text(name).filter(|s| !s.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use llm_types::OperationKind;

    use super::*;

    fn endpoint(fields: Vec<(&str, Json)>, key: &str, api_base: Option<&str>) -> Result<Endpoint> {
        let (params, key) = (Params::without_env(fields), Secret::new(key));
        let call = Call {
            api_base,
            api_key: Some(&key),
            ..Call::new(OperationKind::Generate, Format::SapOrchestration, "gpt-4o", &params)
        };
        let mut out = Endpoint::default();
        Sap.endpoint(&call, &mut out).map(|()| out)
    }

    #[test]
    fn a_service_key_becomes_a_client() {
        let key = r#"{"clientid":"c","clientsecret":"s","url":"https://auth.test"}"#;
        let out = endpoint(vec![("resource_group", Json::from("team"))], key, Some("https://d.test/v2/x")).unwrap();
        assert_eq!(out.url, "https://d.test/v2/x/v2/completion");
        assert_eq!(out.headers["ai-resource-group"], "team");
        let Some(AuthNeed::OAuth(oauth)) = out.auth else { panic!("no token is asked for") };
        assert_eq!((oauth.token_url.as_str(), oauth.client_id.as_str()), ("https://auth.test/oauth/token", "c"));
    }

    #[test]
    fn what_is_missing_is_named() {
        let error = |key, base| endpoint(Vec::new(), key, base).unwrap_err().message;
        assert!(error("", Some("https://d.test")).contains("client id"));
        assert!(error("no json", Some("https://d.test")).contains("no JSON"));
        let key = r#"{"clientid":"c","certificate":"x","url":"https://auth.test"}"#;
        assert!(error(key, Some("https://d.test")).contains("certificates are not supported"));
        let key = r#"{"clientid":"c","clientsecret":"s","url":"https://auth.test"}"#;
        assert!(error(key, None).contains("deployment"));
    }
}
