//! How often and how much.

use std::time::Duration;

use llm_accounts::Intent;
use llm_store::VerificationToken;
use llm_types::RawJson;
use llm_types::trail::LimitLeft;

use crate::support::{bill, intent, row, settings, with};

#[tokio::test]
async fn limits_of_requests_and_tokens() {
    let limited = VerificationToken { rpm_limit: Some(3), tpm_limit: Some(1000), ..row() };
    let (accounts, who) = with(settings(), limited).await;
    let small = Intent { input_tokens: 10, max_output_tokens: Some(90), ..intent() };
    let first = accounts.admit(&who, &small).unwrap();
    let left = |kind, limit, remaining| LimitLeft { whose: "api_key", kind, limit, remaining };
    assert_eq!(first.left(), [left("requests", 3, 2), left("tokens", 1000, 900)]);
    // Cheaper than thought.
    assert_eq!(first.settle(bill(0.0, 50)).left.len(), 2);
    let too_long = accounts.admit(&who, &Intent { max_output_tokens: Some(2000), ..small }).unwrap_err();
    assert!(
        too_long.message.starts_with(
            "Rate limit exceeded for api_key: sk-...9abc. Limit type: tokens. Current limit: 1000, Remaining: 950."
        ),
        "{too_long}"
    );
    assert_eq!((too_long.status(), too_long.retry_after), (429, Some(Duration::from_secs(60))));
    assert_eq!(
        llm_accounts::limit_headers(&too_long).map(|(n, _)| n).collect::<Vec<_>>(),
        ["rate_limit_type", "reset_at"]
    );
    // A refused call takes nothing: two more fit.
    let more = [accounts.admit(&who, &small).unwrap(), accounts.admit(&who, &small).unwrap()];
    let fourth = accounts.admit(&who, &small).unwrap_err();
    assert!(fourth.message.contains("Limit type: requests. Current limit: 3, Remaining: 0."), "{fourth}");
    drop(more);
    let headers: Vec<_> = who.limit_headers().collect();
    assert_eq!(headers.len(), 2);
    assert!(headers.iter().any(|(name, value)| name == "x-litellm-key-tpm-limit" && value == "1000"));
}

#[tokio::test]
async fn limits_per_model() {
    let metadata = RawJson::parse(r#"{"model_rpm_limit":{"gpt-4o":1}}"#).unwrap();
    let (accounts, who) = with(settings(), VerificationToken { metadata, ..row() }).await;
    drop(accounts.admit(&who, &intent()).unwrap());
    let refused = accounts.admit(&who, &intent()).unwrap_err();
    assert!(refused.message.starts_with("Rate limit exceeded for model_per_key: sk-...9abc:gpt-4o."), "{refused}");
    assert!(accounts.admit(&who, &Intent { model: "other", group: "other", ..intent() }).is_ok());
}
