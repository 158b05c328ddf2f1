//! Search tools and vector stores of the database.

use llm_store::{RegisteredVectorStoreRow, SearchToolRow};
use llm_types::Json;

use crate::models::served;
use crate::support::{MASTER, USER, VIEWER, at, ok, text};

#[tokio::test]
async fn a_search_tool_lives() {
    let (gateway, _) = served().await;
    let tool = |name: &str, key: &str| {
        format!(
            r#"{{"search_tool":{{"search_tool_name":"{name}","litellm_params":{{"search_provider":"tavily","api_key":"{key}"}}}}}}"#
        )
    };
    for (wrong, status) in [
        ("{}", 422),
        (r#"{"search_tool":{"search_tool_name":5,"litellm_params":{}}}"#, 422),
        (r#"{"search_tool":{"search_tool_name":"s","litellm_params":{}}}"#, 400),
        (&tool("", "k"), 400),
        (&tool("s", "os.environ/LITELLM_MASTER_KEY"), 400),
    ] {
        assert_eq!(gateway.post(MASTER, "/search_tools", wrong).await.0, status, "{wrong}");
    }
    let made = ok(&gateway, MASTER, "POST", "/search_tools", &tool("web", "tvly-a-long-secret-key")).await;
    assert!(!made.to_string().contains("tvly-a-long"), "{made}");
    let id = text(&made, "search_tool_id").to_owned();
    let store = gateway.accounts.store().unwrap();
    let row = store.table::<SearchToolRow>().get([id.as_str()]).await.unwrap().unwrap();
    assert!(!row.litellm_params.get().contains("tvly-a-long"), "sealed");
    assert_eq!(gateway.post(MASTER, "/search_tools", &tool("web", "k")).await.0, 400, "the name is taken");
    let path = format!("/search_tools/{id}");
    let shown = ok(&gateway, VIEWER, "GET", &path, "").await;
    // What comes back masked stays.
    let body = tool("web2", text(&shown, "litellm_params.api_key"));
    ok(&gateway, MASTER, "PUT", &path, &body).await;
    let stored = gateway.accounts.stored().await.unwrap();
    assert_eq!(text(&stored.search_tools[0].1, "search_tool_name"), "web2");
    assert_eq!(text(&stored.search_tools[0].1, "litellm_params.api_key"), "tvly-a-long-secret-key");
    let list = ok(&gateway, MASTER, "GET", "/search_tools/list", "").await;
    assert_eq!(
        (text(&list, "search_tools.0.search_tool_name"), at(&list, "search_tools.0.is_from_config")),
        ("web2", &Json::Bool(false))
    );
    assert_eq!(gateway.call(Some(VIEWER), "DELETE", &path, "").await.0, 401);
    let gone = ok(&gateway, MASTER, "DELETE", &path, "").await;
    assert_eq!(text(&gone, "search_tool_name"), "web2");
    for method in ["GET", "DELETE"] {
        assert_eq!(gateway.call(Some(MASTER), method, &path, "").await.0, 404, "{method}");
    }
    let trail = ok(&gateway, MASTER, "GET", "/audit?table_name=LiteLLM_SearchToolsTable", "").await;
    assert_eq!((at(&trail, "total").as_i64(), trail.to_string().contains("tvly-a-long")), (Some(3), false));
}

#[tokio::test]
async fn a_vector_store_lives() {
    let (gateway, _) = served().await;
    let body = r#"{"vector_store_id":"vs_1","custom_llm_provider":"openai","vector_store_name":"docs",
        "litellm_params":{"api_key":"sk-a-long-secret-key"}}"#;
    for (wrong, status) in [
        (r#"{"vector_store_id":"vs_1"}"#, 400),
        (r#"{"vector_store_id":7,"custom_llm_provider":"openai"}"#, 422),
        (r#"{"vector_store_id":"v","custom_llm_provider":"openai","litellm_params":{"api_key":"os.environ/X"}}"#, 400),
    ] {
        assert_eq!(gateway.post(MASTER, "/vector_store/new", wrong).await.0, status, "{wrong}");
    }
    let made = ok(&gateway, MASTER, "POST", "/vector_store/new", body).await;
    assert!(!made.to_string().contains("a-long-secret"), "{made}");
    assert_eq!(gateway.post(MASTER, "/vector_store/new", body).await.0, 400, "it is there");
    let store = gateway.accounts.store().unwrap();
    let row = store.table::<RegisteredVectorStoreRow>().get(["vs_1"]).await.unwrap().unwrap();
    assert!(!row.litellm_params.unwrap().get().contains("a-long-secret"), "sealed");
    let one = r#"{"vector_store_id":"vs_1","vector_store_name":"papers"}"#;
    let changed = ok(&gateway, MASTER, "POST", "/vector_store/update", one).await;
    assert_eq!(text(&changed, "vector_store.vector_store_name"), "papers");
    let stored = gateway.accounts.stored().await.unwrap();
    assert_eq!(text(&stored.vector_stores[0].1, "litellm_params.api_key"), "sk-a-long-secret-key", "it stays");
    let list = ok(&gateway, USER, "GET", "/vector_store/list", "").await;
    assert_eq!((at(&list, "total_count").as_i64(), text(&list, "data.0.custom_llm_provider")), (Some(1), "openai"));
    assert!(!list.to_string().contains("a-long-secret"));

    // A key with a list sees what is on it.
    let key = r#"{"user_id":"internal_user","object_permission":{"vector_stores":["vs_2"]}}"#;
    let key = ok(&gateway, MASTER, "POST", "/key/generate", key).await;
    let key = text(&key, "key");
    let list = ok(&gateway, key, "GET", "/v1/vector_store/list", "").await;
    assert_eq!(at(&list, "total_count").as_i64(), Some(0), "{list}");
    assert_eq!(gateway.post(key, "/vector_store/info", one).await.0, 403);
    ok(&gateway, USER, "POST", "/vector_store/info", one).await;
    assert_eq!(gateway.post(USER, "/vector_store/new", body).await.0, 401);
    ok(&gateway, MASTER, "POST", "/vector_store/delete", one).await;
    assert_eq!(gateway.post(MASTER, "/vector_store/delete", one).await.0, 404);
    assert_eq!(gateway.post(MASTER, "/vector_store/info", one).await.0, 404);
}

#[tokio::test]
async fn an_index_of_a_vector_store_lives() {
    let (gateway, _) = served().await;
    let body = r#"{"index_name":"papers","litellm_params":{"vector_store_index":"real","vector_store_name":"docs","x":1},
        "index_info":{"a":1}}"#;
    for (wrong, status) in [
        ("{}", 422),
        (r#"{"index_name":"i"}"#, 422),
        (r#"{"index_name":"i","litellm_params":{"vector_store_index":"real"}}"#, 422),
        (r#"{"index_name":"i","litellm_params":{"vector_store_index":7,"vector_store_name":"docs"}}"#, 422),
    ] {
        assert_eq!(gateway.post(MASTER, "/v1/indexes", wrong).await.0, status, "{wrong}");
    }
    let made = ok(&gateway, MASTER, "POST", "/v1/indexes", body).await;
    assert_eq!((text(&made, "index_name"), text(&made, "litellm_params.vector_store_index")), ("papers", "real"));
    assert_eq!(at(&made, "litellm_params").as_object().unwrap().len(), 2, "what is not asked for is not kept");
    assert_eq!(gateway.post(MASTER, "/v1/indexes", body).await.0, 400, "the name is taken");
    let list = ok(&gateway, MASTER, "GET", "/v1/indexes", "").await;
    assert_eq!((text(&list, "object"), text(&list, "data.0.index_name")), ("list", "papers"));
    let stored = gateway.accounts.stored().await.unwrap();
    assert_eq!(text(&stored.indexes[0].1, "litellm_params.vector_store_name"), "docs");
    for (method, body) in [("GET", ""), ("POST", body)] {
        assert!(matches!(gateway.call(Some(USER), method, "/v1/indexes", body).await.0, 401 | 403), "{method}");
    }
    let key = r#"{"allowed_vector_store_indexes":[{"index_name":"papers","index_permissions":["read"]}]}"#;
    assert_eq!(gateway.post(USER, "/key/generate", key).await.0, 403, "rights are for administrators to give");
}
