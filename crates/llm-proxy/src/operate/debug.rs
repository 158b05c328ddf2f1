//! What the process uses and holds, in LiteLLM's shapes. There is no garbage collector and no list of all objects here: what
//! LiteLLM tells of them is null.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use http::Response;
use llm_accounts::Identity;
use llm_types::{Error, Json, Kind, Result};

use crate::answer::LITELLM_VERSION;
use crate::body::Reply;
use crate::core::Core;
use crate::models::answer;
use crate::snapshot::Snapshot;

/// Keys that `/memory-usage-in-mem-cache-items` names at the most.
const MOST: usize = 1000;

const MEGABYTE: f64 = 1024.0 * 1024.0;

/// What the operating system says of the process; figures that it does not tell are missing.
#[derive(Debug, Default)]
struct Process {
    resident: Option<u64>,
    virtual_size: Option<u64>,
    total: Option<u64>,
    threads: Option<u64>,
    files: Option<u64>,
}

impl Process {
    /// Reads Linux's `/proc`.
    fn read() -> Self {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let files = std::fs::read_dir("/proc/self/fd").ok().map(|files| files.count() as u64);
        Self {
            resident: kilobytes(&status, "VmRSS:"),
            virtual_size: kilobytes(&status, "VmSize:"),
            total: kilobytes(&memory, "MemTotal:"),
            threads: number(&status, "Threads:"),
            files,
        }
    }

    fn megabytes(bytes: Option<u64>) -> Option<f64> {
        bytes.map(|bytes| rounded(bytes as f64 / MEGABYTE))
    }

    fn percent(&self) -> Option<f64> {
        let total = self.total.filter(|total| *total > 0)?;
        self.resident.map(|resident| rounded(resident as f64 / total as f64 * 100.0))
    }

    fn summary(&self) -> Option<String> {
        let (resident, percent) = (Self::megabytes(self.resident)?, self.percent()?);
        Some(format!("{resident:.1} MB ({percent:.1}% of system memory)"))
    }
}

/// The number behind a name, of a line of `/proc`.
fn number(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

fn kilobytes(text: &str, name: &str) -> Option<u64> {
    number(text, name).map(|kilobytes| kilobytes * 1024)
}

fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

/// LiteLLM's bounds.
fn status(percent: Option<f64>) -> &'static str {
    match percent {
        Some(percent) if percent > 80.0 => "critical",
        Some(percent) if percent > 60.0 => "warning",
        _ => "healthy",
    }
}

/// `GET /debug/memory/summary`.
pub(super) fn summary(core: &Core) -> Response<Reply> {
    let process = Process::read();
    let memory = match process.summary() {
        Some(summary) => Json::object([
            ("summary", Json::from(summary)),
            ("ram_usage_mb", Json::from(Process::megabytes(process.resident))),
            ("system_memory_percent", Json::from(process.percent())),
        ]),
        None => Json::object([("error", "this system does not tell what the process uses")]),
    };
    let held = core.app.accounts.in_memory();
    let cache = |count: usize, what: &str| {
        Json::object([
            ("count", Json::from(count as u64)),
            ("count_readable", Json::from(count.to_string())),
            ("what_it_stores", Json::from(what)),
        ])
    };
    let breakdown = Json::object([
        ("user_api_keys", cache(held.keys, "Validated API keys for faster authentication")),
        ("usage_tracking", cache(held.counters, "Counters of limits and budgets")),
    ]);
    let caches = [("total_items", Json::from((held.keys + held.counters) as u64)), ("breakdown", breakdown)];
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").ok().map(|name| name.trim().to_owned());
    answer(&Json::object([
        ("worker_pid", Json::from(u64::from(std::process::id()))),
        ("hostname", Json::from(host)),
        ("status", Json::from(status(process.percent()))),
        ("memory", memory),
        ("caches", Json::object(caches)),
        ("garbage_collector", Json::object([("status", "none")])),
    ]))
}

/// `GET /debug/memory/details`.
pub(super) fn details(core: &Core, snapshot: &Snapshot) -> Response<Reply> {
    let process = Process::read();
    let pid = u64::from(std::process::id());
    let told =
        |name: &'static str, value: Json, what: &str| Json::object([(name, value), ("description", Json::from(what))]);
    let megabytes = |bytes| Json::from(Process::megabytes(bytes));
    let process = Json::object([
        ("pid", Json::from(pid)),
        ("summary", Json::from(process.summary())),
        ("ram_usage", told("megabytes", megabytes(process.resident), "Memory of the process")),
        ("virtual_memory", told("megabytes", megabytes(process.virtual_size), "Addresses of the process")),
        ("system_memory_percent", told("percent", Json::from(process.percent()), "Its part of all memory")),
        ("open_file_handles", told("count", Json::from(process.files), "Open files and connections")),
        ("threads", told("count", Json::from(process.threads), "Threads of the process")),
    ]);
    let held = core.app.accounts.in_memory();
    let items = |count: usize| Json::object([("num_items", count as u64)]);
    let caches = Json::object([
        ("user_api_key_cache", items(held.keys)),
        ("proxy_logging_cache", items(held.counters)),
        ("redis_usage_cache", Json::object([("enabled", core.app.share.is_some())])),
    ]);
    let router = &snapshot.engine.router;
    let groups: std::collections::HashSet<_> = router.deployments().iter().map(|d| d.public_name()).collect();
    let router = Json::object([
        ("model_list", Json::object([("num_models", router.deployments().len() as u64)])),
        ("model_names_set", Json::object([("num_model_groups", groups.len() as u64)])),
    ]);
    answer(&Json::object([
        ("worker_pid", Json::from(pid)),
        ("process_memory", process),
        ("garbage_collector", Json::Null),
        ("objects", Json::Null),
        ("uncollectable", Json::Null),
        ("cache_memory", caches),
        ("router_memory", router),
    ]))
}

/// `GET /debug/asyncio-tasks`: tasks of the runtimes instead of asyncio's; of those that serve, the one that answers.
pub(super) fn tasks(core: &Core) -> Response<Reply> {
    let alive = |runtime: &tokio::runtime::Handle| runtime.metrics().num_alive_tasks() as u64;
    let (background, here) = (alive(&core.app.background), alive(&tokio::runtime::Handle::current()));
    answer(&Json::object([
        ("total_active_tasks", Json::from(background + here)),
        ("by_name", Json::object([("background runtime", background), ("this serving thread", here)])),
        ("in_flight_requests", Json::from(core.app.in_flight.load(Ordering::Relaxed))),
        ("connections", Json::from(core.app.gauge.connections.load(Ordering::Relaxed))),
    ]))
}

/// `GET /debug/report`: what a report of a bug wants to know, nothing of the operator's.
pub(super) fn report(core: &Core, snapshot: &Snapshot) -> Response<Reply> {
    let on = |name: &str, is: bool| Json::from(format!("{name}: {is}"));
    let app = &core.app;
    let lines = vec![
        Json::from(format!("deployments: {}", snapshot.engine.router.deployments().len())),
        on("database", app.store.is_some()),
        on("shared state", app.share.is_some()),
        on("response cache", app.cache.load().is_some()),
        on("alerting", app.alerts.is_some()),
    ];
    answer(&Json::object([
        ("surface", Json::from("proxy")),
        ("litellm_version", Json::from(LITELLM_VERSION)),
        ("version", Json::from(env!("CARGO_PKG_VERSION"))),
        ("python_version", Json::Null),
        ("deployment", Json::from(format!("{} {}", std::env::consts::OS, std::env::consts::ARCH))),
        ("config_lines", Json::Array(lines)),
    ]))
}

/// `GET /memory-usage-in-mem-cache`.
///
/// # Errors
/// 403 for anybody but the master key.
pub(super) fn cache_sizes(core: &Core, who: Option<&Arc<Identity>>) -> Result<Response<Reply>> {
    master(who)?;
    let held = core.app.accounts.in_memory();
    Ok(answer(&Json::object([
        ("num_items_in_user_api_key_cache", Json::from(held.keys as u64)),
        ("num_items_in_llm_router_cache", Json::from(held.counters as u64)),
        ("num_items_in_proxy_logging_obj_cache", Json::from(0_u64)),
    ])))
}

/// `GET /memory-usage-in-mem-cache-items`: the keys that are known, by their hashes. Counters have no content to show.
///
/// # Errors
/// 403 for anybody but the master key.
pub(super) fn cache_items(core: &Core, who: Option<&Arc<Identity>>) -> Result<Response<Reply>> {
    master(who)?;
    let keys = core.app.accounts.keys_in_memory(MOST);
    let empty = || Json::Object(Vec::new());
    Ok(answer(&Json::object([
        ("user_api_key_cache", Json::Object(keys)),
        ("user_api_key_ttl", empty()),
        ("llm_router_cache", empty()),
        ("llm_router_ttl", empty()),
        ("proxy_logging_obj_cache", empty()),
        ("proxy_logging_obj_ttl", empty()),
    ])))
}

fn master(who: Option<&Arc<Identity>>) -> Result<()> {
    if who.is_some_and(|who| who.is_master()) {
        return Ok(());
    }
    Err(Error::new(Kind::PermissionDenied, "Only the master key may look into memory."))
}

/// `GET /otel-spans`: LiteLLM's answer where nothing exports spans to memory.
pub(super) fn spans() -> Response<Reply> {
    answer(&Json::object([
        ("otel_spans", Json::Array(Vec::new())),
        ("spans_grouped_by_parent", Json::Object(Vec::new())),
        ("most_recent_parent", Json::Null),
    ]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_proc_are_read_by_name() {
        let text = "Name:\tllm-proxy\nVmSize:\t  204800 kB\nVmRSS:\t   1024 kB\nThreads:\t9\n";
        assert_eq!((kilobytes(text, "VmRSS:"), number(text, "Threads:")), (Some(1 << 20), Some(9)));
        assert_eq!(kilobytes(text, "VmSwap:"), None);
        let process = Process { resident: Some(1 << 20), total: Some(10 << 20), ..Process::default() };
        assert_eq!(process.summary().unwrap(), "1.0 MB (10.0% of system memory)");
        assert_eq!(
            [Some(81.0), Some(61.0), Some(5.0), None].map(status),
            ["critical", "warning", "healthy", "healthy"]
        );
    }
}
