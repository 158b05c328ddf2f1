//! Which crate may use which: only those on lower shelves.

use std::collections::BTreeMap;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use super::Finding;

/// The shelves, lowest first. A crate uses only crates of lower shelves.
const SHELVES: &[&[&str]] = &[
    &["llm-types"],
    &["llm-wire", "llm-catalog", "llm-http", "llm-blob", "llm-kv"],
    &[
        "llm-providers",
        "llm-credentials",
        "llm-idp",
        "llm-router",
        "llm-cache",
        "llm-callbacks",
        "llm-guardrails",
        "llm-store",
    ],
    &["llm-accounts", "llm-client"],
    &["llm-management", "llm-mcp"],
    &["llm-proxy"],
    &["llm-tests", "llm-examples", "llm-fuzz", "xtask"],
];

/// Stands beside the shelves: it uses none of our crates, so that it shares no mistakes with them.
const SIMULATOR: &str = "llm-simulator";
/// The simulator is for tests; the binary has it as a command.
const USES_SIMULATOR: &[&str] = &["llm-proxy", "llm-tests", "llm-examples", "xtask"];

/// Crates that turn values into values.
const PURE: &[&str] = &["llm-types", "llm-wire", "llm-catalog", "llm-providers", "llm-router"];
/// Crates that open sockets and files, or run those that do.
const IO: &[&str] = &[
    "async-std",
    "axum",
    "hyper",
    "hyper-util",
    "mio",
    "object_store",
    "redis",
    "reqwest",
    "rustls",
    "smol",
    "socket2",
    "sqlx",
    "tokio",
    "tower",
    "ureq",
];

/// A crate and what it uses in normal builds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// Below the root of the workspace.
    pub(crate) manifest: String,
    pub(crate) ours: bool,
    pub(crate) uses: Vec<String>,
}

/// Breaches of the shelves.
pub(crate) fn check(packages: &[Package]) -> Vec<Finding> {
    let by_name: BTreeMap<&str, &Package> = packages.iter().map(|p| (p.name.as_str(), p)).collect();
    let mut found = Vec::new();
    for package in packages.iter().filter(|p| p.ours) {
        let breach = |used: &str, why: String| Finding::at_text(&package.manifest, used, why);
        if package.name != SIMULATOR && shelf(&package.name).is_none() {
            found.push(breach("name", format!("{} stands on no shelf (xtask/src/tidy/arrows.rs)", package.name)));
        }
        let ours = |used: &&String| by_name.get(used.as_str()).is_some_and(|p| p.ours);
        for used in package.uses.iter().filter(ours) {
            if let Some(why) = arrow(&package.name, used) {
                found.push(breach(used, why));
            }
        }
        if PURE.contains(&package.name.as_str())
            && let Some(path) = way_to_io(&package.name, &by_name)
        {
            let first = path.get(1).copied().unwrap_or_default();
            found.push(breach(first, format!("does no I/O, yet: {}", path.join(" → "))));
        }
    }
    found
}

fn shelf(name: &str) -> Option<usize> {
    SHELVES.iter().position(|shelf| shelf.contains(&name))
}

/// Why `user` must not use `used`.
fn arrow(user: &str, used: &str) -> Option<String> {
    if used == SIMULATOR {
        return (!USES_SIMULATOR.contains(&user)).then(|| format!("{user} may have {used} only as a dev-dependency"));
    }
    if user == SIMULATOR {
        return Some(format!("{user} uses none of our crates"));
    }
    let (from, to) = (shelf(user)?, shelf(used)?);
    (to >= from).then(|| format!("{user} (shelf {from}) must not use {used} (shelf {to})"))
}

/// The shortest chain of dependencies from a crate to one that does I/O.
fn way_to_io<'a>(name: &'a str, packages: &BTreeMap<&'a str, &'a Package>) -> Option<Vec<&'a str>> {
    let mut seen = vec![name];
    let mut queue = std::collections::VecDeque::from([vec![name]]);
    while let Some(path) = queue.pop_front() {
        let last = path.last().copied().unwrap_or_default();
        if IO.contains(&last) {
            return Some(path);
        }
        for used in packages.get(last).into_iter().flat_map(|p| &p.uses) {
            if !seen.contains(&used.as_str()) {
                seen.push(used);
                queue.push_back([path.as_slice(), &[used.as_str()]].concat());
            }
        }
    }
    None
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<MetaPackage>,
    workspace_members: Vec<String>,
    workspace_root: String,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct MetaPackage {
    id: String,
    name: String,
    manifest_path: String,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dep>,
}

#[derive(Deserialize)]
struct Dep {
    pkg: String,
    dep_kinds: Vec<DepKind>,
}

#[derive(Deserialize)]
struct DepKind {
    /// Nothing for a normal dependency.
    kind: Option<String>,
}

/// The packages of the workspace and all they use, on this platform, from `cargo metadata`.
pub(crate) fn packages() -> Result<Vec<Package>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--filter-platform", &host()?])
        .current_dir(crate::generated::root())
        .output()
        .context("cargo metadata does not start")?;
    ensure!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    read(&serde_json::from_slice(&output.stdout).context("cargo metadata")?)
}

fn host() -> Result<String> {
    let output = Command::new("rustc").arg("-vV").output().context("rustc does not start")?;
    let text = String::from_utf8(output.stdout)?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("rustc -vV names no host")
}

fn read(metadata: &Metadata) -> Result<Vec<Package>> {
    let names: BTreeMap<&str, &str> = metadata.packages.iter().map(|p| (p.id.as_str(), p.name.as_str())).collect();
    let nodes: BTreeMap<&str, &Node> = metadata.resolve.nodes.iter().map(|n| (n.id.as_str(), n)).collect();
    let package = |package: &MetaPackage| {
        let node = nodes.get(package.id.as_str()).with_context(|| format!("{} is not resolved", package.name))?;
        let normal = node.deps.iter().filter(|d| d.dep_kinds.iter().any(|k| k.kind.is_none()));
        Ok(Package {
            name: package.name.clone(),
            manifest: package
                .manifest_path
                .strip_prefix(&metadata.workspace_root)
                .unwrap_or(&package.manifest_path)
                .trim_start_matches('/')
                .to_owned(),
            ours: metadata.workspace_members.contains(&package.id),
            uses: normal.filter_map(|d| names.get(d.pkg.as_str()).map(|n| (*n).to_owned())).collect(),
        })
    };
    // a package outside this platform is listed, but not resolved
    let here = metadata.packages.iter().filter(|p| nodes.contains_key(p.id.as_str()));
    here.map(package).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, uses: &[&str]) -> Package {
        let ours = name.starts_with("llm-") || name == "xtask";
        let manifest = format!("crates/{name}/Cargo.toml");
        Package { name: name.into(), manifest, ours, uses: uses.iter().map(|u| (*u).into()).collect() }
    }

    fn breaches(packages: &[Package]) -> Vec<String> {
        check(packages).into_iter().map(|f| f.message).collect()
    }

    #[test]
    fn arrows_point_down() {
        let tree = [
            package("llm-types", &[]),
            package("llm-wire", &["llm-types"]),
            package("llm-http", &["llm-types", "tokio"]),
            package("llm-client", &["llm-wire", "llm-http"]),
            package("tokio", &[]),
        ];
        assert!(breaches(&tree).is_empty());
        let sideways = [package("llm-kv", &["llm-http"]), package("llm-http", &[])];
        assert_eq!(breaches(&sideways), ["llm-kv (shelf 1) must not use llm-http (shelf 1)"]);
        let up = [package("llm-types", &["llm-wire"]), package("llm-wire", &[])];
        assert_eq!(breaches(&up), ["llm-types (shelf 0) must not use llm-wire (shelf 1)"]);
    }

    #[test]
    fn every_crate_has_a_shelf() {
        assert_eq!(breaches(&[package("llm-core", &[])]).len(), 1);
    }

    #[test]
    fn the_simulator_stands_aside() {
        let by = |user: &str| breaches(&[package(user, &[SIMULATOR]), package(SIMULATOR, &[])]);
        assert!(by("llm-proxy").is_empty());
        assert_eq!(by("llm-client"), ["llm-client may have llm-simulator only as a dev-dependency"]);
        assert_eq!(breaches(&[package(SIMULATOR, &["llm-wire"]), package("llm-wire", &[])]).len(), 1);
    }

    #[test]
    fn knowledge_reaches_no_sockets_by_any_way() {
        let tree = [package("llm-wire", &["innocent"]), package("innocent", &["hyper"]), package("hyper", &["tokio"])];
        assert_eq!(breaches(&tree), ["does no I/O, yet: llm-wire → innocent → hyper"]);
        assert!(breaches(&[package("llm-http", &["hyper"]), package("hyper", &[])]).is_empty());
    }

    #[test]
    fn metadata_is_read() {
        let text = r#"{"packages":[{"id":"a 1","name":"a","manifest_path":"/w/crates/a/Cargo.toml"},
            {"id":"b 1","name":"b","manifest_path":"/r/b/Cargo.toml"},{"id":"win","name":"win","manifest_path":"/r/w/Cargo.toml"}],
            "workspace_members":["a 1"],"workspace_root":"/w",
            "resolve":{"nodes":[{"id":"a 1","deps":[{"pkg":"b 1","dep_kinds":[{"kind":null}]},{"pkg":"a 1","dep_kinds":[{"kind":"dev"}]}]},
            {"id":"b 1","deps":[]}]}}"#;
        let packages = read(&serde_json::from_str(text).unwrap()).unwrap();
        let a =
            Package { name: "a".into(), manifest: "crates/a/Cargo.toml".into(), ours: true, uses: vec!["b".into()] };
        assert_eq!(packages.len(), 2);
        assert_eq!(packages[0], a);
    }
}
