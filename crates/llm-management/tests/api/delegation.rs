//! Whatever is asked for by whom: nobody gets more than they have.

use llm_types::Json;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::support::{Gateway, MASTER, at, gateway, text};

/// What somebody asks for in one step: with which of the keys that exist, how, and the body's fields.
#[derive(Debug, Clone)]
struct Step {
    caller: usize,
    target: usize,
    how: How,
    models: Option<&'static [&'static str]>,
    max_budget: Option<u8>,
    window: Option<&'static str>,
    rpm: Option<u8>,
    routes: Option<&'static [&'static str]>,
    kind: Option<&'static str>,
    duration: Option<&'static str>,
}

#[derive(Debug, Clone, Copy)]
enum How {
    Generate,
    Update,
    Regenerate,
}

const MODELS: &[&[&str]] =
    &[&[], &["gpt-4o"], &["gpt-4o", "claude"], &["*"], &["claude"], &["gpt-*"], &["all-team-models"]];
const ROUTES: &[&[&str]] =
    &[&[], &["/key"], &["/key/generate"], &["management_routes"], &["*"], &["/key/*"], &["llm_api_routes"], &["/{x}"]];
const KINDS: &[&str] = &["default", "llm_api", "management", "read_only"];

fn step() -> impl Strategy<Value = Step> {
    let how = prop_oneof![1 => Just(How::Generate), 2 => Just(How::Update), 1 => Just(How::Regenerate)];
    // Few fields at a time, or every second step fails for one reason and never meets the others.
    let (rarely, seldom) = (0.25, 0.15);
    (
        (0..4_usize, 0..4_usize, how),
        prop::option::weighted(rarely, prop::sample::select(MODELS)),
        prop::option::weighted(rarely, 0..9_u8),
        prop::option::weighted(seldom, prop::sample::select(&["1d", "30d"][..])),
        prop::option::weighted(rarely, 0..9_u8),
        prop::option::weighted(rarely, prop::sample::select(ROUTES)),
        prop::option::weighted(rarely, prop::sample::select(KINDS)),
        prop::option::weighted(seldom, prop::sample::select(&["1h", "10d", "-1"][..])),
    )
        .prop_map(|((caller, target, how), models, max_budget, window, rpm, routes, kind, duration)| Step {
            caller,
            target,
            how,
            models,
            max_budget,
            window,
            rpm,
            routes,
            kind,
            duration,
        })
}

impl Step {
    fn body(&self) -> Json {
        let mut body = Json::Object(Vec::new());
        let list = |items: &[&str]| Json::Array(items.iter().map(|i| Json::from(*i)).collect());
        if let Some(models) = self.models {
            body.set("models", list(models));
        }
        if let Some(routes) = self.routes {
            body.set("allowed_routes", list(routes));
        }
        for (name, number) in [("max_budget", self.max_budget), ("rpm_limit", self.rpm)] {
            if let Some(number) = number {
                body.set(name, i64::from(number));
            }
        }
        for (name, text) in [("budget_duration", self.window), ("key_type", self.kind), ("duration", self.duration)] {
            if let Some(text) = text {
                body.set(name, text);
            }
        }
        body
    }
}

/// What a key can do, by trying: which of these routes, which models; and its figures.
#[derive(Debug)]
struct Rights {
    routes: Vec<&'static str>,
    models: Vec<&'static str>,
    budget: f64,
    window: i64,
    rpm: i64,
    until: String,
}

const TRIED: [&str; 6] =
    ["/key/generate", "/key/info", "/key/list", "/team/new", "/v1/chat/completions", "/spend/logs"];

async fn rights(gateway: &Gateway, key: &str) -> Rights {
    let who = gateway.accounts.identify(&llm_accounts::Credential::Key(key)).await.unwrap();
    let (_, info) = gateway.get(MASTER, &format!("/key/info?key={key}")).await;
    let window = match at(&info, "info.budget_duration").as_str() {
        Some("1d") => 1,
        Some("30d") => 30,
        _ => i64::MAX,
    };
    Rights {
        routes: TRIED.into_iter().filter(|route| who.may_call(route)).collect(),
        models: ["gpt-4o", "claude", "o3"].into_iter().filter(|model| who.may_use(model)).collect(),
        budget: at(&info, "info.max_budget").as_f64().unwrap_or(f64::INFINITY),
        window,
        rpm: at(&info, "info.rpm_limit").as_i64().unwrap_or(i64::MAX),
        until: at(&info, "info.expires").as_str().unwrap_or("9999").to_owned(),
    }
}

impl Rights {
    fn within(&self, other: &Self) -> bool {
        self.routes.iter().all(|route| other.routes.contains(route))
            && self.models.iter().all(|model| other.models.contains(model))
            && self.budget <= other.budget
            && (other.budget.is_infinite() || self.window >= other.window)
            && self.rpm <= other.rpm
            && self.until <= other.until
    }
}

/// Keys of one user, made and changed by each other in random ways, starting from one wide and one narrow.
async fn walk(steps: &[Step]) {
    let gateway = gateway().await;
    let mut keys = Vec::new();
    for body in [
        r#"{"user_id":"internal_user"}"#,
        r#"{"user_id":"internal_user","models":["gpt-4o"],"max_budget":5,"budget_duration":"30d","rpm_limit":4,"allowed_routes":["/key"],"duration":"5d"}"#,
    ] {
        let (status, made) = gateway.post(MASTER, "/key/generate", body).await;
        assert_eq!(status, 200, "{made}");
        keys.push(text(&made, "key").to_owned());
    }
    for step in steps {
        let (caller, target) = (keys[step.caller % keys.len()].clone(), step.target % keys.len());
        let before = rights(&gateway, &caller).await;
        let target_before = rights(&gateway, &keys[target]).await;
        let mut body = step.body();
        let (status, answer) = match step.how {
            How::Generate => gateway.post(&caller, "/key/generate", &body.to_string()).await,
            How::Update => {
                body.set("key", keys[target].as_str());
                gateway.post(&caller, "/key/update", &body.to_string()).await
            }
            How::Regenerate => {
                let path = format!("/key/{}/regenerate", keys[target]);
                gateway.post(&caller, &path, &body.to_string()).await
            }
        };
        assert!(status < 500, "{step:?}: {answer}");
        if status != 200 {
            continue;
        }
        let told = match step.how {
            How::Update => keys[target].clone(),
            How::Generate | How::Regenerate => text(&answer, "key").to_owned(),
        };
        let after = rights(&gateway, &told).await;
        let fine = match step.how {
            // A change may leave what was wider before; what it changes is within the caller's.
            How::Update => after.within(&before) || changed_within(&after, &target_before, &before),
            How::Generate | How::Regenerate => after.within(&before),
        };
        assert!(fine, "{step:?}\ncaller {before:?}\ntarget {target_before:?}\nafter {after:?}");
        match step.how {
            How::Generate => keys.push(told),
            How::Regenerate => keys[target] = told,
            How::Update => {}
        }
    }
}

/// Each right is either as it was or within the caller's.
fn changed_within(after: &Rights, target: &Rights, caller: &Rights) -> bool {
    let either = |now: &[&str], then: &[&str], own: &[&str]| now.iter().all(|n| then.contains(n) || own.contains(n));
    either(&after.routes, &target.routes, &caller.routes)
        && either(&after.models, &target.models, &caller.models)
        && (after.budget <= target.budget || after.budget <= caller.budget)
        && (after.window >= target.window || caller.budget.is_infinite() || after.window >= caller.window)
        && (after.rpm <= target.rpm || after.rpm <= caller.rpm)
        && (after.until <= target.until || after.until <= caller.until)
}

#[test]
fn random_delegation_never_widens_rights() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut runner = TestRunner::new(ProptestConfig { cases: 40, max_shrink_iters: 200, ..ProptestConfig::default() });
    let steps = prop::collection::vec(step(), 1..40);
    runner
        .run(&steps, |steps| {
            let walked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| runtime.block_on(walk(&steps))));
            walked.map_err(|panic| {
                let text = panic.downcast_ref::<String>().cloned().unwrap_or_default();
                TestCaseError::fail(text)
            })
        })
        .unwrap();
}

/// Nobody becomes somebody else by a team's key.
#[tokio::test]
async fn team_keys_do_not_act_as_their_members() {
    let gateway = gateway().await;
    let team = r#"{"team_id":"t","members_with_roles":[{"role":"admin","user_id":"internal_user"},{"role":"user","user_id":"boss"}]}"#;
    let (status, made) = gateway.post(MASTER, "/user/new", r#"{"user_id":"boss","user_role":"proxy_admin"}"#).await;
    assert_eq!(status, 200, "{made}");
    gateway.post(MASTER, "/team/new", team).await;
    let user = crate::support::USER;
    for (body, wanted) in [
        (r#"{"team_id":"t","user_id":"boss","allowed_routes":["/key"]}"#, 403),
        (r#"{"team_id":"t","user_id":"boss","key_type":"management"}"#, 403),
        (r#"{"team_id":"t","user_id":"boss","allowed_routes":["*"]}"#, 403),
        (r#"{"team_id":"t","user_id":"nobody"}"#, 403),
        (r#"{"team_id":"t","user_id":"boss"}"#, 200),
    ] {
        let (status, answer) = gateway.post(user, "/key/generate", body).await;
        assert_eq!(status, wanted, "{body}: {answer}");
        if status == 200 {
            let key = text(&answer, "key").to_owned();
            assert_eq!(gateway.post(&key, "/user/new", "{}").await.0, 403, "its owner may, it may not");
            let wider = format!(r#"{{"key":"{key}","allowed_routes":[]}}"#);
            assert_eq!(gateway.post(user, "/key/update", &wider).await.0, 403);
        }
    }
    // The boss's own key of the team is not told to the team's administrator under a new secret.
    let (_, own) = gateway.post(MASTER, "/key/generate", r#"{"team_id":"t","user_id":"boss"}"#).await;
    let path = format!("/key/{}/regenerate", text(&own, "token"));
    assert_eq!(gateway.post(user, &path, "{}").await.0, 403);
}
