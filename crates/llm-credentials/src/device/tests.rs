use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use llm_types::{AuthNeed, Kind};

use crate::Signer;
use crate::testing::{START, Seen, Server, World, request, shown};

struct Setting {
    server: Server,
    world: World,
    signer: Signer,
    folder: tempfile::TempDir,
    /// Whether the person has been to the page.
    entered: Arc<AtomicBool>,
}

impl Setting {
    async fn new(
        answer: fn(&Seen, bool) -> (u16, String),
        variables: fn(&str, &str) -> Vec<(&'static str, String)>,
    ) -> Self {
        let (entered, folder) = (Arc::new(AtomicBool::new(false)), tempfile::tempdir().unwrap());
        let seen_by = Arc::clone(&entered);
        let server = Server::start(move |seen| answer(seen, seen_by.load(Ordering::SeqCst))).await;
        let world = World::new(variables(&server.url, folder.path().to_str().unwrap()));
        let signer = Signer::new(world.ambient.clone());
        Setting { server, world, signer, folder, entered }
    }

    async fn ask(&self, need: &AuthNeed, url: &str) -> llm_types::Result<http::Request<llm_http::Body>> {
        let mut request = request(url);
        self.signer.apply(&self.world.http, need, &mut request).await.map(|()| request)
    }

    fn paths(&self) -> Vec<String> {
        self.server.seen().into_iter().map(|seen| seen.path).collect()
    }

    fn file(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(name)).unwrap()
    }

    /// The same files, another process.
    fn restarted(&mut self) {
        self.signer = Signer::new(self.world.ambient.clone());
    }
}

const COPILOT: AuthNeed = AuthNeed::Device(llm_types::DeviceLogin::GitHubCopilot);
const COPILOT_URL: &str = "https://api.githubcopilot.com/chat/completions";

async fn copilot() -> Setting {
    let answer = |seen: &Seen, entered: bool| {
        match seen.path.as_str() {
        "/code" => (200, r#"{"device_code":"dev-secret","user_code":"ABCD-1234","verification_uri":"https://github.com/login/device","expires_in":900,"interval":5}"#.to_owned()),
        "/access" if entered => (200, r#"{"access_token":"gho_lasting","token_type":"bearer"}"#.to_owned()),
        "/access" => (200, r#"{"error":"authorization_pending"}"#.to_owned()),
        "/key" if seen.header("authorization") != "token gho_lasting" => (401, r#"{"message":"Bad credentials"}"#.to_owned()),
        _ => {
            let key = r#"{"token":"tid=1","expires_at":END,"endpoints":{"api":"https://api.individual.githubcopilot.com"},"sku":"x"}"#;
            (200, key.replace("END", &(START + 1800).to_string()))
        }
    }
    };
    Setting::new(answer, |url, folder| {
        vec![
            ("GITHUB_COPILOT_TOKEN_DIR", folder.to_owned()),
            ("GITHUB_COPILOT_DEVICE_CODE_URL", format!("{url}/code")),
            ("GITHUB_COPILOT_ACCESS_TOKEN_URL", format!("{url}/access")),
            ("GITHUB_COPILOT_API_KEY_URL", format!("{url}/key")),
        ]
    })
    .await
}

#[tokio::test]
async fn copilot_from_no_login_to_a_token() {
    let mut setting = copilot().await;
    let told = "GitHub Copilot needs a login: open https://github.com/login/device and enter the code ABCD-1234, then try again";
    let error = setting.ask(&COPILOT, COPILOT_URL).await.unwrap_err();
    assert_eq!((error.kind, error.message.as_str()), (Kind::Authentication, told));
    let code = &setting.server.seen()[0];
    assert_eq!(code.body, r#"{"client_id":"Iv1.b507a08c87ecfe98","scope":"read:user"}"#);
    assert_eq!(code.header("editor-version"), "vscode/1.85.1");
    // Before the interval is over nobody is asked again.
    setting.ask(&COPILOT, COPILOT_URL).await.unwrap_err();
    assert_eq!(setting.paths(), ["/code"]);
    setting.world.pass(6);
    assert_eq!(setting.ask(&COPILOT, COPILOT_URL).await.unwrap_err().message, told);
    assert_eq!(setting.paths(), ["/code", "/access"]);
    setting.entered.store(true, Ordering::SeqCst);
    setting.world.pass(6);
    let request = setting.ask(&COPILOT, COPILOT_URL).await.unwrap();
    assert_eq!(shown(&request, "authorization"), "Bearer tid=1");
    assert_eq!((shown(&request, "x-initiator"), shown(&request, "copilot-vision-request")), ("user".into(), "".into()));
    assert!(uuid::Uuid::parse_str(&shown(&request, "x-request-id")).is_ok());
    assert_eq!(request.uri(), "https://api.individual.githubcopilot.com/chat/completions");
    assert_eq!(setting.paths(), ["/code", "/access", "/access", "/key"]);
    assert_eq!(setting.file("access-token"), "gho_lasting");
    assert!(setting.file("api-key.json").contains(r#""sku":"x""#), "kept as GitHub wrote it");

    setting.restarted();
    let own = setting.ask(&COPILOT, "https://my-proxy.example/chat/completions").await.unwrap();
    assert_eq!(own.uri().host(), Some("my-proxy.example"), "a base of the deployment's own stays");
    assert_eq!(setting.server.count(), 4, "all from the files");
    setting.world.pass(1600);
    setting.ask(&COPILOT, COPILOT_URL).await.unwrap();
    assert_eq!(setting.paths()[4..], ["/key"]);
}

#[tokio::test]
async fn copilot_login_that_was_revoked_begins_anew() {
    let setting = copilot().await;
    std::fs::write(setting.folder.path().join("access-token"), "gho_revoked\n").unwrap();
    let error = setting.ask(&COPILOT, COPILOT_URL).await.unwrap_err();
    assert!(error.message.contains("ABCD-1234"), "{}", error.message);
    assert_eq!(setting.paths(), ["/key", "/code"]);
    setting.entered.store(true, Ordering::SeqCst);
    setting.world.pass(6);
    setting.ask(&COPILOT, COPILOT_URL).await.unwrap();
    assert_eq!(setting.file("access-token"), "gho_lasting");
}

#[tokio::test]
async fn copilot_codes_do_not_live_for_ever() {
    let setting = copilot().await;
    setting.ask(&COPILOT, COPILOT_URL).await.unwrap_err();
    setting.world.pass(901);
    setting.ask(&COPILOT, COPILOT_URL).await.unwrap_err();
    assert_eq!(setting.paths(), ["/code", "/code"]);
}

const CHATGPT: AuthNeed = AuthNeed::Device(llm_types::DeviceLogin::ChatGpt);
const CHATGPT_URL: &str = "https://chatgpt.com/backend-api/codex/responses";

/// A token that ends some seconds after the start, of an account.
fn token(seconds: u64) -> String {
    let claims =
        format!(r#"{{"exp":{},"https://api.openai.com/auth":{{"chatgpt_account_id":"acc-1"}}}}"#, START + seconds);
    format!("h.{}.s", URL_SAFE_NO_PAD.encode(claims))
}

async fn chatgpt() -> Setting {
    let answer = |seen: &Seen, entered: bool| match (seen.path.as_str(), entered) {
        ("/api/accounts/deviceauth/usercode", _) => {
            (200, r#"{"device_auth_id":"dev-secret","usercode":"WXYZ-9","interval":"7"}"#.to_owned())
        }
        ("/api/accounts/deviceauth/token", false) => (403, r#"{"error":"pending"}"#.to_owned()),
        ("/api/accounts/deviceauth/token", true) => {
            (200, r#"{"authorization_code":"ac","code_challenge":"cc","code_verifier":"cv"}"#.to_owned())
        }
        ("/oauth/token", _) if seen.body.contains("r-dead") => {
            (401, r#"{"error":{"message":"gone","code":"refresh_token_expired"}}"#.to_owned())
        }
        ("/oauth/token", _) if seen.body.contains("r-busy") => (503, String::new()),
        ("/oauth/token", _) => (
            200,
            format!(r#"{{"access_token":"{}","refresh_token":"r-new","id_token":"{}"}}"#, token(86_400), token(60)),
        ),
        _ => (404, String::new()),
    };
    Setting::new(answer, |url, folder| {
        vec![("CHATGPT_TOKEN_DIR", folder.to_owned()), ("CHATGPT_AUTH_BASE", url.to_owned())]
    })
    .await
}

#[tokio::test]
async fn chatgpt_from_no_login_to_a_token() {
    let mut setting = chatgpt().await;
    let error = setting.ask(&CHATGPT, CHATGPT_URL).await.unwrap_err();
    let page = format!("{}/codex/device", setting.server.url);
    assert_eq!(error.message, format!("ChatGPT needs a login: open {page} and enter the code WXYZ-9, then try again"));
    setting.world.pass(8);
    setting.ask(&CHATGPT, CHATGPT_URL).await.unwrap_err();
    setting.entered.store(true, Ordering::SeqCst);
    setting.world.pass(8);
    let request = setting.ask(&CHATGPT, CHATGPT_URL).await.unwrap();
    assert_eq!(shown(&request, "authorization"), format!("Bearer {}", token(86_400)));
    assert_eq!(shown(&request, "chatgpt-account-id"), "acc-1");
    let seen = setting.server.seen();
    assert_eq!(seen[1].body, r#"{"device_auth_id":"dev-secret","user_code":"WXYZ-9"}"#);
    let exchange = seen.last().unwrap().fields();
    assert_eq!((exchange["code"].as_str(), exchange["code_verifier"].as_str()), ("ac", "cv"));
    assert_eq!(exchange["redirect_uri"], format!("{}/deviceauth/callback", setting.server.url));
    let record: serde_json::Value = serde_json::from_str(&setting.file("auth.json")).unwrap();
    assert_eq!(record["expires_at"], START + 86_400);
    assert_eq!((&record["refresh_token"], &record["account_id"]), (&"r-new".into(), &"acc-1".into()));
    setting.restarted();
    setting.ask(&CHATGPT, CHATGPT_URL).await.unwrap();
    assert_eq!(setting.server.count(), 4, "from the file");
}

#[tokio::test]
async fn chatgpt_tokens_are_renewed() {
    let setting = chatgpt().await;
    let path = setting.folder.path().join("auth.json");
    let kept = |refresh: &str| format!(r#"{{"access_token":"{}","refresh_token":"{refresh}","mine":1}}"#, token(30));
    std::fs::write(&path, kept("r-old")).unwrap();
    setting.ask(&CHATGPT, CHATGPT_URL).await.unwrap();
    assert_eq!(
        setting.server.last().body,
        r#"{"client_id":"app_EMoamEEZ73f0CkXaXp7hrann","grant_type":"refresh_token","refresh_token":"r-old","scope":"openid profile email"}"#
    );
    let record: serde_json::Value = serde_json::from_str(&setting.file("auth.json")).unwrap();
    assert_eq!((&record["refresh_token"], &record["mine"]), (&"r-new".into(), &1.into()));
}

#[tokio::test]
async fn chatgpt_that_is_down_is_no_reason_to_log_in() {
    let setting = chatgpt().await;
    let path = setting.folder.path().join("auth.json");
    let kept = |refresh: &str| format!(r#"{{"access_token":"{}","refresh_token":"{refresh}"}}"#, token(0));
    std::fs::write(&path, kept("r-busy")).unwrap();
    let error = setting.ask(&CHATGPT, CHATGPT_URL).await.unwrap_err();
    assert_eq!((error.kind, error.retryable()), (Kind::Unavailable, true));
    std::fs::write(&path, kept("r-dead")).unwrap();
    let error = setting.ask(&CHATGPT, CHATGPT_URL).await.unwrap_err();
    assert!(error.message.contains("WXYZ-9"), "{}", error.message);
}
