//! Limits that hold for some calls of a key: by tag, by tool server, by session; while its model fails.

use std::sync::Arc;

use llm_accounts::{Accounts, Credential, Identity, Intent};
use llm_kv::{Kv, MemoryKv};
use llm_store::{AgentRow, Store, TeamRow, VerificationToken};
use llm_types::{RawJson, Result};
use tokio::runtime::Handle;

use crate::support::{KEY, bill, intent, remaining, row, settings, store, with};

fn saying(metadata: &str) -> VerificationToken {
    VerificationToken { metadata: RawJson::parse(metadata).unwrap(), ..row() }
}

fn refusal(result: Result<llm_accounts::Reservation>) -> String {
    let refused = result.unwrap_err();
    assert_eq!(refused.status(), 429, "{refused}");
    refused.message
}

#[tokio::test]
async fn limits_by_tag() {
    let (accounts, who) = with(settings(), saying(r#"{"tag_rpm_limit":{"a":1,"b":2,"wrong":"x"}}"#)).await;
    let tags = ["a", "b", "wrong"].map(str::to_owned);
    let tagged = |at: usize| Intent { tags: &tags[at..=at], ..intent() };
    let first = accounts.admit(&who, &tagged(0)).unwrap();
    assert_eq!(remaining(&first, "tag_per_key", "requests"), Some(0));
    let refused = refusal(accounts.admit(&who, &tagged(0)));
    assert!(
        refused.starts_with("Rate limit exceeded for tag_per_key: sk-...9abc:a. Limit type: requests."),
        "{refused}"
    );
    // All tags of a call have to have room, and a refused one takes nothing.
    assert!(accounts.admit(&who, &Intent { tags: &tags[..2], ..intent() }).is_err());
    drop([accounts.admit(&who, &tagged(1)).unwrap(), accounts.admit(&who, &tagged(1)).unwrap()]);
    assert!(accounts.admit(&who, &tagged(1)).is_err());
    for _ in 0..3 {
        drop(accounts.admit(&who, &tagged(2)).unwrap());
        drop(accounts.admit(&who, &intent()).unwrap());
    }
}

async fn below(store: Store, row: VerificationToken) -> (Accounts, Arc<Identity>) {
    store.keys().insert(&row).await.unwrap();
    let accounts = Accounts::new(settings(), Some(store), Handle::current()).unwrap();
    let who = accounts.identify(&Credential::Key(KEY)).await.unwrap();
    (accounts, who)
}

#[tokio::test]
async fn limits_by_tool_server() {
    let store = store().await;
    let metadata = RawJson::parse(r#"{"mcp_rpm_limit":{"zapier":2,"github":1}}"#).unwrap();
    store.table().insert(&TeamRow { team_id: "t".to_owned(), metadata, ..TeamRow::default() }).await.unwrap();
    let key = VerificationToken { team_id: Some("t".to_owned()), ..saying(r#"{"mcp_rpm_limit":{"github":5}}"#) };
    let (accounts, who) = below(store, key).await;
    let call = |server| Intent { model: "", group: "", tool_server: Some(server), ..intent() };
    drop(accounts.admit(&who, &call("github")).unwrap());
    let refused = refusal(accounts.admit(&who, &call("github")));
    assert!(refused.starts_with("Rate limit exceeded for mcp_per_team: t:github."), "{refused}");
    drop([accounts.admit(&who, &call("zapier")).unwrap(), accounts.admit(&who, &call("zapier")).unwrap()]);
    assert!(accounts.admit(&who, &call("zapier")).is_err());
    for _ in 0..6 {
        drop(accounts.admit(&who, &call("other")).unwrap());
        drop(accounts.admit(&who, &intent()).unwrap());
    }
}

#[tokio::test]
async fn expected_answers() {
    let (accounts, who) = with(
        settings(),
        VerificationToken {
            tpm_limit: Some(1000),
            ..saying(r#"{"default_estimated_output_tokens":400,"default_estimated_output_tokens_per_model":{"small":50,"wrong":-1}}"#)
        },
    )
    .await;
    let taken = |model, most| {
        let call = Intent { model, group: model, max_output_tokens: most, input_tokens: 100, price: None, ..intent() };
        let held = accounts.admit(&who, &call).unwrap();
        1000 - remaining(&held, "api_key", "tokens").unwrap()
    };
    assert_eq!(taken("gpt-4o", None), 500);
    assert_eq!(taken("wrong", None), 500);
    assert_eq!(taken("small", None), 150);
    assert_eq!(taken("small", Some(10)), 110, "what a call says itself counts");
}

fn agent(params: &str) -> AgentRow {
    AgentRow {
        agent_id: "agent".to_owned(),
        litellm_params: Some(RawJson::parse(params).unwrap()),
        ..AgentRow::default()
    }
}

async fn of_agent(agent: &AgentRow, metadata: &str) -> (Accounts, Arc<Identity>) {
    let store = store().await;
    store.table().insert(agent).await.unwrap();
    below(store, VerificationToken { agent_id: Some("agent".to_owned()), ..saying(metadata) }).await
}

const ONE: Option<&str> = Some("one");

#[tokio::test]
async fn calls_of_a_session() {
    // What the agent says comes before what the key says.
    let (accounts, who) = of_agent(&agent(r#"{"max_iterations":"2"}"#), r#"{"max_iterations":1}"#).await;
    let one = Intent { session: ONE, ..intent() };
    for _ in 0..2 {
        let held = accounts.admit(&who, &one).unwrap();
        assert!(held.left().is_empty(), "{:?}", held.left());
        held.settle(bill(0.0, 1));
    }
    assert_eq!(
        refusal(accounts.admit(&who, &one)),
        "Max iterations exceeded for session one. Current count: 3, max_iterations: 2."
    );
    assert!(accounts.admit(&who, &Intent { session: Some("two"), ..intent() }).is_ok());
    assert!(accounts.admit(&who, &intent()).is_ok(), "a call of no session");
    let (accounts, who) = with(settings(), saying(r#"{"max_iterations":1}"#)).await;
    drop(accounts.admit(&who, &one).unwrap());
    assert!(accounts.admit(&who, &one).is_err(), "keys without an agent have sessions too");
    let long = "s".repeat(5000);
    let named = Intent { session: Some(&long), ..intent() };
    drop(accounts.admit(&who, &named).unwrap());
    assert!(refusal(accounts.admit(&who, &named)).len() < 200);
}

#[tokio::test]
async fn rates_of_a_session() {
    let rates = AgentRow { session_rpm_limit: Some(2), session_tpm_limit: Some(500), ..agent("{}") };
    let (accounts, who) = of_agent(&rates, "{}").await;
    let one = Intent { session: ONE, ..intent() };
    let first = accounts.admit(&who, &one).unwrap();
    assert_eq!(remaining(&first, "agent_session", "tokens"), Some(300));
    let dear = refusal(accounts.admit(&who, &Intent { max_output_tokens: Some(300), ..one }));
    assert!(dear.starts_with("Rate limit exceeded for agent_session: agent:one. Limit type: tokens."), "{dear}");
    drop(accounts.admit(&who, &one).unwrap());
    assert!(refusal(accounts.admit(&who, &one)).contains("Limit type: requests."));
}

#[tokio::test]
async fn money_of_a_session() {
    let (accounts, who) = of_agent(&agent(r#"{"max_budget_per_session":1.5}"#), "{}").await;
    let one = Intent { session: ONE, ..intent() };
    // A dollar each at the most: beside another one it has to fit.
    let first = accounts.admit(&who, &one).unwrap();
    assert!(accounts.admit(&who, &one).is_err());
    assert!(accounts.admit(&who, &Intent { session: Some("two"), ..intent() }).is_ok());
    first.settle(bill(0.75, 1));
    accounts.admit(&who, &one).unwrap().settle(bill(0.8, 1));
    assert_eq!(
        refusal(accounts.admit(&who, &one)),
        "Session budget exceeded for session one. Current spend: $1.5500, max_budget_per_session: $1.50."
    );
    assert!(accounts.admit(&who, &Intent { price: Some((0.0, 0.0).into()), ..one }).is_ok(), "free models go on");
    accounts.flush().await.unwrap();
    assert!(accounts.admit(&who, &one).is_err(), "a flush forgets nothing");
}

#[tokio::test]
async fn sessions_over_two_gateways() {
    let kv: Arc<dyn Kv> = Arc::new(MemoryKv::new());
    let mut gateways = Vec::new();
    for _ in 0..2 {
        let gateway = of_agent(&agent(r#"{"max_iterations":3,"max_budget_per_session":1.0}"#), "{}").await;
        gateway.0.share(Arc::clone(&kv));
        gateways.push(gateway);
    }
    let admit = async |at: usize, session| {
        let (accounts, who) = &gateways[at];
        // What is counted here costs nothing: money that is given back is given back a little later.
        let price = if session == "calls" { (0.0, 0.0) } else { (0.005, 0.005) };
        let call = Intent { session: Some(session), price: Some(price.into()), ..intent() };
        accounts.admit_shared(who, "/v1/chat/completions", &call).await
    };
    for at in [0, 1, 0] {
        drop(admit(at, "calls").await.unwrap());
    }
    assert!(
        refusal(admit(1, "calls").await).starts_with("Max iterations exceeded for session calls. Current count: 4")
    );
    admit(0, "money").await.unwrap().settle(bill(1.0, 1));
    let gone = async {
        while admit(1, "money").await.is_ok() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(5), gone).await.expect("what the other spent counts here");
}

#[tokio::test]
async fn dynamic_limits_hold_while_nobody_says_that_the_model_is_well() {
    let key = VerificationToken { rpm_limit: Some(1), ..saying(r#"{"rpm_limit_type":"dynamic"}"#) };
    let (accounts, who) = with(settings(), key).await;
    drop(accounts.admit(&who, &intent()).unwrap());
    assert!(refusal(accounts.admit(&who, &intent())).contains("Rate limit exceeded for api_key"));
}
