//! Where services are, and whose secrets go there.

use llm_types::Secret;

use super::*;

fn env(name: &str) -> Option<String> {
    let known = [
        ("LANGFUSE_HOST", "http://langfuse.internal:3000"),
        ("LANGFUSE_PUBLIC_KEY", "pk-operator"),
        ("LANGFUSE_SECRET_KEY", "sk-operator"),
        ("OPENAI_API_KEY", "sk-openai"),
    ];
    known.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
}

fn own(vars: &[(&str, &str)]) -> Result<Endpoint, String> {
    let vars = vars.iter().map(|(name, value)| ((*name).into(), Secret::new(*value))).collect();
    let callback = OwnCallback { name: "langfuse".into(), success: true, failure: true, vars };
    Endpoint::of_caller(&callback, &env)
}

fn shown(endpoint: &Endpoint) -> (String, String, bool) {
    let (_, basic) = endpoint.headers.first().unwrap();
    let encoded = basic.to_str().unwrap().strip_prefix("Basic ").unwrap();
    let opened = String::from_utf8(STANDARD.decode(encoded).unwrap()).unwrap();
    (endpoint.url.to_string(), opened, endpoint.guarded)
}

#[test]
fn secrets_of_the_operator_go_to_the_operators_host_only() {
    let internal = "http://langfuse.internal:3000/api/public/ingestion".to_owned();
    let all = own(&[]).unwrap();
    assert_eq!(shown(&all), (internal.clone(), "pk-operator:sk-operator".to_owned(), false));
    let same = own(&[
        ("langfuse_host", "http://langfuse.internal:3000/"),
        ("langfuse_public_key", "pk-team"),
        ("langfuse_secret", "os.environ/LANGFUSE_SECRET_KEY"),
    ]);
    assert_eq!(shown(&same.unwrap()), (internal, "pk-team:sk-operator".to_owned(), false));
    let elsewhere = [("langfuse_host", "https://us.cloud.langfuse.com"), ("langfuse_public_key", "pk-team")];
    assert_eq!(own(&elsewhere).unwrap_err(), "langfuse_secret_key (LANGFUSE_SECRET_KEY) is missing");
    let stolen = [elsewhere[0], elsewhere[1], ("langfuse_secret_key", "os.environ/LANGFUSE_SECRET_KEY")];
    assert!(own(&stolen).unwrap_err().contains("may not refer to the environment"));
    let other = [("langfuse_public_key", "os.environ/OPENAI_API_KEY")];
    assert_eq!(own(&other).unwrap_err(), "langfuse_public_key may not refer to OPENAI_API_KEY");
    let full = own(&[elsewhere[0], elsewhere[1], ("langfuse_secret_key", "sk-team")]).unwrap();
    let url = "https://us.cloud.langfuse.com/api/public/ingestion".to_owned();
    assert_eq!(shown(&full), (url, "pk-team:sk-team".to_owned(), true));
    assert_eq!(format!("{full:?}"), "langfuse at us.cloud.langfuse.com");
    for address in ["ftp://x", "x", "https://a:b@h", ""] {
        assert!(address.is_empty() || own(&[("langfuse_host", address)]).is_err(), "{address}");
    }
}

#[test]
fn what_is_no_secret_has_a_default_everywhere() {
    let vars = [("langsmith_base_url", "https://eu.api.smith.langchain.com/api/v1"), ("langsmith_api_key", "ls-1")];
    let vars = vars.map(|(name, value)| (name.into(), Secret::new(value))).into();
    let callback = OwnCallback { name: "langsmith".into(), success: true, failure: true, vars };
    let env = |name: &str| (name == "LANGSMITH_PROJECT").then(|| "the operator's".to_owned());
    let endpoint = Endpoint::of_caller(&callback, &env).unwrap();
    assert_eq!(endpoint.url.to_string(), "https://eu.api.smith.langchain.com/api/v1/runs/batch");
    assert_eq!((endpoint.fields().get("LANGSMITH_PROJECT"), endpoint.guarded), ("litellm-completion", true));
    let headers: Vec<_> = endpoint.headers.iter().map(|(n, v)| (n.as_str(), v.to_str().unwrap())).collect();
    assert_eq!(headers, [("x-api-key", "ls-1")]);
}

#[test]
fn the_operator_names_headers() {
    let env = |name: &str| match name {
        "GENERIC_LOGGER_ENDPOINT" => Some("https://logs.example.com/in?x=1".to_owned()),
        "GENERIC_LOGGER_HEADERS" => Some("Authorization=Bearer a=b, x-team = red".to_owned()),
        _ => None,
    };
    let endpoint = Endpoint::of_operator(Service::GenericApi, &env).unwrap();
    assert_eq!(endpoint.url.to_string(), "https://logs.example.com/in?x=1");
    let headers: Vec<_> = endpoint.headers.iter().map(|(n, v)| (n.as_str(), v.to_str().unwrap())).collect();
    assert_eq!(headers, [("authorization", "Bearer a=b"), ("x-team", "red")]);
    assert!(!endpoint.guarded);
    let none = Endpoint::of_operator(Service::GenericApi, &|_| None);
    assert_eq!(none.unwrap_err(), "endpoint (GENERIC_LOGGER_ENDPOINT) is missing");
}

fn of_team(name: &str, vars: &[(&str, &str)], env: &dyn Fn(&str) -> Option<String>) -> Result<Endpoint, String> {
    let vars = vars.iter().map(|(name, value)| ((*name).into(), Secret::new(*value))).collect();
    Endpoint::of_caller(&OwnCallback { name: name.into(), success: true, failure: true, vars }, env)
}

#[test]
fn a_site_is_an_address_too() {
    let env = |name: &str| match name {
        "DD_SITE" => Some("datadoghq.com".to_owned()),
        "DD_API_KEY" => Some("dd-operator".to_owned()),
        "DD_SERVICE" => Some("inside".to_owned()),
        _ => None,
    };
    let same = of_team("datadog", &[], &env).unwrap();
    assert_eq!(same.url.to_string(), "https://http-intake.logs.datadoghq.com/api/v2/logs");
    assert_eq!((same.fields().get("DD_SERVICE"), same.guarded), ("inside", false));
    let stolen = of_team("datadog", &[("dd_site", "evil.example")], &env);
    assert_eq!(stolen.unwrap_err(), "dd_api_key (DD_API_KEY) is missing");
    let own = of_team("datadog", &[("dd_site", "us5.datadoghq.com"), ("dd_api_key", "dd-team")], &env).unwrap();
    assert_eq!((own.fields().get("DD_SERVICE"), own.guarded), ("litellm-server", true));
    for site in ["x/../y@evil", "a b", "user@host"] {
        let vars = [("dd_site", site), ("dd_api_key", "k")];
        assert!(of_team("datadog", &vars, &env).is_err(), "{site}");
    }
    let inside = of_team("datadog", &[("dd_agent_host", "10.0.0.1")], &env);
    assert_eq!(inside.unwrap_err(), "dd_agent_host is for the operator of the gateway");
}

#[test]
fn an_agent_of_the_operators_takes_the_place_of_the_site() {
    let env = |name: &str| (name == "LITELLM_DD_AGENT_HOST").then(|| "agent".to_owned());
    let endpoint = Endpoint::of_operator(Service::Datadog, &env).unwrap();
    assert_eq!(endpoint.url.to_string(), "http://agent:10518/api/v2/logs");
    assert!(endpoint.headers.is_empty() && !endpoint.guarded);
    assert_eq!(endpoint.fields().get("DD_SOURCE"), "litellm");
}

#[test]
fn collectors_are_written_with_and_without_their_path() {
    let at = |url: &str| {
        let url = url.to_owned();
        let env = move |name: &str| (name == "OTEL_ENDPOINT").then(|| url.clone());
        Endpoint::of_operator(Service::Otel, &env).unwrap().url.to_string()
    };
    for url in ["http://c:4318", "http://c:4318/", "http://c:4318/v1", "http://c:4318/v1/traces"] {
        assert_eq!(at(url), "http://c:4318/v1/traces");
    }
    let grpc = |name: &str| match name {
        "OTEL_EXPORTER" => Some("otlp_grpc".to_owned()),
        "OTEL_ENDPOINT" => Some("http://c:4317".to_owned()),
        _ => None,
    };
    assert!(Endpoint::of_operator(Service::Otel, &grpc).unwrap_err().contains("otlp_http"));
    let weave = [("wandb_api_key", "k"), ("weave_project_id", "e/p")];
    let weave = of_team("weave_otel", &weave, &|_| None).unwrap();
    assert_eq!(weave.url.to_string(), "https://trace.wandb.ai/otel/v1/traces");
    assert!(of_team("otel", &[], &|_| None).is_err(), "that is the operator's");
}

#[test]
fn shares_are_numbers_from_0_to_1() {
    let of = |name: &str, value: &str| {
        let vars = [(name.into(), Secret::new(value))].into();
        sampled(&OwnCallback { name: "arize".into(), success: true, failure: true, vars })
    };
    assert_eq!(of("arize_success_sampling_rate", "0.25"), Ok([0.25, 1.0]));
    assert_eq!(of("arize_error_sampling_rate", "0"), Ok([1.0, 0.0]));
    assert_eq!(of("langsmith_sampling_rate", "0"), Ok([1.0, 1.0]), "another service's");
    assert!(of("arize_error_sampling_rate", "2").is_err() && of("arize_error_sampling_rate", "x").is_err());
}
