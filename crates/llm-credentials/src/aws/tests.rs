//! The chain, source by source, against servers that play AWS.

mod machine;
mod profiles;
mod roles;

use std::path::Path;

use llm_types::Error;

use super::*;
use crate::testing::{Seen, Server, World};

/// What STS answers to a role.
pub(super) fn lent(action: &str) -> String {
    format!(
        "<{action}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{action}Result><AssumedRoleUser>\
         <Arn>arn:aws:sts::1:assumed-role/r/s</Arn></AssumedRoleUser><Credentials><AccessKeyId>ASIA{action}</AccessKeyId>\
         <SecretAccessKey>lent/secret+&amp;x</SecretAccessKey><SessionToken>lent-token</SessionToken>\
         <Expiration>2026-01-02T04:04:05Z</Expiration></Credentials></{action}Result></{action}Response>"
    )
}

pub(super) async fn sts() -> Server {
    Server::start(|seen: &Seen| (200, lent(&seen.field("Action")))).await
}

pub(super) fn need() -> AwsAuth {
    AwsAuth { service: "bedrock".into(), region: "eu-west-1".into(), ..AwsAuth::default() }
}

pub(super) async fn fetched(world: &World, need: &AwsAuth) -> Result<Keys> {
    keys(world.flow(), &KeyShelf::default(), need).await
}

pub(super) async fn refused(world: &World, need: &AwsAuth) -> Error {
    fetched(world, need).await.unwrap_err()
}

pub(super) fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_is_given_comes_first_and_the_environment_next() {
    let environment = [("AWS_ACCESS_KEY_ID", "ENV"), ("AWS_SECRET_ACCESS_KEY", "s"), ("AWS_SESSION_TOKEN", "t")];
    let world = World::new(environment);
    let keys = fetched(&world, &need()).await.unwrap();
    assert_eq!((keys.id.as_str(), keys.token.unwrap().expose()), ("ENV", "t"));
    let given = AwsAuth {
        access_key_id: Some(Secret::new("GIVEN")),
        secret_access_key: Some(Secret::new("g")),
        session_token: Some(Secret::new("")),
        ..need()
    };
    let keys = fetched(&world, &given).await.unwrap();
    assert!(keys.id == "GIVEN" && keys.token.is_none());
}

#[tokio::test]
async fn nothing_anywhere_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::new([("HOME", text(folder.path())), ("AWS_EC2_METADATA_DISABLED", "true".to_owned())]);
    let error = refused(&world, &need()).await;
    assert!(error.message.starts_with("Unable to locate credentials"), "{}", error.message);
    assert_eq!(error.kind, llm_types::Kind::Authentication);
}
