//! The registry of tools, which batches of spend fill.

use llm_store::*;

use crate::settle::{batch, spend_row};

pub(crate) async fn tools_are_counted(store: Store) {
    let row = |id: &str, tool: Option<&str>| SpendLogRow {
        mcp_namespaced_tool_name: tool.map(Into::into),
        team_id: Some("t".into()),
        ..spend_row(id)
    };
    let rows = |ids: [&str; 4]| {
        ids.into_iter()
            .zip([Some("git/log"), Some("git/log"), Some("bare"), None])
            .map(|(id, tool)| row(id, tool))
            .collect()
    };
    store.apply(&SettlementBatch { spend_rows: rows(["a", "b", "c", "d"]), ..batch("1") }).await.unwrap();
    let tools = store.table::<ToolRow>().find(Filter::new()).await.unwrap();
    let found = |tools: &[ToolRow], name: &str| tools.iter().find(|tool| tool.tool_name == name).unwrap().clone();
    let log = found(&tools, "git/log");
    assert_eq!((tools.len(), log.call_count, log.origin.as_deref()), (2, 2, Some("git")));
    assert_eq!(
        (log.key_hash.as_deref(), log.team_id.as_deref(), log.input_policy.as_str()),
        (Some("k"), Some("t"), "untrusted")
    );
    // What was said of it stays, and so does when.
    let blocked = ToolPatch { input_policy: Some("blocked".into()), ..ToolPatch::default() };
    store.table::<ToolRow>().update([log.tool_id.as_str()], &blocked).await.unwrap();
    let before = found(&store.table::<ToolRow>().find(Filter::new()).await.unwrap(), "git/log");
    let again = SettlementBatch { spend_rows: rows(["e", "f", "g", "h"]), ..batch("2") };
    store.apply(&again).await.unwrap();
    assert!(store.apply(&again).await.unwrap().already);
    let after = found(&store.table::<ToolRow>().find(Filter::new()).await.unwrap(), "git/log");
    assert_eq!((after.call_count, after.input_policy.as_str(), after.updated_at), (4, "blocked", before.updated_at));
    // Names of calls that failed may be made up; they count for tools that are known.
    let failed = |id: &str, tool: &str| SpendLogRow { status: Some("failure".into()), ..row(id, Some(tool)) };
    let spend_rows =
        vec![failed("i", "git/log"), failed("j", "git/made-up"), failed("k", "new"), row("l", Some("new"))];
    store.apply(&SettlementBatch { spend_rows, ..batch("3") }).await.unwrap();
    let tools = store.table::<ToolRow>().find(Filter::new()).await.unwrap();
    let counts = ["git/log", "new"].map(|name| found(&tools, name).call_count);
    assert_eq!((tools.len(), counts), (3, [5, 2]));
}
