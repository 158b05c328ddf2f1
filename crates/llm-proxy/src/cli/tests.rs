//! Command lines as people write them.

use super::*;

fn serve(args: &[&str]) -> Serve {
    let all = std::iter::once("llm-proxy").chain(args.iter().copied()).map(OsString::from);
    parse(all).unwrap().serve
}

#[test]
fn litellms_flags_are_taken() {
    let s = serve(&[
        "--config",
        "c.yaml",
        "--host",
        "localhost",
        "--port",
        "4001",
        "--num_workers",
        "2",
        "--telemetry",
        "False",
        "--run_granian",
        "--detailed_debug",
        "--drop_params",
        "--ssl_keyfile_path",
        "k",
        "--state_dir=/tmp/x",
    ]);
    assert_eq!((s.host.unwrap().to_string(), s.port, s.threads()), ("127.0.0.1".into(), Some(4001), Some(2)));
    assert_eq!((s.detailed_debug, s.drop_params, s.state_dir.as_deref()), (Some(true), true, Some("/tmp/x".as_ref())));
    let told: Vec<_> = s.problems().iter().map(ToString::to_string).collect();
    assert_eq!(told, ["command line: error: --ssl_certfile_path: TLS needs both a key file and a certificate file"]);
    assert!(parse(["llm-proxy", "--no_such_flag"].map(OsString::from)).is_err());
}

#[test]
fn commands_and_single_models() {
    let cli = parse(["llm-proxy", "check", "c.yaml"].map(OsString::from)).unwrap();
    assert!(matches!(cli.command, Some(Command::Check(c)) if c.config.as_os_str() == "c.yaml"));
    let s =
        serve(&["--model", "openai/gpt-4o", "--alias", "m", "--api_base", "http://x", "--reload", "--headers", "[]"]);
    let model = s.source().model.unwrap();
    assert_eq!((model.name(), model.model.as_str(), model.params.len()), ("m", "openai/gpt-4o", 2));
    let told: Vec<_> = s.problems().iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "command line: warning: --reload: this flag has no effect",
            "command line: error: --headers: expected a JSON object"
        ]
    );
}

#[test]
fn state_folders() {
    let env = Environment::of([("HOME", "/home/me")]);
    assert_eq!(serve(&[]).state_dir(&env).unwrap(), PathBuf::from("/home/me/.local/state/llm-proxy"));
    let env = Environment::of([("HOME", "/home/me"), ("XDG_STATE_HOME", "/s")]);
    assert_eq!(serve(&[]).state_dir(&env).unwrap(), PathBuf::from("/s/llm-proxy"));
    assert_eq!(serve(&["--ephemeral"]).state_dir(&env), None);
    let (a, b) = (serve(&["-c", "/a/config.yaml"]).instance(), serve(&["-c", "/b/config.yaml"]).instance());
    assert!(a != b && a.starts_with("config-") && a == serve(&["-c", "/a/config.yaml"]).instance());
}
