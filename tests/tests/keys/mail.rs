//! Letters to people: invitations, keys, budgets; which are written, and that nobody waits for a mail server.

use super::*;
use llm_tests::{Canned, MailRules, Mailbox, Received};

async fn with(mailbox: &Mailbox, line: &str, more: &[(&str, &str)]) -> (Running, Gateway) {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let config = Config::standard(&sim).general(line).yaml();
    let mut env = mailbox.env();
    env.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let gateway = Gateway::start_with(&config, &Options { env, ..Options::default() }).await.unwrap();
    (sim, gateway)
}

async fn user(gateway: &Gateway, fields: &Value) -> String {
    let reply = gateway.ask("/user/new", fields).await.unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()["user_id"].as_str().unwrap().to_owned()
}

async fn letters(mailbox: &Mailbox, number: usize) -> Vec<Received> {
    eventually("the letters", async || Some(mailbox.letters()).filter(|letters| letters.len() >= number)).await
}

async fn set(gateway: &Gateway, event: &str, enabled: bool) {
    let body = json!({"settings": [{"event": event, "enabled": enabled}]});
    let headers = [("authorization", format!("Bearer {MASTER_KEY}")), ("content-type", "application/json".to_owned())];
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let path = "/email/event_settings";
    let reply = gateway.send(http::Method::PATCH, path, &headers, body.to_string().into()).await.unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text());
}

#[tokio::test]
async fn people_are_invited_and_hear_of_their_keys() {
    let mailbox = Mailbox::start(MailRules::default()).await.unwrap();
    let login =
        [("SMTP_USERNAME", "gate"), ("SMTP_PASSWORD", "s3cret-of-mail"), ("EMAIL_SUPPORT_CONTACT", "help@x.org")];
    let (_sim, gateway) = with(&mailbox, "alerting: [email]", &login).await;
    user(&gateway, &json!({"user_email": "quiet@x.org", "auto_create_key": false})).await;
    let body = json!({"user_email": "new@x.org", "send_invite_email": true, "auto_create_key": false});
    let id = user(&gateway, &body).await;
    let first = letters(&mailbox, 1).await.remove(0);
    assert_eq!((first.to.as_str(), first.from.as_str()), ("new@x.org", "gateway@example.org"));
    assert!(first.text.contains("Subject: LiteLLM: Welcome to LiteLLM Proxy"), "{}", first.text);
    assert!(first.text.contains("Questions: help@x.org"), "{}", first.text);
    assert_eq!(first.login, "AGdhdGUAczNjcmV0LW9mLW1haWw=", "the login of the mail server");
    // The link leads to an invitation of that user.
    let link = "https://gateway.example.org/ui/onboarding?invitation_id=";
    let text = first.text.replace("=3D", "=");
    let invitation = text.split(link).nth(1).and_then(|rest| rest.get(..36)).expect("a link");
    let info = gateway.get(&format!("/invitation/info?invitation_id={invitation}"), MASTER_KEY).await.unwrap();
    assert_eq!(info.json()["user_id"], json!(id), "{}", info.text());

    // A key is told to its person where the call asks for it, with the key.
    let key = new_key(&gateway, &json!({"user_id": id, "key_alias": "<b>mine</b>", "send_invite_email": true})).await;
    let told = letters(&mailbox, 2).await.remove(1);
    assert!(told.text.contains("API Key Created") && told.text.contains(&key), "{}", told.text);
    let html = told.text.split("text/html").nth(1).unwrap();
    assert!(html.contains("&lt;b&gt;mine&lt;/b&gt;") && !html.contains("<b>"), "{}", told.text);
    // Without asking it is not, until the settings say so; a new secret is always told.
    let silent = new_key(&gateway, &json!({"user_id": id})).await;
    let body = json!({"key": silent});
    let reply = gateway.ask("/key/regenerate", &body).await.unwrap();
    let renewed = reply.json()["key"].as_str().unwrap().to_owned();
    let told = letters(&mailbox, 3).await.remove(2);
    assert!(told.text.contains("API Key Rotated") && told.text.contains(&renewed), "{}", told.text);
    set(&gateway, "Virtual Key Created", true).await;
    set(&gateway, "Virtual Key Rotated", false).await;
    assert_eq!(gateway.ask("/key/regenerate", &json!({"key": renewed})).await.unwrap().status, 200);
    let last = new_key(&gateway, &json!({"user_id": id})).await;
    let told = letters(&mailbox, 4).await.remove(3);
    assert!(told.text.contains(&last), "what was switched off is not written: {}", told.text);
    for secret in [&key, &renewed, &last, "s3cret-of-mail"] {
        assert!(!gateway.logs().contains(secret), "secrets are in letters only");
    }
}

#[tokio::test]
async fn what_is_written_about_is_a_setting() {
    let mailbox = Mailbox::start(MailRules::default()).await.unwrap();
    let (_sim, gateway) = with(&mailbox, "alerting: [email]", &[]).await;
    let path = "/email/event_settings";
    let shown = async || {
        let reply = gateway.get(path, MASTER_KEY).await.unwrap().json();
        let list = reply["settings"].as_array().unwrap().clone();
        list.iter()
            .map(|one| (one["event"].as_str().unwrap().to_owned(), one["enabled"] == json!(true)))
            .collect::<Vec<_>>()
    };
    let usual = [
        ("Virtual Key Created", false),
        ("New User Invitation", true),
        ("Virtual Key Rotated", true),
        ("Soft Budget Crossed", true),
        ("Max Budget Alert", true),
    ];
    let usual = usual.map(|(event, enabled)| (event.to_owned(), enabled)).to_vec();
    assert_eq!(shown().await, usual);
    set(&gateway, "Max Budget Alert", false).await;
    set(&gateway, "Virtual Key Created", true).await;
    let mut changed = usual.clone();
    (changed[0].1, changed[4].1) = (true, false);
    assert_eq!(shown().await, changed);
    let reply = gateway.ask(&format!("{path}/reset"), &json!({})).await.unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(shown().await, usual);
    let headers = [("authorization", format!("Bearer {MASTER_KEY}"))];
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let body = json!({"settings": [{"event": "Weather", "enabled": true}]}).to_string();
    assert_eq!(gateway.send(http::Method::PATCH, path, &headers, body.into()).await.unwrap().status, 422);
    let mine = new_key(&gateway, &json!({})).await;
    assert_eq!(gateway.get(path, &mine).await.unwrap().status, 401, "for administrators");
}

#[tokio::test]
async fn budgets_are_told_to_the_people_they_hold_for() {
    let mailbox = Mailbox::start(MailRules { busy: 1, ..MailRules::default() }).await.unwrap();
    let (_sim, gateway) = with(&mailbox, "alerting: [email]", &[]).await;
    let id = user(&gateway, &json!({"user_email": "member@x.org", "auto_create_key": false})).await;
    let other = user(&gateway, &json!({"user_email": "other@x.org", "auto_create_key": false})).await;
    let members = json!([{"user_id": id, "role": "user"}, {"user_id": other, "role": "admin"}]);
    let metadata = json!({"soft_budget_alerting_emails": ["lead@x.org", "finance@x.org"]});
    let team = json!({
        "team_alias": "all", "max_budget": 0.01, "soft_budget": 0.005, "members_with_roles": members, "metadata": metadata,
    });
    let team = gateway.ask("/team/new", &team).await.unwrap().json()["team_id"].as_str().unwrap().to_owned();
    let key = new_key(&gateway, &json!({"user_id": id, "team_id": team})).await;
    // one call costs a cent
    let mut body = say("gpt", "hi [[sim prompt_tokens=10 completion_tokens=1000]]");
    body["max_tokens"] = json!(900);
    assert_eq!(gateway.post(CHAT, &body, &key).await.unwrap().status, 200);
    let all = letters(&mailbox, 4).await;
    let mut told: Vec<(String, bool)> =
        all.iter().map(|letter| (letter.to.clone(), letter.text.contains("Soft Budget Crossed"))).collect();
    told.sort_unstable();
    let wanted = [("finance@x.org", true), ("lead@x.org", true), ("member@x.org", false), ("other@x.org", false)];
    assert_eq!(told, wanted.map(|(to, soft)| (to.to_owned(), soft)), "a busy mail server is asked again");
    assert!(all.iter().all(|letter| !letter.text.contains("other@x.org") || letter.to == "other@x.org"));
}

#[tokio::test]
async fn nobody_waits_for_a_mail_server() {
    let mailbox = Mailbox::start(MailRules { silent: true, ..MailRules::default() }).await.unwrap();
    let invite = json!({"user_email": "a@x.org", "send_invite_email": true, "auto_create_key": false});
    let (_sim, patient) = with(&mailbox, "alerting: [email]", &[("SMTP_TIMEOUT", "600")]).await;
    user(&patient, &invite).await;
    assert!(
        !patient.logs().contains("an e-mail could not be sent"),
        "the call is answered while the letter is under way"
    );
    let (_sim, gateway) = with(&mailbox, "alerting: [email]", &[("SMTP_TIMEOUT", "0.4")]).await;
    user(&gateway, &invite).await;
    for name in ["b@x.org", "not an address"] {
        user(&gateway, &json!({"user_email": name, "send_invite_email": true, "auto_create_key": false})).await;
    }
    eventually("all letters are given up", async || {
        let text = gateway.get("/metrics", MASTER_KEY).await.unwrap().text();
        text.contains("litellm_emails_lost_total 3").then_some(())
    })
    .await;
    assert!(gateway.logs().contains("an e-mail could not be sent"));
    let tried = gateway.get("/health/services?service=email", MASTER_KEY).await.unwrap();
    assert_eq!(tried.status, 503, "{}", tried.text());
}

#[tokio::test]
async fn letters_leave_over_services_too() {
    let service = Canned::start(|asked| match asked.path.as_str() {
        "/emails" => (200, "application/json", r#"{"id":"1"}"#.to_owned()),
        _ => (202, "text/plain", String::new()),
    })
    .await
    .unwrap();
    let common = [("SMTP_SENDER_EMAIL", "gate@x.org"), ("TEST_EMAIL_ADDRESS", "me@x.org")];
    let base = service.base_url();
    for (callback, key, at) in [
        ("resend_email", "RESEND_API_KEY", "RESEND_API_BASE"),
        ("sendgrid_email", "SENDGRID_API_KEY", "SENDGRID_API_BASE"),
    ] {
        let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
        let config = Config::standard(&sim).litellm(&format!("callbacks: [{callback}]")).yaml();
        let own = [(key, "key-of-service"), (at, base.as_str())];
        let env = common.iter().chain(&own).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let gateway = Gateway::start_with(&config, &Options { env, ..Options::default() }).await.unwrap();
        let tried = gateway.get("/health/services?service=email", MASTER_KEY).await.unwrap();
        assert_eq!(tried.status, 200, "{}", tried.text());
        assert_eq!(gateway.get("/health/services?service=slack", MASTER_KEY).await.unwrap().status, 422);
        let last = service.seen().pop().unwrap();
        assert_eq!(last.header("authorization"), "Bearer key-of-service");
        let subject = &last.json["subject"];
        assert_eq!(subject, &json!("LiteLLM: Test Email Alert"), "{}", last.text());
    }
    let seen = service.seen();
    assert_eq!((&seen[0].json["from"], &seen[0].json["to"]), (&json!("gate@x.org"), &json!(["me@x.org"])));
    let (to, from) = (&seen[1].json["personalizations"][0]["to"], &seen[1].json["from"]);
    assert_eq!(
        (seen[1].path.as_str(), to, from),
        ("/v3/mail/send", &json!([{"email": "me@x.org"}]), &json!({"email": "gate@x.org"}))
    );
}
