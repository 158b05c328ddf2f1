//! Files as cases: `fixtures/config/CASE.yaml` and what comes of it in `CASE.txt`. `UPDATE=1` writes the latter.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use llm_accounts::AccountsSettings;
use llm_client::{EngineSettings, Target};
use llm_http::HttpConfig;
use llm_router::{Deployment, RouterSettings};
use llm_store::StoreConfig;

use super::*;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/config")
}

/// The first lines of a case may say `# env: NAME=value`, `# host: 0.0.0.0`, `# flags: --ignore-unserved`.
fn source(text: &str) -> (Source, Environment) {
    let mut source = Source { thorough: true, ..Source::default() };
    let mut variables = Vec::new();
    for line in text.lines().take_while(|l| l.starts_with('#')) {
        if let Some(pair) = line.strip_prefix("# env: ") {
            let (name, value) = pair.split_once('=').unwrap();
            variables.push((name.to_owned(), value.to_owned()));
        } else if let Some(host) = line.strip_prefix("# host: ") {
            source.host = Some(host.parse().unwrap());
        } else if let Some(flags) = line.strip_prefix("# flags: ") {
            source.ignore_python_hooks = flags.contains("--ignore-python-hooks");
            source.ignore_unserved = flags.contains("--ignore-unserved");
        }
    }
    (source, Environment::of(variables))
}

fn shown(loaded: Option<&Loaded>, problems: &[Problem]) -> String {
    let mut out = String::new();
    for p in problems {
        let text = p.to_string();
        let folder = format!("{}/", folder().display());
        writeln!(out, "{}", text.replace(&folder, "")).unwrap();
    }
    let Some(l) = loaded else {
        writeln!(out, "== does not start").unwrap();
        return out;
    };
    writeln!(out, "== host {}", l.host).unwrap();
    for d in &l.deployments {
        let target = d.payload::<Target>().unwrap();
        writeln!(out, "== {} → {} ({})", d.group, d.model, target.provider_id()).unwrap();
        let mut bare = d.clone();
        bare.payload = None;
        let default = Deployment::new(bare.id.clone(), bare.group.clone(), bare.model.clone());
        writeln!(out, "id {}", bare.id).unwrap();
        difference(&bare, &default, &mut out);
        if let Some(base) = &target.api_base {
            writeln!(out, "api_base {base}").unwrap();
        }
        if let Some(key) = &target.api_key {
            writeln!(out, "api_key of {} characters", key.expose().len()).unwrap();
        }
        for (name, value) in &target.defaults {
            writeln!(out, "default {name} = {value}").unwrap();
        }
    }
    for (name, now, default) in [
        ("settings", format!("{:#?}", l.settings), format!("{:#?}", Settings::default())),
        ("router", format!("{:#?}", l.router), format!("{:#?}", RouterSettings::default())),
        ("engine", format!("{:#?}", l.engine), format!("{:#?}", EngineSettings::default())),
        ("accounts", format!("{:#?}", l.accounts), format!("{:#?}", AccountsSettings::default())),
        ("http", format!("{:#?}", l.http), format!("{:#?}", HttpConfig::default())),
        ("callbacks", format!("{:#?}", l.callbacks), format!("{:#?}", Callbacks::default())),
        ("alerts", format!("{:#?}", l.alerts), format!("{:#?}", llm_callbacks::AlertSettings::default())),
        ("logging", format!("{:#?}", l.logging), format!("{:#?}", Logging::default())),
        ("cache", whole(l.cache.as_ref().map(|c| (&c.settings, &c.place))), whole(None::<CacheConfig>)),
        ("database", format!("{:#?}", l.database), format!("{:#?}", None::<StoreConfig>)),
        ("redis", whole(l.redis.as_ref().map(|r| (&r.settings, &r.namespace, &r.key))), whole(None::<()>)),
    ] {
        if now != default {
            writeln!(out, "== {name}").unwrap();
            lines(&now, &default, &mut out);
        }
    }
    for g in &l.guardrails {
        writeln!(out, "== guardrail {}", g.to_raw().get()).unwrap();
    }
    out
}

fn whole(value: impl std::fmt::Debug) -> String {
    format!("{value:#?}")
}

fn difference<T: std::fmt::Debug>(now: &T, default: &T, out: &mut String) {
    lines(&format!("{now:#?}"), &format!("{default:#?}"), out);
}

/// The lines of `now` that are not in `default`.
fn lines(now: &str, default: &str, out: &mut String) {
    let known: Vec<&str> = default.lines().collect();
    for line in now.lines().filter(|l| !known.contains(l)) {
        let line = line.strip_prefix("    ").unwrap_or(line);
        if !line.trim().trim_matches(|c| "{}()[],".contains(c)).is_empty() {
            writeln!(out, "{line}").unwrap();
        }
    }
}

#[test]
fn every_case() {
    let mut wrong = Vec::new();
    let mut cases: Vec<PathBuf> = std::fs::read_dir(folder()).unwrap().map(|e| e.unwrap().path()).collect();
    cases.retain(|p| p.extension().is_some_and(|e| e == "yaml"));
    cases.sort();
    assert!(cases.len() > 20, "the cases are gone");
    for path in cases {
        let text = std::fs::read_to_string(&path).unwrap();
        let (mut source, env) = source(&text);
        source.path = Some(path.clone());
        let (loaded, problems) = load(&source, &env);
        let now = shown(loaded.as_ref(), &problems);
        let expected = path.with_extension("txt");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&expected, &now).unwrap();
        } else if std::fs::read_to_string(&expected).unwrap_or_default() != now {
            wrong.push(format!("--- {}\n{now}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_secret_is_printed() {
    let text = "model_list:\n- model_name: a\n  litellm_params: {model: openai/gpt-4o, api_key: sk-hidden, rpm: os.environ/HIDDEN, timeout: os.environ/HIDDEN}\n\
                general_settings: {master_key: [sk-hidden], database_url: 'mysql://hidden:hidden@h/x'}\nenvironment_variables: {A: {sk-hidden: 1}}\n";
    let env = Environment::of([("HIDDEN", "sk-hidden"), ("DATABASE_URL", "mysql://u:hidden@h/x")]);
    let (_, problems) =
        load_text(text, "t.yaml", Path::new("."), &Source { thorough: true, ..Source::default() }, &env);
    let all = problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    assert!(problems.len() > 3, "{all}");
    assert!(!all.to_lowercase().contains("hidden"), "{all}");
}

#[test]
fn without_a_configuration_the_providers_with_keys_are_served() {
    let env = Environment::of([("OPENAI_API_KEY", "sk-x"), ("ANTHROPIC_API_KEY", "sk-y"), ("XAI_API_KEY", "")]);
    let (loaded, problems) = load(&Source::default(), &env);
    let loaded = loaded.unwrap();
    let names: Vec<_> = loaded.groups().iter().map(ToString::to_string).collect();
    assert_eq!(names, ["anthropic/*", "openai/*"]);
    assert!(loaded.settings.environment_models);
    assert_eq!(loaded.host.to_string(), "127.0.0.1");
    assert_eq!(problems.len(), 1, "{problems:?}");
}

#[test]
fn a_model_of_the_command_line() {
    let model = CommandModel {
        model: "openai/gpt-4o".into(),
        alias: None,
        params: vec![("api_base".into(), Json::String("http://x".into()))],
    };
    let (loaded, _) = load(&Source { model: Some(model), ..Source::default() }, &Environment::of([("A", "b")]));
    let loaded = loaded.unwrap();
    assert_eq!(loaded.deployments.len(), 1);
    assert_eq!(loaded.settings.default_model.as_deref(), Some("openai/gpt-4o"));
    let model = CommandModel { model: "nobody/knows".into(), ..CommandModel::default() };
    let (loaded, problems) = load(&Source { model: Some(model), ..Source::default() }, &Environment::of([("A", "b")]));
    assert!(loaded.is_none(), "{problems:?}");
}

#[test]
fn no_text_panics() {
    let env = Environment::of([("KEY", "x")]);
    for entry in std::fs::read_dir(folder()).unwrap().map(|e| e.unwrap().path()) {
        if entry.extension().is_none_or(|e| e != "yaml") {
            continue;
        }
        let text = std::fs::read_to_string(&entry).unwrap();
        for (at, _) in text.char_indices().step_by(61) {
            let (head, tail) = text.split_at(at);
            for middle in ["", "]", "{", "*x ", "&a ", "\n\t", "- ", ": ", "\"", "!!int "] {
                // What comes of it is not the point: it comes without a panic, and never loads with an error in the list.
                let (loaded, problems) =
                    load_text(&format!("{head}{middle}{tail}"), "t.yaml", &folder(), &Source::default(), &env);
                assert_eq!(loaded.is_none(), problems.iter().any(|p| p.severity == Severity::Error));
            }
        }
    }
}

#[test]
fn places_are_told_through_aliases_and_deep_includes() {
    let bomb = format!(
        "a: &a [{}]\nb: &b [{}]\nc: &c [{}]\nd: [{}]\n",
        "x,".repeat(50),
        "*a,".repeat(50),
        "*b,".repeat(50),
        "*c,".repeat(50)
    );
    let (loaded, problems) =
        load_text(&bomb, "t.yaml", Path::new("."), &Source::default(), &Environment::of([("A", "b")]));
    assert!(loaded.is_none());
    assert_eq!(problems.first().unwrap().message, "aliases make this configuration too large");
    let (loaded, problems) =
        load_text("a: &a [*a]\n", "t.yaml", Path::new("."), &Source::default(), &Environment::of([("A", "b")]));
    assert!(loaded.is_none(), "{problems:?}");
    let env = Environment::of([("LITELLM_CONFIG_BUCKET_NAME", "b")]);
    assert!(load(&Source::default(), &env).0.is_none());
}

#[test]
fn the_database_lets_nobody_in() {
    let json = |text: &str| serde_json::from_str::<Json>(text).unwrap();
    let stored = llm_accounts::Stored {
        sections: vec![
            ("general_settings".to_owned(), json(r#"{"public_routes":["/key/*"],"completion_model":"m"}"#)),
            ("environment_variables".to_owned(), json(r#"{"GOOGLE_CLIENT_ID":"g","OPENAI_API_KEY":"sk-o"}"#)),
        ],
        ..llm_accounts::Stored::default()
    };
    let load = |general: &str, stored: &llm_accounts::Stored| {
        let source = Source { stored: Some(stored.clone()), ..Source::default() };
        let text = format!("general_settings: {{master_key: sk-0123456789abcdef{general}}}\n");
        let (loaded, problems) = load_text(&text, "c.yaml", Path::new(""), &source, &Environment::of([("", ""); 0]));
        let told =
            problems.iter().filter(|p| p.message.contains("who gets in")).map(|p| p.key.clone()).collect::<Vec<_>>();
        (loaded.unwrap(), told)
    };
    let (closed, told) = load("", &stored);
    assert_eq!(told, ["general_settings.public_routes", "environment_variables.GOOGLE_CLIENT_ID"]);
    assert!(closed.accounts.entry.public_routes.is_empty() && closed.sso.is_none());
    assert_eq!(closed.settings.default_model.as_deref(), Some("m"), "everything else counts");
    assert_eq!(closed.environment.get("OPENAI_API_KEY").as_deref(), Some("sk-o"));
    let (open, told) = load(", auth_settings_in_db: true", &stored);
    assert_eq!((told.len(), open.accounts.entry.public_routes.len(), open.sso.is_some()), (0, 1, true));

    // Single sign-on has a row of its own.
    let sso = json(
        r#"{"google_client_id":"g","google_client_secret":"s","ui_access_mode":"admin_only","generic_scope":"os.environ/HOME"}"#,
    );
    let (own, told) = load("", &llm_accounts::Stored { sso, ..llm_accounts::Stored::default() });
    assert!(told.is_empty() && own.sso.is_some_and(|plan| plan.missing.is_empty()) && own.accounts.login.sso);
    assert_eq!(own.accounts.login.access, llm_accounts::UiAccess::AdminOnly);
    assert_eq!(own.environment.get("GENERIC_SCOPE"), None, "no reference to the environment");
}
