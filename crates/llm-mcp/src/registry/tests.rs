use llm_types::RawJson;

use super::*;
use crate::grant::Granted;
use crate::spec::ServerSpec;

fn registry() -> Registry {
    let server = |name: &str, text: &str| {
        let spec: ServerSpec = RawJson::parse(text).unwrap().read().unwrap();
        Arc::new(spec.server(name, false).unwrap())
    };
    Registry {
        servers: vec![
            server(
                "git",
                r#"{"url":"http://h/1","access_groups":["dev"],"auth_type":"bearer_token","auth_value":"ours"}"#,
            ),
            server("mail", r#"{"url":"http://h/2","server_id":"m-1","extra_headers":["x-tenant"]}"#),
            server("time", r#"{"url":"http://h/3","allow_all_keys":true,"disallowed_tools":["set"]}"#),
        ],
        toolsets: vec![Arc::new(set())],
        blocked: Arc::default(),
    }
}

/// The name of one of its tools begins with a server's.
fn set() -> Toolset {
    let tools = [("m-1", "send"), ("git", "git-log"), ("time", "set"), ("gone", "x")];
    let own = |(server, tool): (&str, &str)| (server.to_owned(), tool.to_owned());
    Toolset { id: "ts-1".into(), name: "daily".into(), tools: tools.map(own).to_vec() }
}

fn granted(servers: &[&str], groups: &[&str]) -> Granted {
    let own = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect();
    Granted { servers: own(servers), groups: own(groups), ..Granted::default() }
}

fn names(view: &View) -> Vec<&str> {
    view.servers.iter().map(|v| v.server.name.as_str()).collect()
}

#[test]
fn keys_see_what_they_are_granted_within_their_team() {
    let none = || granted(&[], &[]);
    for (key, team, wanted) in [
        (none(), none(), &["time"][..]),
        (granted(&["m-1"], &[]), none(), &["mail", "time"]),
        (granted(&[], &["dev"]), none(), &["git", "time"]),
        (none(), granted(&["git"], &[]), &["git", "time"]),
        (granted(&["mail", "git"], &[]), granted(&["git"], &[]), &["git", "time"]),
        (granted(&["mail"], &[]), granted(&["git"], &[]), &["time"]),
    ] {
        let view = registry().view(Grant::Of { key, team, narrower: Vec::new() }, &Asked::default(), &HeaderMap::new());
        assert_eq!(names(&view), wanted);
    }
    let (key, team, narrower) = (granted(&["mail", "git"], &[]), none(), vec![none(), granted(&["m-1"], &[])]);
    let view = registry().view(Grant::Of { key, team, narrower }, &Asked::default(), &HeaderMap::new());
    assert_eq!(names(&view), ["mail", "time"]);
    let all = registry().view(Grant::All, &Asked::default(), &HeaderMap::new());
    assert_eq!(names(&all), ["git", "mail", "time"]);
}

#[test]
fn a_tool_that_is_blocked_for_all_changes_nothing_else() {
    let blocking = Registry { blocked: ["log".to_owned()].into(), ..registry() };
    let inherits = || Grant::Of { key: granted(&[], &[]), team: granted(&["git"], &[]), narrower: Vec::new() };
    for grant in [|| Grant::All, inherits] {
        let (free, view) = (registry(), &blocking);
        let free = free.view(grant(), &Asked::default(), &HeaderMap::new());
        let view = view.view(grant(), &Asked::default(), &HeaderMap::new());
        assert_eq!(names(&view), names(&free));
        let git = &view.servers[0].server;
        assert!(free.allows(git, "log") && !view.allows(git, "log") && view.allows(git, "diff"));
    }
}

#[test]
fn toolsets_grant_their_tools_and_no_others() {
    let with = |ids: &[&str], servers: &[&str]| {
        let sets = registry().toolsets.iter().filter(|set| ids.contains(&&*set.id)).cloned().collect();
        Granted { toolsets: ids.iter().map(|id| (*id).to_owned()).collect(), sets, ..granted(servers, &[]) }
    };
    let view = |key: Granted, team: Granted, asked: &Asked| {
        registry().view(Grant::Of { key, team, narrower: Vec::new() }, asked, &HeaderMap::new())
    };
    let seen = view(with(&["ts-1"], &[]), granted(&[], &[]), &Asked::default());
    assert_eq!(names(&seen), ["git", "mail", "time"]);
    let may = |view: &View, server: usize, tool: &str| view.allows(&view.servers[server].server, tool);
    assert!(may(&seen, 0, "git-log") && !may(&seen, 0, "log") && may(&seen, 1, "send") && !may(&seen, 1, "read"));
    assert!(!may(&seen, 2, "set"), "the server does not show it");
    // A server that is granted as a whole is narrowed by the tools that a toolset names, as in LiteLLM.
    let both = view(with(&["ts-1"], &["mail"]), granted(&[], &[]), &Asked::default());
    assert!(may(&both, 1, "send") && !may(&both, 1, "read"));
    let within = view(with(&["ts-1"], &[]), granted(&["m-1"], &[]), &Asked::default());
    assert_eq!(names(&within), ["mail", "time"]);
    // One that is gone grants nothing, and is no reason to have what the team has.
    let gone = view(with(&["ts-0"], &[]), granted(&["git"], &[]), &Asked::default());
    assert_eq!(names(&gone), ["time"]);

    let registry = registry();
    let asked = Asked { toolset: registry.toolset("daily").cloned(), ..Asked::default() };
    let all = registry.view(Grant::All, &asked, &HeaderMap::new());
    assert_eq!(names(&all), ["git", "mail", "time"]);
    assert!(may(&all, 1, "send") && !may(&all, 1, "read"));
    let some = view(granted(&["mail"], &[]), granted(&[], &[]), &asked);
    assert!(names(&some) == ["mail", "time"] && !may(&some, 1, "now"));
    let of = |key: Granted, team: Granted| Grant::Of { key, team, narrower: Vec::new() };
    assert!(of(with(&["ts-1"], &[]), granted(&[], &[])).has(&set()));
    assert!(of(granted(&[], &[]), with(&["ts-1"], &[])).has(&set()));
    assert!(!of(granted(&["mail"], &[]), with(&["ts-1"], &[])).has(&set()));
    assert!(!of(granted(&[], &[]), granted(&[], &[])).has(&set()));
    assert!(registry.toolset("mail").is_none() && registry.toolset("nothing").is_none());
}

#[test]
fn asking_never_shows_more() {
    let asked = |path: Option<&str>, servers: &[&str], groups: &[&str]| Asked {
        path: path.map(str::to_owned).into_iter().collect(),
        servers: servers.iter().map(|s| (*s).to_owned()).collect(),
        groups: groups.iter().map(|s| (*s).to_owned()).collect(),
        toolset: None,
    };
    let grant = || Grant::Of { key: granted(&["git"], &[]), team: granted(&[], &[]), narrower: Vec::new() };
    for (asked, wanted) in [
        (asked(Some("git"), &[], &[]), &["git"][..]),
        (asked(Some("dev"), &[], &[]), &["git"]),
        (asked(Some("mail"), &[], &[]), &[]),
        (asked(None, &["mail", "time"], &[]), &["time"]),
        (asked(None, &[], &["dev"]), &["git"]),
        (asked(Some("time"), &["git"], &[]), &[]),
    ] {
        assert_eq!(names(&registry().view(grant(), &asked, &HeaderMap::new())), wanted);
    }
}

#[test]
fn tools_are_found_by_their_names() {
    let key = Granted { tools: vec![("git".into(), vec!["log".into()])], ..granted(&["git", "mail"], &[]) };
    let view = registry().view(
        Grant::Of { key, team: granted(&[], &[]), narrower: Vec::new() },
        &Asked::default(),
        &HeaderMap::new(),
    );
    let own = |name: &str| view.tool(name).map(|(v, tool)| (v.server.name.clone(), tool.to_owned())).ok();
    assert_eq!(own("git-log"), Some(("git".into(), "log".into())));
    assert_eq!(own("git-push"), None);
    assert_eq!(own("mail-send-all"), Some(("mail".into(), "send-all".into())));
    assert_eq!(own("time-set"), None);
    assert_eq!(own("log"), None);
    let one = registry().view(Grant::All, &Asked { path: vec!["mail".into()], ..Asked::default() }, &HeaderMap::new());
    assert_eq!(one.tool("send").unwrap().1, "send");
    assert_eq!(one.tool("mail-send").unwrap().1, "send");
}

#[test]
fn what_a_caller_holds_is_shown_where_nothing_came_along() {
    let server = |text: &str| {
        let spec: ServerSpec = RawJson::parse(text).unwrap().read().unwrap();
        Arc::new(spec.server("own", false).unwrap())
    };
    let visible = |text: &str, headers: &[(&'static str, &'static str)]| {
        let mut client = HeaderMap::new();
        for (name, value) in headers {
            client.insert(*name, HeaderValue::from_static(value));
        }
        shown(&server(text), &client)
    };
    let byok = r#"{"url":"http://h","auth_type":"api_key","is_byok":true,"auth_value":"ours"}"#;
    let mut held = visible(byok, &[("authorization", "Bearer other")]);
    assert!(held.headers.is_empty() && held.lacks_token());
    held.hold(&Secret::new("mine"));
    assert!(held.headers["x-api-key"] == "mine" && !held.lacks_token());
    let brought = visible(byok, &[("x-mcp-own-x-api-key", "brought")]);
    assert!(brought.wants.is_none() && brought.headers["x-api-key"] == "brought");

    let token = r#"{"url":"http://h","auth_type":"oauth2"}"#;
    let mut held = visible(token, &[]);
    held.hold(&Secret::new("mine"));
    assert_eq!(held.headers["authorization"], "Bearer mine");
    let mut passed = visible(token, &[("authorization", "Bearer brought")]);
    passed.hold(&Secret::new("mine"));
    assert_eq!(passed.headers["authorization"], "Bearer brought");
    // A server of the gateway's own credential never sees a caller's.
    let mut ours = visible(r#"{"url":"http://h","auth_type":"bearer_token","auth_value":"ours"}"#, &[]);
    ours.hold(&Secret::new("mine"));
    assert_eq!(ours.headers["authorization"], "Bearer ours");
}

#[test]
fn headers_go_where_they_belong() {
    let mut client = HeaderMap::new();
    for (name, value) in [
        ("x-tenant", "t"),
        ("x-other", "o"),
        ("x-mcp-git-authorization", "Bearer mine"),
        ("x-mcp-git-host", "evil"),
        ("x-mcp-mail-x-trace", "1"),
    ] {
        client.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    let all = registry().view(Grant::All, &Asked::default(), &client);
    let of = |at: usize| {
        let pairs = all.servers[at].headers.iter().map(|(n, v)| format!("{n}={}", v.to_str().unwrap()));
        let mut pairs: Vec<String> = pairs.collect();
        pairs.sort();
        pairs
    };
    assert_eq!(of(0), ["authorization=Bearer mine"]);
    assert_eq!(of(1), ["x-tenant=t", "x-trace=1"]);
    assert!(of(2).is_empty());
    let bare = registry().view(Grant::All, &Asked::default(), &HeaderMap::new());
    assert_eq!(bare.servers[0].headers["authorization"], "Bearer ours");
}
