//! Where accounts at providers are chosen: headers and query parameters in which some provider's key is shown, and those that
//! say whose account is meant. With the operator's credential they are the operator's to say.

use std::collections::HashSet;
use std::sync::LazyLock;

use crate::generated::{MOUNTS, TABLE};
use crate::passthrough;
use crate::registry;
use crate::row::{Auth, Header, ProviderRow};

/// Headers of credentials that are computed, and of accounts among those of a key. Lower case, sorted.
const CHOOSING: [&str; 8] = [
    "authorization",
    "cookie",
    "openai-organization",
    "openai-project",
    "proxy-authorization",
    "x-auth-token",
    "x-goog-user-project",
    "x-hf-bill-to",
];

/// Query parameters of Google's APIs that show a token.
const TOKENS: [&str; 2] = ["access_token", "oauth_token"];

/// What rows and mounts of the table say.
static TABLES: LazyLock<Shown> = LazyLock::new(|| {
    let mut out = Shown::default();
    TABLE.iter().for_each(|(_, provider)| out.row(provider.row()));
    for mount in MOUNTS {
        out.headers(mount.headers);
        out.query.extend(mount.query);
    }
    out
});

/// Where keys are shown; header names in lower case.
#[derive(Debug, Default)]
struct Shown {
    headers: HashSet<&'static str>,
    query: HashSet<&'static str>,
}

impl Shown {
    fn row(&mut self, row: &ProviderRow) {
        self.headers(row.headers);
        for auth in row.tasks.iter().filter_map(|task| task.auth).chain([row.auth]) {
            match auth {
                Auth::Header { name, .. } => drop(self.headers.insert(name)),
                Auth::Query(template) => {
                    let pairs = template.split('&').filter_map(|pair| pair.split_once('='));
                    self.query.extend(pairs.filter(|(_, value)| value.contains("{key}")).map(|(name, _)| name));
                }
                Auth::None | Auth::Bearer | Auth::BearerOptional | Auth::Computed(_) => {}
            }
        }
    }

    fn headers(&mut self, headers: &'static [Header]) {
        self.headers.extend(headers.iter().filter(|header| header.value.contains("{key}")).map(|header| header.name));
    }
}

/// What rows of the configuration say.
fn declared(says: impl Fn(&Shown) -> bool) -> bool {
    registry::any_declared(|provider| {
        let mut shown = Shown::default();
        shown.row(provider.row());
        says(&shown)
    })
}

/// True for a header in which some provider is shown a key, whatever its case.
#[must_use]
pub fn shows_key(header: &str) -> bool {
    let name = header.to_ascii_lowercase();
    let has = |shown: &Shown| shown.headers.contains(name.as_str());
    name == "authorization" || has(&TABLES) || declared(has)
}

/// True for a header that shows a key, or says whose account a key is used for.
#[must_use]
pub fn chooses_account(header: &str) -> bool {
    CHOOSING.binary_search(&header.to_ascii_lowercase().as_str()).is_ok() || shows_key(header)
}

/// True for a pair of a query in which some provider is shown a key, its escapes resolved.
#[must_use]
pub fn is_key_pair(pair: &str) -> bool {
    let name = passthrough::unescaped(pair.split('=').next().unwrap_or_default()).to_ascii_lowercase();
    let name = name.strip_prefix('$').unwrap_or(&name);
    let has = |shown: &Shown| shown.query.contains(name);
    TOKENS.contains(&name) || has(&TABLES) || declared(has)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_every_row_are_known() {
        assert!(CHOOSING.is_sorted());
        for name in ["X-API-Key", "api-key", "API_KEY", "xi-api-key", "X-Goog-Api-Key", "ocp-apim-subscription-key"] {
            assert!(shows_key(name), "{name}");
        }
        for provider in registry::all() {
            if let Auth::Header { name, .. } = provider.row().auth {
                assert!(chooses_account(name), "{name}");
            }
        }
        assert!(chooses_account("OpenAI-Project") && !shows_key("openai-project"));
        for name in ["anthropic-beta", "x-request-id", "http-referer", "x-title", "content-type"] {
            assert!(!chooses_account(name), "{name}");
        }
    }

    #[test]
    fn keys_of_queries_are_known_however_they_are_written() {
        for pair in ["key=1", "api_key=1", "%6Bey=1", "Key", "$key=1", "access_token=1"] {
            assert!(is_key_pair(pair), "{pair}");
        }
        for pair in ["alt=sse", "monkey=1", "keys=1", "", "limit=key"] {
            assert!(!is_key_pair(pair), "{pair}");
        }
    }
}
