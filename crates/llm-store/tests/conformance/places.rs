//! Fresh databases of every engine.

use std::sync::OnceLock;

use llm_store::testing::PostgresServer;
use llm_store::{Store, StoreConfig};

/// One server for the test process; it stops when the process ends.
pub(crate) fn server() -> Option<&'static PostgresServer> {
    static SERVER: OnceLock<Option<PostgresServer>> = OnceLock::new();
    SERVER.get_or_init(|| PostgresServer::start().unwrap()).as_ref()
}

async fn run(config: &StoreConfig, case: impl AsyncFnOnce(Store)) {
    let store = Store::open(config).await.unwrap();
    store.migrate().await.unwrap();
    case(store.clone()).await;
    store.close().await;
}

pub(crate) async fn in_memory(case: impl AsyncFnOnce(Store)) {
    run(&StoreConfig::memory(), case).await;
}

pub(crate) async fn in_file(case: impl AsyncFnOnce(Store)) {
    let dir = tempfile::tempdir().unwrap();
    run(&StoreConfig::file(dir.path().join("rows.db")), case).await;
}

pub(crate) async fn in_postgres(parameters: &str, case: impl AsyncFnOnce(Store)) {
    let Some(server) = server() else { return };
    let url = server.create().await.unwrap();
    let mut config = StoreConfig::from_url(&format!("{url}{parameters}")).unwrap();
    config.max_connections = 4;
    run(&config, case).await;
}
