use super::*;

/// A home with both shared files.
fn home(config: &str, credentials: &str) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(home.path().join(".aws/sso/cache")).unwrap();
    std::fs::write(home.path().join(".aws/config"), config).unwrap();
    std::fs::write(home.path().join(".aws/credentials"), credentials).unwrap();
    home
}

fn named(profile: &str) -> AwsAuth {
    AwsAuth { profile: Some(profile.into()), ..need() }
}

fn world(home: &tempfile::TempDir, sts: &str) -> World {
    World::new([
        ("HOME", text(home.path())),
        ("AWS_ENDPOINT_URL", sts.to_owned()),
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
    ])
}

#[tokio::test]
async fn keys_in_the_files() {
    let config =
        "[default]\nregion = eu-west-1\n[profile both]\naws_access_key_id = CONFIG\naws_secret_access_key = c\n";
    let credentials = "[default]\naws_access_key_id = DEFAULT\naws_secret_access_key = d\n[both]\naws_access_key_id = \
                       CREDS\naws_secret_access_key = c2\naws_session_token = t\n";
    let home = home(config, credentials);
    let world = world(&home, "http://unused");
    assert_eq!(fetched(&world, &need()).await.unwrap().id, "DEFAULT");
    let keys = fetched(&world, &named("both")).await.unwrap();
    assert_eq!((keys.id.as_str(), keys.secret.expose(), keys.token.unwrap().expose()), ("CREDS", "c2", "t"));
    let error = refused(&world, &named("nobody")).await;
    assert_eq!(error.message, "The config profile (nobody) could not be found");
}

#[tokio::test]
async fn files_and_profiles_named_by_variables() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys");
    std::fs::write(&file, "[dev]\naws_access_key_id = DEV\naws_secret_access_key = d\n").unwrap();
    let variables = [
        ("AWS_SHARED_CREDENTIALS_FILE", text(&file)),
        ("AWS_CONFIG_FILE", "/dev/null".to_owned()),
        ("AWS_PROFILE", "dev".to_owned()),
    ];
    assert_eq!(fetched(&World::new(variables), &need()).await.unwrap().id, "DEV");
}

#[tokio::test]
async fn roles_on_top_of_profiles() {
    let config = "[profile top]\nrole_arn = arn:top\nsource_profile = middle\nexternal_id = e\nrole_session_name = n\n\
                  [profile middle]\nrole_arn = arn:middle\nsource_profile = base\nduration_seconds = 900\n\
                  [profile own]\nrole_arn = arn:own\nsource_profile = own\naws_access_key_id = OWN\naws_secret_access_key = o\n\
                  [profile env]\nrole_arn = arn:env\ncredential_source = Environment\n\
                  [profile loop]\nrole_arn = arn:loop\nsource_profile = loop2\n\
                  [profile loop2]\nrole_arn = arn:loop2\nsource_profile = loop\n\
                  [profile mfa]\nrole_arn = arn:mfa\nsource_profile = base\nmfa_serial = x\n";
    let home = home(config, "[base]\naws_access_key_id = BASE\naws_secret_access_key = b\n");
    let server = sts().await;
    let world = world(&home, &server.url);
    assert_eq!(fetched(&world, &named("top")).await.unwrap().id, "ASIAAssumeRole");
    let seen = server.seen();
    assert_eq!(seen.iter().map(|s| s.field("RoleArn")).collect::<Vec<_>>(), ["arn:middle", "arn:top"]);
    assert!(seen[0].header("authorization").contains("Credential=BASE/"));
    assert_eq!(seen[0].field("DurationSeconds"), "900");
    assert!(seen[1].header("authorization").contains("Credential=ASIAAssumeRole/"));
    assert_eq!((seen[1].field("ExternalId"), seen[1].field("RoleSessionName")), ("e".into(), "n".into()));
    fetched(&world, &named("own")).await.unwrap();
    assert!(server.last().header("authorization").contains("Credential=OWN/"));
    assert!(refused(&world, &named("loop")).await.message.contains("on itself"));
    assert!(refused(&world, &named("mfa")).await.message.contains("mfa_serial"));
    assert!(refused(&world, &named("env")).await.message.contains("credential_source"));
}

#[tokio::test]
async fn a_program_prints_keys() {
    let printed = r#"{"Version":1,"AccessKeyId":"PRINTED","SecretAccessKey":"p","SessionToken":"t","Expiration":"2026-01-02T04:04:05Z"}"#;
    let config = format!(
        "[profile good]\ncredential_process = echo '{printed}'\n[profile bad]\ncredential_process = echo s3cr3t >&2; false\n\
         [profile odd]\ncredential_process = echo s3cr3t\n[profile new]\ncredential_process = echo \
         '{{\"Version\":2,\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"s3cr3t\"}}'\n"
    );
    let home = home(&config, "");
    let world = world(&home, "http://unused");
    assert_eq!(fetched(&world, &named("good")).await.unwrap().id, "PRINTED");
    for (profile, why) in [("bad", "failed"), ("odd", "something else than keys"), ("new", "version 2")] {
        let error = refused(&world, &named(profile)).await;
        assert!(error.message.contains(why) && !error.message.contains("s3cr3t"), "{}", error.message);
    }
}

fn session(home: &tempfile::TempDir, ends: &str, refresh: &str) -> std::path::PathBuf {
    // SHA-1 of `my-session`.
    let path = home.path().join(".aws/sso/cache/9e28173066ce536e277c5fb355efd9c64f398167.json");
    let text = format!(
        r#"{{"startUrl":"https://x.awsapps.com/start","region":"us-east-1","accessToken":"sso-token","expiresAt":"{ends}"{refresh}}}"#
    );
    std::fs::write(&path, text).unwrap();
    path
}

#[tokio::test]
async fn a_person_who_logged_in() {
    let config = "[profile p]\nsso_session = my-session\nsso_account_id = 123\nsso_role_name = Dev\n\
                  [sso-session my-session]\nsso_start_url = https://x.awsapps.com/start\nsso_region = us-east-1\n";
    let home = home(config, "");
    let server = Server::start(|seen| match seen.path.as_str() {
        "/token" => (200, r#"{"accessToken":"renewed","expiresIn":3600,"refreshToken":"r2"}"#.to_owned()),
        _ => {
            let body = r#"{"roleCredentials":{"accessKeyId":"SSO","secretAccessKey":"s","sessionToken":"t","expiration":1767326645000}}"#;
            (200, body.to_owned())
        }
    })
    .await;
    let world = world(&home, &server.url);
    let login = "the AWS SSO session of profile p is over: run aws sso login";
    assert_eq!(refused(&world, &named("p")).await.message, login);
    session(&home, "2026-01-02T08:00:00Z", "");
    assert_eq!(fetched(&world, &named("p")).await.unwrap().id, "SSO");
    assert_eq!(server.last().path, "/federation/credentials?role_name=Dev&account_id=123");
    assert_eq!(server.last().header("x-amz-sso_bearer_token"), "sso-token");
    session(&home, "2026-01-02T03:00:00UTC", "");
    assert_eq!(refused(&world, &named("p")).await.message, login);
    let path = session(&home, "2026-01-02T03:00:00Z", r#","clientId":"c","clientSecret":"cs","refreshToken":"r1""#);
    fetched(&world, &named("p")).await.unwrap();
    assert_eq!(server.last().header("x-amz-sso_bearer_token"), "renewed");
    let written = std::fs::read_to_string(path).unwrap();
    assert!(written.contains(r#""accessToken":"renewed","expiresAt":"2026-01-02T04:04:05Z""#), "{written}");
    assert!(written.contains(r#""refreshToken":"r2""#));
}
