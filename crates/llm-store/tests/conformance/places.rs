//! Fresh databases of every engine.

use std::sync::OnceLock;

use llm_store::testing::{Pooler, PostgresServer};
use llm_store::{Store, StoreConfig};
use tokio::sync::OnceCell;

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

/// The address of a fresh database with the schema in it: a copy, for migrating takes longer.
async fn migrated(server: &PostgresServer) -> String {
    static TEMPLATE: OnceCell<String> = OnceCell::const_new();
    let template = TEMPLATE
        .get_or_init(|| async {
            let url = server.create().await.unwrap();
            run(&StoreConfig::from_url(&url).unwrap(), async |_| ()).await;
            url.split(['/', '?']).find(|part| part.starts_with("test_")).unwrap().to_owned()
        })
        .await;
    server.create_like(template).await.unwrap()
}

async fn in_postgres_at(url: String, case: impl AsyncFnOnce(Store)) {
    let mut config = StoreConfig::from_url(&url).unwrap();
    config.max_connections = 4;
    run(&config, case).await;
}

pub(crate) async fn in_postgres(case: impl AsyncFnOnce(Store)) {
    let Some(server) = server() else { return };
    in_postgres_at(migrated(server).await, case).await;
}

/// Through a transaction pooler, where a connection may be another one after every transaction.
pub(crate) async fn in_pooled_postgres(case: impl AsyncFnOnce(Store)) {
    static POOLER: OnceLock<Option<Pooler>> = OnceLock::new();
    let Some(server) = server() else { return };
    let Some(pooler) = POOLER.get_or_init(|| server.pooler().unwrap()) else { return };
    let url = pooler.through(server, &migrated(server).await);
    in_postgres_at(format!("{url}&pgbouncer=true"), case).await;
}
