use super::*;

const LENT: &str = r#"{"Code":"Success","AccessKeyId":"ASIALENT","SecretAccessKey":"s","Token":"t","Expiration":"2026-01-02T09:04:05Z"}"#;

fn world(variables: &[(&str, String)]) -> (World, tempfile::TempDir) {
    let home = tempfile::tempdir().unwrap();
    let mut all = vec![("HOME".to_owned(), text(home.path()))];
    all.extend(variables.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    (World::new(all), home)
}

#[tokio::test]
async fn the_agent_of_a_container() {
    let server = Server::start(|_| (200, LENT.to_owned())).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "pod-token\n").unwrap();
    let (world, _home) = world(&[
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("{}/v1/credentials", server.url)),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", text(file.path())),
    ]);
    assert_eq!(fetched(&world, &need()).await.unwrap().id, "ASIALENT");
    assert_eq!((server.last().path.as_str(), server.last().header("authorization")), ("/v1/credentials", "pod-token"));
}

#[tokio::test]
async fn a_token_is_not_shown_to_strangers() {
    let (world, _home) = world(&[
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://example.com/credentials".to_owned()),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "secret".to_owned()),
    ]);
    let error = refused(&world, &need()).await;
    assert!(error.message.contains("AWS_CONTAINER_CREDENTIALS_FULL_URI"), "{}", error.message);
}

#[tokio::test]
async fn the_role_of_a_machine() {
    let server = Server::start(|seen| match (seen.method.as_str(), seen.path.as_str()) {
        ("PUT", "/latest/api/token") => (200, "imds-token".to_owned()),
        ("GET", "/latest/meta-data/iam/security-credentials/") => (200, "my-role\n".to_owned()),
        ("GET", "/latest/meta-data/iam/security-credentials/my-role") => (200, LENT.to_owned()),
        _ => (404, String::new()),
    })
    .await;
    let endpoint = [("AWS_EC2_METADATA_SERVICE_ENDPOINT", format!("{}/", server.url))];
    let (world, _home) = world(&endpoint);
    assert_eq!(fetched(&world, &need()).await.unwrap().id, "ASIALENT");
    let seen = server.seen();
    assert_eq!(seen[0].header("x-aws-ec2-metadata-token-ttl-seconds"), "21600");
    assert!(seen[1..].iter().all(|s| s.header("x-aws-ec2-metadata-token") == "imds-token"));
}

#[tokio::test]
async fn a_machine_without_a_role_or_without_metadata() {
    let none =
        Server::start(|seen| if seen.method == "PUT" { (200, "t".to_owned()) } else { (404, String::new()) }).await;
    for endpoint in [none.url.clone(), crate::testing::dead_url().await] {
        let (world, _home) = world(&[("AWS_EC2_METADATA_SERVICE_ENDPOINT", endpoint)]);
        assert!(refused(&world, &need()).await.message.starts_with("Unable to locate credentials"));
    }
    let broken = Server::start(|_| (500, String::new())).await;
    let (world, _home) = world(&[("AWS_EC2_METADATA_SERVICE_ENDPOINT", broken.url.clone())]);
    assert!(refused(&world, &need()).await.retryable());
}
