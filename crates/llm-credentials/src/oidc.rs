//! `oidc/...` references: identity tokens of the platform we run on, as LiteLLM names them.
//!
//! | reference | token |
//! |---|---|
//! | `oidc/google/<audience>` | of the machine's Google account |
//! | `oidc/github/<audience>` | of the GitHub Actions run |
//! | `oidc/azure/<audience>` | of `AZURE_FEDERATED_TOKEN_FILE`, or one of Azure's for the audience |
//! | `oidc/circleci/`, `oidc/circleci_v2/` | of the CircleCI job |
//! | `oidc/file/<path>` | in a file below `LITELLM_OIDC_ALLOWED_CREDENTIAL_DIRS` |
//! | `oidc/env/<name>` | in a variable |
//! | `oidc/env_path/<name>` | in the file that a variable names |

use std::path::{Path, PathBuf};

use http::header::AUTHORIZATION;
use llm_types::Result;
use serde::Deserialize;

use crate::ambient::read;
use crate::flow::{Flow, denied, encoded, get, show};
use crate::{azure, google};

/// Where token files may lie when nobody says.
const FOLDERS: &str = "/var/run/secrets,/run/secrets";

/// The token behind a reference, which is given without its `oidc/`.
///
/// Resolve references of the operator's own configuration only.
pub(crate) async fn token(flow: Flow<'_>, reference: &str) -> Result<String> {
    let (kind, rest) = reference.split_once('/').unwrap_or((reference, ""));
    let variable = |name: &str| {
        flow.ambient.var(name).ok_or_else(|| denied(format!("oidc/{kind}: the variable {name} is not set")))
    };
    match kind {
        "google" => google::identity(flow, rest).await,
        // tidy: provider-id, LiteLLM's names of platforms
        "github" => {
            let (url, token) = ("ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN");
            github(flow, rest, &variable(url)?, &variable(token)?).await
        }
        // tidy: provider-id, as above
        "azure" => match flow.ambient.var("AZURE_FEDERATED_TOKEN_FILE") {
            Some(file) => file_text(Path::new(&file)).await,
            None => Box::pin(azure::ambient_token(flow, rest)).await,
        },
        "circleci" => variable("CIRCLE_OIDC_TOKEN"),
        "circleci_v2" => variable("CIRCLE_OIDC_TOKEN_V2"),
        "file" => file_text(&allowed(flow, rest)?).await,
        "env" => variable(rest),
        "env_path" => file_text(Path::new(&variable(rest)?)).await,
        _ => Err(denied(format!("oidc/{kind} is not known"))),
    }
}

async fn file_text(path: &Path) -> Result<String> {
    Ok(read(path, "the file of an oidc/ reference").await?.trim().to_owned())
}

/// A path below one of the allowed folders, links followed.
fn allowed(flow: Flow<'_>, path: &str) -> Result<PathBuf> {
    // `oidc/file//run/secrets/t` and `oidc/file/run/secrets/t` both occur; only an absolute path is safe to read.
    let path = Path::new(path);
    if !path.is_absolute() {
        return Err(denied("oidc/file: the path must be absolute"));
    }
    let real = path.canonicalize().map_err(|error| denied(format!("oidc/file: the file cannot be read: {error}")))?;
    let folders = flow.ambient.var("LITELLM_OIDC_ALLOWED_CREDENTIAL_DIRS").unwrap_or_else(|| FOLDERS.to_owned());
    let mut folders =
        folders.split(',').map(str::trim).filter(|f| !f.is_empty()).filter_map(|f| Path::new(f).canonicalize().ok());
    match folders.any(|folder| real.starts_with(folder)) {
        true => Ok(real),
        false => Err(denied("oidc/file: the file is outside of LITELLM_OIDC_ALLOWED_CREDENTIAL_DIRS")),
    }
}

async fn github(flow: Flow<'_>, audience: &str, url: &str, token: &str) -> Result<String> {
    #[derive(Deserialize)]
    struct Reply {
        value: String,
    }
    let query = encoded(&[("audience", audience)]);
    let mark = if url.contains('?') { '&' } else { '?' };
    let mut request = get(&format!("{url}{mark}{query}"))?;
    show(&mut request, AUTHORIZATION, &format!("Bearer {token}"))?;
    let reply: Reply = flow.ask("GitHub Actions", request, &[token]).await?;
    Ok(reply.value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Server, World};

    #[tokio::test]
    async fn variables_and_files() {
        let folder = tempfile::tempdir().unwrap();
        let outside = tempfile::NamedTempFile::new().unwrap();
        let inside = folder.path().join("token");
        std::fs::write(&inside, "from the file\n").unwrap();
        std::fs::write(outside.path(), "from outside").unwrap();
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        let world = World::new([
            ("LITELLM_OIDC_ALLOWED_CREDENTIAL_DIRS", text(folder.path())),
            ("TOKEN", "from the variable".to_owned()),
            ("TOKEN_FILE", text(outside.path())),
            ("AZURE_FEDERATED_TOKEN_FILE", text(&inside)),
            ("CIRCLE_OIDC_TOKEN", "c1".to_owned()),
            ("CIRCLE_OIDC_TOKEN_V2", "c2".to_owned()),
        ]);
        for (reference, expected) in [
            ("env/TOKEN".to_owned(), "from the variable"),
            (format!("file/{}", inside.display()), "from the file"),
            ("env_path/TOKEN_FILE".to_owned(), "from outside"),
            ("azure/api://x".to_owned(), "from the file"),
            ("circleci/".to_owned(), "c1"),
            ("circleci_v2/".to_owned(), "c2"),
        ] {
            assert_eq!(token(world.flow(), &reference).await.unwrap(), expected, "{reference}");
        }
        for (reference, why) in [
            (format!("file/{}", outside.path().display()), "outside"),
            ("file/relative".to_owned(), "absolute"),
            ("env/UNSET".to_owned(), "UNSET is not set"),
            ("nobody/x".to_owned(), "not known"),
        ] {
            let error = token(world.flow(), &reference).await.unwrap_err();
            assert!(error.message.contains(why), "{}", error.message);
        }
    }

    #[tokio::test]
    async fn platforms_are_asked() {
        let server = Server::start(|seen| match seen.path.starts_with("/computeMetadata") {
            true => (200, "google-token".to_owned()),
            false => (200, r#"{"value":"github-token"}"#.to_owned()),
        })
        .await;
        let world = World::new([
            ("ACTIONS_ID_TOKEN_REQUEST_URL", format!("{}/run?api-version=2", server.url)),
            ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "run-secret".to_owned()),
            ("GCE_METADATA_HOST", server.url.replace("http://", "")),
        ]);
        assert_eq!(token(world.flow(), "github/sts.amazonaws.com").await.unwrap(), "github-token");
        assert_eq!(server.last().path, "/run?api-version=2&audience=sts.amazonaws.com");
        assert_eq!(server.last().header("authorization"), "Bearer run-secret");
        assert_eq!(token(world.flow(), "google/https://a").await.unwrap(), "google-token");
        assert!(server.last().path.ends_with("/default/identity?audience=https%3A%2F%2Fa&format=full"));
        assert_eq!(server.last().header("metadata-flavor"), "Google");
    }
}
