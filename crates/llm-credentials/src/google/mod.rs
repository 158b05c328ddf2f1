//! Google: access tokens for `https://www.googleapis.com/auth/cloud-platform`.
//!
//! | file | what |
//! |---|---|
//! | [`file`] | what stands in a credentials file; where the application default credentials are |
//! | [`service_account`] | a token signed by the account's own key is exchanged |
//! | [`user`] | a person's refresh token |
//! | [`external`], [`external_aws`] | workload identity federation: somebody else vouches for us |
//! | [`impersonate`] | one account speaks for another |
//! | [`metadata`] | the machine's own account |

mod external;
mod external_aws;
mod file;
mod impersonate;
mod metadata;
mod service_account;
mod user;

#[cfg(test)]
mod tests;

use llm_types::auth::GoogleAuth;
use llm_types::{Result, Secret};

use crate::flow::{Flow, denied};
use crate::shelf::{Issued, Key, KeyOf};
use file::{Credentials, Source};

pub(crate) use metadata::identity;

/// What most services of Google want.
const CLOUD_PLATFORM: &str = "https://www.googleapis.com/auth/cloud-platform";
/// Credentials that stand on other credentials, at the most.
const DEPTH: usize = 4;

pub(crate) fn key(need: &GoogleAuth) -> Key {
    let scopes = need.scopes.join(" ");
    KeyOf::new("google").secret(need.credentials.as_ref()).text(&scopes).end()
}

/// A new access token.
pub(crate) async fn fetch(flow: Flow<'_>, need: &GoogleAuth) -> Result<Issued<Secret>> {
    let scopes: Vec<&str> = match need.scopes.as_slice() {
        [] => vec![CLOUD_PLATFORM],
        scopes => scopes.iter().map(String::as_str).collect(),
    };
    match file::find(flow.ambient, need.credentials.as_ref()).await? {
        Source::File(credentials) => token(flow, &credentials, &scopes, DEPTH).await,
        Source::Machine => metadata::token(flow, &scopes).await,
    }
}

/// The project that the credentials belong to; `None` when they do not say.
pub(crate) async fn project(flow: Flow<'_>, need: &GoogleAuth) -> Result<Option<String>> {
    let found = file::find(flow.ambient, need.credentials.as_ref()).await?;
    // What the credentials in a parameter say is about those; the environment speaks of the default ones.
    let named = || flow.ambient.first(&["GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT"]);
    match found {
        Source::File(credentials) => Ok(credentials.project().map(str::to_owned).or_else(named)),
        Source::Machine => match named() {
            Some(project) => Ok(Some(project)),
            None => metadata::project(flow).await,
        },
    }
}

fn token<'a>(
    flow: Flow<'a>,
    credentials: &'a Credentials,
    scopes: &'a [&'a str],
    depth: usize,
) -> llm_http::BoxFuture<'a, Result<Issued<Secret>>> {
    Box::pin(async move {
        match credentials {
            Credentials::ServiceAccount(account) => service_account::token(flow, account, scopes).await,
            Credentials::AuthorizedUser(user) => user::token(flow, user).await,
            Credentials::ExternalUser(user) => user::external_token(flow, user).await,
            Credentials::External(external) => external::token(flow, external, scopes).await,
            Credentials::Impersonated(_) if depth == 0 => {
                Err(denied("the Google credentials stand on too many other credentials"))
            }
            Credentials::Impersonated(impersonated) => {
                let base = token(flow, &impersonated.source_credentials, &[CLOUD_PLATFORM], depth - 1).await?;
                let url = &impersonated.service_account_impersonation_url;
                impersonate::token(flow, url, &base.value, &impersonated.delegates, scopes, None).await
            }
            Credentials::Other => Err(denied(
                "the Google credentials are of a type that is not supported; service_account, authorized_user, \
                 external_account, external_account_authorized_user and impersonated_service_account are",
            )),
        }
    })
}
