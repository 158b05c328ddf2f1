//! What callers hold for servers: shown on their own calls, to nobody else; and where they get it.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::Method;
use llm_tests::{Asked, Canned, Gateway, MASTER_KEY, Reply, Said};
use serde_json::{Value, json};

use super::{House, said};

/// A server that says who issues tokens for it.
fn telling(asked: &Asked) -> Said {
    match asked.path.as_str() {
        "/.well-known/oauth-protected-resource/mcp" => {
            let told = json!({"resource": "https://drive.test/mcp", "authorization_servers": ["https://idp.test"]});
            (200, "application/json", told.to_string())
        }
        path if path.starts_with("/.well-known/") => (404, "text/plain", String::new()),
        _ => said(asked),
    }
}

/// Gives `new-1`, `new-2` ... for refresh tokens.
fn issuer(_: &Asked) -> Said {
    static ISSUED: AtomicUsize = AtomicUsize::new(1);
    let token = format!("new-{}-s3cret", ISSUED.fetch_add(1, Ordering::Relaxed));
    let told = json!({"access_token": token, "refresh_token": "next-s3cret", "expires_in": 3600});
    (200, "application/json", told.to_string())
}

#[tokio::test]
async fn callers_hold_credentials_for_servers() {
    let (server, issuer) = (Canned::start(telling).await.unwrap(), Canned::start(issuer).await.unwrap());
    let with = |id: &str, fields: Value| {
        let url = format!("{}/mcp", server.base_url());
        let mut all = json!({"url": url, "transport": "http", "allow_all_keys": true, "server_id": id});
        all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        all
    };
    let config = json!({
        "model_list": [],
        "mcp_servers": {
            "vault": with("vault-1", json!({"auth_type": "api_key", "is_byok": true})),
            "drive": with("drive-1", json!({
                "auth_type": "oauth2", "client_id": "gate", "client_secret": "gate-s3cret", "scopes": ["read"],
                "authorization_url": "https://idp.test/authorize", "token_url": format!("{}/token", issuer.base_url()),
            })),
            "passed": with("passed-1", json!({"auth_type": "oauth_delegate"})),
            "open": with("open-1", json!({})),
        },
        "general_settings": {"master_key": MASTER_KEY},
    });
    let state = tempfile::tempdir().unwrap();
    let env = vec![("LITELLM_SALT_KEY".to_owned(), "sk-salt-0123456789".to_owned())];
    let options = llm_tests::Options { env, state_dir: Some(state.path().to_owned()), ..Default::default() };
    let gateway = Gateway::start_with(&config.to_string(), &options).await.unwrap();
    let house = House { gateway, git: server, mail: issuer, model: Canned::start(said).await.unwrap() };
    let mut keys = Vec::new();
    for user in ["ann", "bob"] {
        assert_eq!(
            house.gateway.ask("/user/new", &json!({"user_id": user, "auto_create_key": false})).await.unwrap().status,
            200
        );
        keys.push(house.key(json!({"user_id": user})).await.0);
    }
    let people = People { house: &house, ann: &keys[0], bob: &keys[1] };
    people.keys_of_their_own().await;
    people.tokens_of_their_own().await;
    people.they_are_told_where_tokens_are_had().await;
    people.what_is_held_ends().await;
    assert!(!house.gateway.logs().contains("s3cret"), "a credential is in the log");
    assert!(!holds(state.path(), b"s3cret"), "a credential is in the database");
}

fn holds(folder: &Path, what: &[u8]) -> bool {
    std::fs::read_dir(folder).unwrap().flatten().any(|entry| match entry.file_type().unwrap().is_dir() {
        true => holds(&entry.path(), what),
        false => std::fs::read(entry.path()).is_ok_and(|bytes| bytes.windows(what.len()).any(|part| part == what)),
    })
}

struct People<'h> {
    house: &'h House,
    ann: &'h str,
    bob: &'h str,
}

const HELD: &str = "/v1/mcp/server/vault-1/user-credential";
const TOKEN: &str = "/v1/mcp/server/drive-1/oauth-user-credential";

impl People<'_> {
    async fn call(&self, key: &str, path: &str) -> Reply {
        let params = json!({"name": "log", "arguments": {}});
        let message = json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params});
        self.house.post(path, &message, &[("authorization", &format!("Bearer {key}"))]).await
    }

    /// What the server was shown with the last call of a tool, and that there was one.
    async fn shown(&self, key: &str, path: &str, header: &str) -> String {
        let before = self.house.git.seen().len();
        let reply = self.call(key, path).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let seen = self.house.git.seen();
        let call = seen[before..].iter().find(|asked| asked.json["method"] == "tools/call");
        call.unwrap_or_else(|| panic!("{}", reply.text())).header(header).to_owned()
    }

    async fn delete(&self, key: &str, path: &str) -> Reply {
        let auth = format!("Bearer {key}");
        self.house.gateway.send(Method::DELETE, path, &[("authorization", &auth)], Bytes::new()).await.unwrap()
    }

    async fn refused(&self, key: &str, path: &str) {
        let before = self.house.git.seen().len();
        let reply = self.call(key, path).await;
        assert_eq!(reply.status, 401, "{}", reply.text());
        let wanted = format!("/.well-known/oauth-protected-resource{path}\"");
        assert!(reply.header("www-authenticate").ends_with(&wanted), "{}", reply.header("www-authenticate"));
        assert_eq!(self.house.git.seen().len(), before, "the server was asked");
    }

    async fn keys_of_their_own(&self) {
        let gateway = &self.house.gateway;
        for key in [self.ann, self.bob, MASTER_KEY] {
            self.refused(key, "/mcp/vault").await;
        }
        let kept = gateway.post(HELD, &json!({"credential": "ann-s3cret"}), self.ann).await.unwrap();
        assert_eq!(kept.json(), json!({"server_id": "vault-1", "has_credential": true}), "{}", kept.text());
        assert_eq!(self.shown(self.ann, "/mcp/vault", "x-api-key").await, "ann-s3cret");
        self.refused(self.bob, "/mcp/vault").await;
        self.refused(MASTER_KEY, "/vault/mcp").await;
        // Among others it is left out.
        let names = self.house.tools(self.bob, "/mcp").await;
        assert!(names.iter().any(|n| n == "open-log") && !names.iter().any(|n| n.starts_with("vault-")), "{names:?}");
        gateway.post(HELD, &json!({"credential": "bob-s3cret"}), self.bob).await.unwrap();
        assert_eq!(self.shown(self.bob, "/mcp/vault", "x-api-key").await, "bob-s3cret");
        assert_eq!(self.shown(self.ann, "/mcp/vault", "x-api-key").await, "ann-s3cret");
        assert_eq!(self.shown(self.ann, "/mcp/open", "x-api-key").await, "", "another server was shown it");

        let (nobodys, _) = self.house.key(json!({})).await;
        for (path, body, key, status) in [
            (HELD, json!({"credential": "x"}), nobodys.as_str(), 400),
            (HELD, json!({}), self.ann, 400),
            (HELD, json!({"credential": "x".repeat(20_000)}), self.ann, 400),
            ("/v1/mcp/server/open-1/user-credential", json!({"credential": "x"}), self.ann, 400),
            ("/v1/mcp/server/nothing/user-credential", json!({"credential": "x"}), self.ann, 403),
            (TOKEN, json!({"credential": "x"}), self.ann, 400),
        ] {
            let reply = gateway.post(path, &body, key).await.unwrap();
            assert_eq!(reply.status, status, "{path}: {}", reply.text());
        }
    }

    async fn tokens_of_their_own(&self) {
        let gateway = &self.house.gateway;
        self.refused(self.ann, "/mcp/drive").await;
        let token =
            json!({"access_token": "old-s3cret", "refresh_token": "first-s3cret", "expires_in": 1, "scopes": ["read"]});
        let kept = gateway.post(TOKEN, &token, self.ann).await.unwrap();
        assert!(kept.json()["has_credential"] == true && !kept.text().contains("s3cret"), "{}", kept.text());
        // It has ended: a new one is had, once.
        for _ in 0..2 {
            assert_eq!(self.shown(self.ann, "/mcp/drive", "authorization").await, "Bearer new-1-s3cret");
        }
        let asked: Vec<String> = self.house.mail.seen().iter().map(Asked::text).collect();
        let form = "grant_type=refresh_token&refresh_token=first-s3cret&client_id=gate&client_secret=gate-s3cret";
        assert_eq!(asked, [form]);
        self.refused(self.bob, "/mcp/drive").await;
        gateway.post(TOKEN, &json!({"access_token": "bob-s3cret"}), self.bob).await.unwrap();
        assert_eq!(self.shown(self.bob, "/mcp/drive", "authorization").await, "Bearer bob-s3cret");
        // What the client brings along goes on in its place.
        let message = json!({"jsonrpc": "2.0", "id": 7, "method": "tools/list"});
        let brought = [("x-litellm-api-key", self.bob), ("authorization", "Bearer brought")];
        self.house.post("/mcp/drive", &message, &brought).await;
        assert_eq!(self.house.git.seen().last().unwrap().header("authorization"), "Bearer brought");

        let status = gateway.get(&format!("{TOKEN}/status"), self.ann).await.unwrap().json();
        assert_eq!((&status["has_credential"], &status["is_expired"]), (&json!(true), &json!(false)), "{status}");
        let own = gateway.get("/v1/mcp/user-credentials", self.ann).await.unwrap().json();
        assert_eq!((own.as_array().unwrap().len(), &own[0]["server_name"]), (1, &json!("drive")), "{own}");
        let path = "/v1/mcp/server/drive-1/user-credentials";
        assert_eq!(gateway.get(path, self.ann).await.unwrap().status, 401, "for administrators");
        let all = gateway.get(path, MASTER_KEY).await.unwrap();
        assert!(all.json().as_array().unwrap().len() == 2 && !all.text().contains("s3cret"), "{}", all.text());
    }

    async fn they_are_told_where_tokens_are_had(&self) {
        let gateway = &self.house.gateway;
        let told = async |path: &str| gateway.get(&format!("/.well-known/{path}"), "").await.unwrap();
        let base = told("oauth-protected-resource").await.json()["resource"].as_str().unwrap().to_owned();
        let whole = told("oauth-protected-resource/mcp").await.json();
        assert_eq!(
            (&whole["resource"], &whole["authorization_servers"]),
            (&json!(format!("{base}/mcp")), &Value::Null)
        );
        for path in ["mcp/drive", "drive/mcp"] {
            let drive = told(&format!("oauth-protected-resource/{path}")).await.json();
            assert_eq!(drive["resource"], format!("{base}/{path}"), "{drive}");
            assert_eq!(drive["authorization_servers"], json!([format!("{base}/drive")]), "{drive}");
            assert_eq!(drive["scopes_supported"], json!(["read"]), "{drive}");
        }
        let server = told("oauth-authorization-server/drive").await.json();
        assert_eq!(server["issuer"], format!("{base}/drive"), "{server}");
        assert_eq!(server["authorization_endpoint"], "https://idp.test/authorize", "{server}");
        // A server that describes itself is believed about itself.
        let passed = told("oauth-protected-resource/mcp/passed").await.json();
        assert_eq!(passed["resource"], "https://drive.test/mcp", "{passed}");
        self.refused(self.ann, "/mcp/passed").await;
        // Others are told like those that there are not.
        let open = told("oauth-protected-resource/mcp/open").await.text();
        let nothing = told("oauth-protected-resource/mcp/nothing").await.text();
        assert_eq!(open.replace("/open", "/*"), nothing.replace("/nothing", "/*"));
        for path in
            ["oauth-authorization-server/open", "oauth-authorization-server/nothing", "oauth-protected-resource/x"]
        {
            assert_eq!(told(path).await.status, 404, "{path}");
        }
    }

    async fn what_is_held_ends(&self) {
        let others = format!("{HELD}?user_id=ann");
        assert_eq!(self.delete(self.bob, &others).await.status, 403);
        assert_eq!(self.delete(self.ann, TOKEN.replace("drive", "vault").as_str()).await.status, 200);
        assert_eq!(self.shown(self.ann, "/mcp/vault", "x-api-key").await, "ann-s3cret", "a key is no token");
        assert_eq!(self.delete(MASTER_KEY, &others).await.status, 200);
        self.refused(self.ann, "/mcp/vault").await;
        assert_eq!(self.shown(self.bob, "/mcp/vault", "x-api-key").await, "bob-s3cret");
        // Whoever gets the id next holds nothing.
        let gateway = &self.house.gateway;
        assert_eq!(gateway.ask("/user/delete", &json!({"user_ids": ["bob"]})).await.unwrap().status, 200);
        gateway.ask("/user/new", &json!({"user_id": "bob", "auto_create_key": false})).await.unwrap();
        let (next, _) = self.house.key(json!({"user_id": "bob"})).await;
        self.refused(&next, "/mcp/vault").await;
        self.refused(&next, "/mcp/drive").await;
    }
}
