//! A mail server that keeps what it gets, after RFC 5321: one mail per session, no TLS, a login where one is wanted.

use std::sync::Arc;

use anyhow::Result;
use parking_lot::Mutex;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A letter that came.
#[derive(Debug, Clone, Default)]
pub struct Received {
    /// What `AUTH PLAIN` said, in base64.
    pub login: String,
    /// `MAIL FROM`.
    pub from: String,
    /// `RCPT TO`.
    pub to: String,
    /// Headers and body, soft line breaks of quoted-printable taken out.
    pub text: String,
}

/// How the server behaves.
#[derive(Debug, Clone, Copy, Default)]
pub struct MailRules {
    /// So many sessions are sent away with 421 first.
    pub busy: u32,
    /// Sessions are taken and never greeted.
    pub silent: bool,
}

/// The server. It ends when this is dropped.
#[derive(Debug)]
pub struct Mailbox {
    port: u16,
    letters: Arc<Mutex<Vec<Received>>>,
    task: JoinHandle<()>,
}

impl Mailbox {
    /// Starts one on a free loopback port.
    ///
    /// # Errors
    /// No port is free.
    pub async fn start(rules: MailRules) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let letters = Arc::<Mutex<Vec<Received>>>::default();
        let kept = Arc::clone(&letters);
        let task = tokio::spawn(async move {
            let (mut busy, mut held) = (rules.busy, Vec::new());
            while let Ok((mut socket, _)) = listener.accept().await {
                if rules.silent {
                    held.push(socket);
                } else if busy > 0 {
                    busy -= 1;
                    drop(socket.write_all(b"421 come back later\r\n").await);
                } else {
                    let kept = Arc::clone(&kept);
                    tokio::spawn(async move { session(socket, &kept).await });
                }
            }
        });
        Ok(Self { port, letters, task })
    }

    /// The variables with which a gateway finds it.
    pub fn env(&self) -> Vec<(String, String)> {
        let all = [
            ("SMTP_HOST", "127.0.0.1".to_owned()),
            ("SMTP_PORT", self.port.to_string()),
            ("SMTP_TLS", "False".to_owned()),
            ("SMTP_SENDER_EMAIL", "Gateway <gateway@example.org>".to_owned()),
            ("PROXY_BASE_URL", "https://gateway.example.org".to_owned()),
        ];
        all.map(|(name, value)| (name.to_owned(), value)).into()
    }

    /// What came so far.
    pub fn letters(&self) -> Vec<Received> {
        self.letters.lock().clone()
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One session; it ends with the client.
async fn session(socket: TcpStream, kept: &Mutex<Vec<Received>>) -> std::io::Result<()> {
    let (reading, mut writing) = socket.into_split();
    let mut lines = BufReader::new(reading).lines();
    writing.write_all(b"220 mailbox\r\n").await?;
    let mut letter = Received::default();
    while let Some(line) = lines.next_line().await? {
        let said = line.to_ascii_uppercase();
        let answer = if said.starts_with("EHLO") {
            "250-mailbox\r\n250 AUTH PLAIN\r\n"
        } else if let Some(login) = line.strip_prefix("AUTH PLAIN ") {
            letter.login = login.to_owned();
            "235 welcome\r\n"
        } else if said.starts_with("MAIL FROM:") {
            letter.from = between(&line);
            "250 ok\r\n"
        } else if said.starts_with("RCPT TO:") {
            letter.to = between(&line);
            "250 ok\r\n"
        } else if said == "DATA" {
            writing.write_all(b"354 go on\r\n").await?;
            while let Some(line) = lines.next_line().await?.filter(|line| line != ".") {
                let line = line.strip_prefix('.').unwrap_or(&line);
                match line.strip_suffix('=') {
                    Some(soft) => letter.text.push_str(soft),
                    None => letter.text.extend([line, "\n"]),
                }
            }
            kept.lock().push(letter.clone());
            "250 taken\r\n"
        } else if said == "QUIT" {
            return writing.write_all(b"221 bye\r\n").await;
        } else {
            "500 what?\r\n"
        };
        writing.write_all(answer.as_bytes()).await?;
    }
    Ok(())
}

/// What stands between `<` and `>`.
fn between(line: &str) -> String {
    let rest = line.split_once('<').map_or("", |(_, rest)| rest);
    rest.split('>').next().unwrap_or_default().to_owned()
}
