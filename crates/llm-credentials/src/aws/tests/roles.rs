use llm_types::Kind;

use super::*;
use crate::testing::{dead_url, request, shown};

const ROLE: &str = "arn:aws:iam::1:role/r";

fn static_keys() -> AwsAuth {
    AwsAuth {
        access_key_id: Some(Secret::new("AKIA")),
        secret_access_key: Some(Secret::new("base-secret")),
        role: Some(ROLE.into()),
        session_name: Some("me".into()),
        ..need()
    }
}

#[tokio::test]
async fn a_role_is_assumed_with_the_given_keys_and_remembered() {
    let (server, world, shelf) = (sts().await, World::empty(), KeyShelf::default());
    let need = AwsAuth {
        external_id: Some("ext".into()),
        session_tags: vec![("team".into(), "a b".into())],
        sts_endpoint: Some(server.url.clone()),
        ..static_keys()
    };
    let mut signed = request("https://bedrock-runtime.eu-west-1.amazonaws.com/model/m/converse");
    for _ in 0..3 {
        apply(world.flow(), &shelf, &need, &mut signed).await.unwrap();
    }
    assert_eq!(server.count(), 1);
    let seen = server.last();
    assert_eq!(
        seen.body,
        "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr&RoleSessionName=me\
         &ExternalId=ext&Tags.member.1.Key=team&Tags.member.1.Value=a+b"
    );
    assert!(seen.header("authorization").contains("Credential=AKIA/20260102/eu-west-1/sts/aws4_request"));
    assert!(shown(&signed, "authorization").contains("Credential=ASIAAssumeRole/20260102/eu-west-1/bedrock/"));
    assert_eq!(shown(&signed, "x-amz-security-token"), "lent-token");
    // An hour's keys are renewed five minutes ahead.
    world.pass(3350);
    apply(world.flow(), &shelf, &need, &mut signed).await.unwrap();
    assert_eq!(server.count(), 2);
}

#[tokio::test]
async fn web_identities_of_every_form() {
    let server = sts().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "from-file\n").unwrap();
    let world = World::new([
        ("AWS_ENDPOINT_URL_STS", server.url.clone()),
        ("TOKEN_VARIABLE", "from-variable".to_owned()),
        ("FILE_VARIABLE", text(&file)),
    ]);
    for (given, expected) in [
        ("eyJ.literal.token", "eyJ.literal.token"),
        ("TOKEN_VARIABLE", "from-variable"),
        ("os.environ/TOKEN_VARIABLE", "from-variable"),
        ("os.environ/FILE_VARIABLE", "from-file"),
        ("oidc/env/TOKEN_VARIABLE", "from-variable"),
        (text(&file).as_str(), "from-file"),
    ] {
        let need = AwsAuth { web_identity_token: Some(Secret::new(given)), ..static_keys() };
        let keys = fetched(&world, &need).await.unwrap();
        assert_eq!((keys.id.as_str(), keys.secret.expose()), ("ASIAAssumeRoleWithWebIdentity", "lent/secret+&x"));
        let seen = server.last();
        assert_eq!(seen.field("WebIdentityToken"), expected);
        assert_eq!(seen.header("authorization"), "", "the token is the proof");
    }
    let need = AwsAuth { web_identity_token: Some(Secret::new("os.environ/UNSET")), ..static_keys() };
    assert!(refused(&world, &need).await.message.contains("not set"));
}

#[tokio::test]
async fn eks_puts_an_identity_into_the_environment() {
    let server = sts().await;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "pod-token").unwrap();
    let world = World::new([
        ("AWS_ENDPOINT_URL_STS", server.url.clone()),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", text(file.path())),
        ("AWS_ROLE_ARN", ROLE.to_owned()),
        ("AWS_ROLE_SESSION_NAME", "pod".to_owned()),
    ]);
    let keys = fetched(&world, &need()).await.unwrap();
    assert_eq!(keys.id, "ASIAAssumeRoleWithWebIdentity");
    assert_eq!((server.last().field("RoleSessionName"), server.last().field("RoleArn")), ("pod".into(), ROLE.into()));
    // The same role by name is the one it already has; another is assumed on top.
    let same = AwsAuth { role: Some(ROLE.into()), ..need() };
    fetched(&world, &same).await.unwrap();
    assert_eq!(server.last().field("Action"), "AssumeRoleWithWebIdentity");
    let other = AwsAuth { role: Some("arn:aws:iam::2:role/other".into()), ..need() };
    fetched(&world, &other).await.unwrap();
    assert_eq!(server.last().field("Action"), "AssumeRole");
    assert!(server.last().header("authorization").contains("Credential=ASIAAssumeRoleWithWebIdentity/"));
    assert!(server.last().field("RoleSessionName").starts_with("llm-session-"));
}

#[tokio::test]
async fn a_refused_role_is_told_without_secrets() {
    let refuse = |_: &Seen| {
        let xml = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not authorized to \
                   perform: sts:AssumeRole (base-secret)</Message></Error></ErrorResponse>";
        (403, xml.to_owned())
    };
    let server = Server::start(refuse).await;
    let world = World::empty();
    let need = AwsAuth { sts_endpoint: Some(server.url.clone()), ..static_keys() };
    let error = refused(&world, &need).await;
    assert_eq!(error.kind, Kind::Authentication);
    assert_eq!(
        error.message,
        "AWS STS answered with status 403: AccessDenied: not authorized to perform: sts:AssumeRole (***)"
    );
    let down = AwsAuth { sts_endpoint: Some(dead_url().await), ..static_keys() };
    assert!(refused(&world, &down).await.retryable());
    let nonsense = Server::start(|_| (200, "<html/>".to_owned())).await;
    let need = AwsAuth { sts_endpoint: Some(nonsense.url.clone()), ..static_keys() };
    assert_eq!(refused(&world, &need).await.kind, Kind::InvalidReply);
}

#[tokio::test]
async fn litellms_own_variables_count_like_parameters() {
    let server = sts().await;
    let world = World::new([
        ("AWS_ENDPOINT_URL", server.url.clone()),
        ("AWS_ROLE_NAME", ROLE.to_owned()),
        ("AWS_SESSION_NAME", "by-variable".to_owned()),
        ("AWS_ACCESS_KEY_ID", "ENV".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "s".to_owned()),
    ]);
    assert_eq!(fetched(&world, &need()).await.unwrap().id, "ASIAAssumeRole");
    assert_eq!(server.last().field("RoleSessionName"), "by-variable");
    assert!(server.last().header("authorization").contains("Credential=ENV/"));
}
