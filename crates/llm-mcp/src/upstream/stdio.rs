//! Children that speak over their standard input and output, a message a line. One child serves everybody: starting one is
//! slow. It is started as it is written in the configuration file: these arguments, no shell, and an environment of what is
//! configured and what programs need to find themselves; nothing of the gateway's own secrets goes along.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child as Process, ChildStdin, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use llm_types::RawJson;
use parking_lot::Mutex;
use tokio::sync::{OnceCell, mpsc, oneshot};

use super::{LONGEST, agreed, hello};
use crate::fault::Fault;
use crate::rpc::{self, Message};
use crate::server::Command;

/// What a program needs to find itself and its own files.
const INHERITED: [&str; 8] = ["PATH", "HOME", "USER", "LOGNAME", "LANG", "TMPDIR", "SYSTEMROOT", "TERM"];

type Waiting = Mutex<Option<HashMap<u64, oneshot::Sender<Result<RawJson, Fault>>>>>;

/// The children that run.
#[derive(Debug, Default)]
pub(crate) struct Children(Mutex<HashMap<Command, Arc<Child>>>);

impl std::fmt::Debug for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Command(..)")
    }
}

impl Children {
    /// The child of a command, greeted; started when none runs.
    pub(crate) async fn get(&self, command: &Command) -> Result<Arc<Child>, Fault> {
        let child = {
            let mut all = self.0.lock();
            match all.get(command).filter(|child| child.runs()) {
                Some(child) => Arc::clone(child),
                None => {
                    let child = Arc::new(Child::start(command)?);
                    all.insert(command.clone(), Arc::clone(&child));
                    child
                }
            }
        };
        child.greet().await?;
        Ok(child)
    }

    /// Ends the children of commands that are not among `known` any more.
    pub(crate) fn keep(&self, known: &[&Command]) {
        self.0.lock().retain(|command, _| known.contains(&command));
    }
}

/// A child process.
pub(crate) struct Child {
    process: Mutex<Process>,
    lines: mpsc::UnboundedSender<Bytes>,
    waiting: Arc<Waiting>,
    last: AtomicU64,
    greeted: OnceCell<()>,
}

impl std::fmt::Debug for Child {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Child").finish_non_exhaustive()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let mut process = self.process.lock();
        // It may be gone by itself.
        drop(process.kill());
        drop(process.wait());
    }
}

impl Child {
    fn start(command: &Command) -> Result<Self, Fault> {
        let mut program = std::process::Command::new(&command.program);
        program.args(&command.args).env_clear();
        program.envs(INHERITED.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        program.envs(command.env.iter().map(|(name, value)| (name, value)));
        program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let failed = |error: std::io::Error| Fault::Unreachable(format!("its program does not start: {error}"));
        let mut process = program.spawn().map_err(failed)?;
        let waiting: Arc<Waiting> = Arc::new(Mutex::new(Some(HashMap::new())));
        let (lines, to_write) = mpsc::unbounded_channel();
        if let (Some(input), Some(output), Some(errors)) =
            (process.stdin.take(), process.stdout.take(), process.stderr.take())
        {
            let (heard, back) = (Arc::clone(&waiting), lines.clone());
            let spawned = thread("mcp-write", move || write(input, to_write))
                .and_then(|()| thread("mcp-read", move || read(BufReader::new(output), &heard, &back)))
                .and_then(|()| thread("mcp-errors", move || note(BufReader::new(errors))));
            spawned.map_err(failed)?;
        }
        Ok(Self { process: Mutex::new(process), lines, waiting, last: AtomicU64::new(0), greeted: OnceCell::new() })
    }

    fn runs(&self) -> bool {
        self.waiting.lock().is_some()
    }

    async fn greet(&self) -> Result<(), Fault> {
        let greeting = || async {
            let result = self.ask("initialize", &hello()).await?;
            agreed(&result)?;
            self.write(rpc::ask(None, "notifications/initialized", "{}"))
        };
        self.greeted.get_or_try_init(greeting).await.map(|_| ())
    }

    /// Asks for something.
    pub(crate) async fn ask(&self, method: &str, params: &str) -> Result<RawJson, Fault> {
        let gone = || Fault::Unreachable("its program has ended".to_owned());
        let id = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let (tell, told) = oneshot::channel();
        self.waiting.lock().as_mut().ok_or_else(gone)?.insert(id, tell);
        let _forget = Forget { waiting: &self.waiting, id };
        self.write(rpc::ask(Some(id), method, params))?;
        told.await.unwrap_or_else(|_| Err(gone()))
    }

    fn write(&self, message: Bytes) -> Result<(), Fault> {
        self.lines.send(message).map_err(|_| Fault::Unreachable("its program has ended".to_owned()))
    }
}

/// Whoever stops waiting is forgotten.
struct Forget<'w> {
    waiting: &'w Waiting,
    id: u64,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        if let Some(all) = self.waiting.lock().as_mut() {
            all.remove(&self.id);
        }
    }
}

fn thread(name: &str, run: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    std::thread::Builder::new().name(name.to_owned()).spawn(run).map(drop)
}

fn write(mut input: ChildStdin, mut lines: mpsc::UnboundedReceiver<Bytes>) {
    while let Some(line) = lines.blocking_recv() {
        // Messages are written without line feeds of their own, except those that clients put between values.
        let flat: Vec<u8> = line.iter().copied().filter(|b| !matches!(b, b'\n' | b'\r')).chain([b'\n']).collect();
        if input.write_all(&flat).and_then(|()| input.flush()).is_err() {
            return;
        }
    }
}

/// Reads until the child ends; whoever still waits then hears of it.
fn read(mut output: impl BufRead, waiting: &Waiting, back: &mpsc::UnboundedSender<Bytes>) {
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = (&mut output).take(LONGEST as u64).read_until(b'\n', &mut line);
        if !matches!(read, Ok(n) if n > 0) || !line.ends_with(b"\n") {
            break;
        }
        match Message::read(line.trim_ascii()) {
            Ok(Message::Answer { id, outcome }) => {
                let id: Option<u64> = id.parse().ok();
                let waits = id.and_then(|id| waiting.lock().as_mut().and_then(|all| all.remove(&id)));
                if let Some(tell) = waits {
                    // Whoever waited may have given up.
                    drop(tell.send(outcome.map_err(Fault::Told)));
                }
            }
            Ok(Message::Request(request)) => drop(back.send(rpc::reply_to(&request))),
            Ok(Message::Notification { .. }) => {}
            // Some programs greet people there.
            Err(_) => tracing::debug!("a line of an MCP server that is no message"),
        }
    }
    // Their senders are dropped, which tells them.
    drop(waiting.lock().take());
}

/// What a child says on its standard error goes to the log.
fn note(mut errors: impl BufRead) {
    let mut line = Vec::new();
    while matches!((&mut errors).take(8192).read_until(b'\n', &mut line), Ok(n) if n > 0) {
        tracing::debug!(target: "mcp::stderr", "{}", String::from_utf8_lossy(line.trim_ascii()));
        line.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server in a shell's words: it greets, tells its environment, and ends when it is asked to.
    const SCRIPT: &str = r#"
        while read -r line; do
            case "$line" in
            *initialize\"*) echo '{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-06-18","capabilities":{}}}' ;;
            *env*) echo "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"own\":\"$OWN\",\"leaked\":\"$CARGO_PKG_NAME$CARGO_MANIFEST_DIR\"}}" ;;
            *end*) exit 0 ;;
            esac
        done"#;

    fn command() -> Command {
        let args = vec!["-c".to_owned(), SCRIPT.to_owned()];
        Command { program: "/bin/sh".to_owned(), args, env: vec![("OWN".to_owned(), "mine".to_owned())] }
    }

    #[tokio::test]
    async fn a_child_is_greeted_asked_and_started_anew() {
        let children = Children::default();
        let child = children.get(&command()).await.unwrap();
        // Cargo's variables stand in the tests' own environment.
        assert!(std::env::var("CARGO_MANIFEST_DIR").is_ok());
        assert_eq!(child.ask("env", "{}").await.unwrap().get(), r#"{"own":"mine","leaked":""}"#);
        assert!(Arc::ptr_eq(&child, &children.get(&command()).await.unwrap()));
        assert!(matches!(child.ask("end", "{}").await, Err(Fault::Unreachable(_))));
        assert!(!child.runs());
        let next = children.get(&command()).await.unwrap();
        assert!(!Arc::ptr_eq(&child, &next));
        children.keep(&[]);
        assert!(children.0.lock().is_empty());
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_a_fault() {
        let command = Command { program: "/nowhere/at-all".to_owned(), args: Vec::new(), env: Vec::new() };
        assert!(matches!(Children::default().get(&command).await, Err(Fault::Unreachable(_))));
    }
}
