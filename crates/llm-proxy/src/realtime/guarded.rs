//! Sessions of which guardrails judge the words: whole messages go both ways, so that one may be stopped and others put in.
//! What a client gives to the model as text is judged before it goes on (`pre_call`). What the host heard is judged before
//! it answers (`realtime_input_transcription`): it is told not to answer by itself. The events are LiteLLM's.

use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use futures_util::future::{Either, select};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use llm_guardrails::{Guards, Mode, Violation};
use llm_http::UpgradedIo;
use llm_types::Json;
use llm_wire::realtime::{Message, Messages, SessionMeter, close_frame, frame, spoken};
use parking_lot::Mutex as Lock;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio::sync::Mutex;

use super::bridge::{CHUNK, Gone, both, client};
use super::ending::Ending;
use crate::flow::Context;
use crate::guard;
use crate::pass::once::names_stand_once;

/// Bytes of a message, at the most.
const LONGEST: usize = 32 << 20;
const TEXT: u8 = 1;
const CLOSE: u8 = 8;
/// The code of sessions that end as they should. <https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1>
const NORMAL: u16 = 1000;

/// The guardrails of a session.
#[derive(Debug)]
pub(super) struct Guarded {
    guards: Guards,
    /// The client speaks the language of `OpenAI-Beta: realtime=v1`.
    beta: bool,
    ran: Lock<Vec<String>>,
}

impl Guarded {
    /// Those of a call; nothing where none judges sessions.
    ///
    /// # Errors
    /// 400 when what the call names is no list of names.
    pub(super) fn open(ctx: &Context, model: &str) -> llm_types::Result<Option<Self>> {
        let guards = guard::open(ctx, model)?;
        let judges = [Mode::PreCall, Mode::DuringCall, Mode::RealtimeInput].iter().any(|mode| guards.has(*mode));
        let beta = ctx.parts.headers.get("openai-beta").and_then(|value| value.to_str().ok());
        let beta = beta.is_some_and(|value| value.to_ascii_lowercase().contains("realtime=v1"));
        Ok(judges.then(|| Self { guards, beta, ran: Lock::default() }))
    }

    /// Names of those that ran.
    pub(super) fn ran(&self) -> Vec<String> {
        self.ran.lock().clone()
    }

    fn note(&self, names: Vec<String>) {
        let mut ran = self.ran.lock();
        for name in names {
            if !ran.contains(&name) {
                ran.push(name);
            }
        }
    }

    /// Stands until both sides are gone.
    pub(super) async fn carry(
        &self,
        caller: TokioIo<Upgraded>,
        upstream: &mut UpgradedIo,
        meter: &mut SessionMeter,
    ) -> Result<(), Gone> {
        let (client_in, client_out) = split(caller);
        let (upstream_in, upstream_out) = split(upstream);
        let room = Room {
            guarded: self,
            client: Mutex::new(client_out),
            upstream: Mutex::new(upstream_out),
            answers: AtomicBool::new(true),
            ending: Ending::default(),
        };
        both(room.asked(client_in), room.answered(upstream_in, meter)).await
    }
}

/// Both ways out.
struct Room<'g, 'u> {
    guarded: &'g Guarded,
    client: Mutex<WriteHalf<TokioIo<Upgraded>>>,
    upstream: Mutex<WriteHalf<&'u mut UpgradedIo>>,
    /// Somebody answers; else what is heard is only written down.
    answers: AtomicBool,
    ending: Ending,
}

impl Room<'_, '_> {
    async fn to_client(&self, bytes: &[u8]) -> Result<(), Gone> {
        let mut out = self.client.lock().await;
        out.write_all(bytes).await.map_err(client)?;
        out.flush().await.map_err(client)
    }

    async fn to_upstream(&self, bytes: &[u8]) -> Result<(), Gone> {
        let mut out = self.upstream.lock().await;
        out.write_all(bytes).await.map_err(Gone::Upstream)?;
        out.flush().await.map_err(Gone::Upstream)
    }

    async fn say(&self, event: &Json) -> Result<(), Gone> {
        self.to_upstream(&frame(TEXT, event.to_string().as_bytes(), true)).await
    }

    /// What the client says.
    async fn asked(&self, mut from: ReadHalf<TokioIo<Upgraded>>) -> Result<(), Gone> {
        let mut messages = Messages::default();
        let mut buffer = vec![0; CHUNK];
        let mut stopped = false;
        loop {
            let n = from.read(&mut buffer).await.map_err(client)?;
            if n == 0 {
                return self.upstream.lock().await.shutdown().await.map_err(Gone::Upstream);
            }
            messages.feed(buffer.get(..n).unwrap_or_default());
            loop {
                let message = match messages.next(LONGEST) {
                    Ok(Some(message)) => message,
                    Ok(None) => break,
                    Err(error) => {
                        self.to_client(&close_frame(1009, &error.message)).await?;
                        return Err(Gone::Refused(error));
                    }
                };
                let opcode = message.opcode;
                if let Some(passed) = self.judged(message, &mut stopped).await? {
                    self.to_upstream(&frame(opcode, &passed, true)).await?;
                }
            }
        }
    }

    /// A message as it may go on. `stopped`: the client's next wish for an answer is for what was stopped.
    async fn judged(&self, message: Message, stopped: &mut bool) -> Result<Option<Bytes>, Gone> {
        if message.is_control() {
            return Ok(Some(message.payload));
        }
        if self.ending.is_near() {
            return Ok(None);
        }
        let Ok(mut event) = serde_json::from_slice::<Json>(&message.payload) else {
            // Sound is no text; a text that cannot be read here might be read there.
            if message.opcode != TEXT {
                return Ok(Some(message.payload));
            }
            return self.refused("what is no JSON cannot be judged").await;
        };
        if !names_stand_once(&message.payload) {
            return self.refused("a name stands twice: it cannot be judged").await;
        }
        let kind = event.text("type").unwrap_or_default().to_owned();
        if kind == "response.create" && std::mem::take(stopped) {
            return Ok(None);
        }
        let mut changed = false;
        let answers = self.answers.load(Ordering::Relaxed);
        if kind == "session.update" && answers && self.guarded.guards.has(Mode::RealtimeInput) {
            spoken::without_auto_response(&mut event);
            changed = true;
        }
        let mut texts = Vec::new();
        spoken::texts_mut(&mut event, &mut |text: &mut String| texts.push(Json::from(text.as_str())));
        if !texts.is_empty() {
            let mut said = Json::Array(texts);
            match self.guarded.guards.said(&mut said).await {
                Ok(outcome) => {
                    self.guarded.note(outcome.ran);
                    if let (true, Json::Array(texts)) = (outcome.changed, said) {
                        let mut new = texts.into_iter();
                        spoken::texts_mut(&mut event, &mut |text: &mut String| {
                            if let Some(Json::String(new)) = new.next() {
                                *text = new;
                            }
                        });
                        changed = true;
                    }
                }
                Err(violation) if kind != "conversation.item.create" => {
                    self.refused(violation.rules.message.as_deref().unwrap_or("a guardrail stopped it")).await?;
                    self.ending.count(&violation, false);
                    return Ok(None);
                }
                Err(violation) => {
                    if spoken::is_tool_result(&event) {
                        spoken::withhold_result(&mut event);
                        self.say(&event).await?;
                    } else {
                        *stopped = true;
                    }
                    self.stop(&violation).await?;
                    return Ok(None);
                }
            }
        }
        Ok(Some(if changed { Bytes::from(event.to_string()) } else { message.payload }))
    }

    /// Tells the client that a message does not go on.
    async fn refused(&self, why: &str) -> Result<Option<Bytes>, Gone> {
        self.to_client(&frame(TEXT, spoken::stopped(why).to_string().as_bytes(), false)).await?;
        Ok(None)
    }

    /// A turn is stopped: whatever is being answered ends, the client is told, and hears it.
    async fn stop(&self, violation: &Violation) -> Result<(), Gone> {
        let why = violation.message();
        self.say(&spoken::bare("response.cancel")).await?;
        self.refused(why).await?;
        self.say(&spoken::tell(why)).await?;
        self.ending.count(violation, true);
        self.say(&spoken::bare("response.create")).await
    }

    /// Both sides hear that the session is over.
    async fn end(&self) -> Result<(), Gone> {
        self.to_upstream(&frame(CLOSE, &NORMAL.to_be_bytes(), true)).await?;
        self.to_client(&close_frame(NORMAL, "a guardrail ended the session")).await?;
        self.client.lock().await.shutdown().await.map_err(client)
    }

    /// What the upstream says. A client is never left without a farewell.
    async fn answered(&self, mut from: ReadHalf<&mut UpgradedIo>, meter: &mut SessionMeter) -> Result<(), Gone> {
        let mut messages = Messages::default();
        let mut buffer = vec![0; CHUNK];
        loop {
            let read = match select(pin!(from.read(&mut buffer)), pin!(self.ending.is_due())).await {
                Either::Left((read, _)) => read,
                Either::Right(_) => return self.end().await,
            };
            let error = match read {
                Ok(0) if meter.closed() => None,
                Ok(0) => Some(io::ErrorKind::UnexpectedEof.into()),
                Err(error) => Some(error),
                Ok(n) => {
                    let piece = buffer.get(..n).unwrap_or_default();
                    meter.feed(piece);
                    messages.feed(piece);
                    match self.passed_on(&mut messages).await {
                        Ok(()) if self.ending.is_over() => return self.end().await,
                        Ok(()) => continue,
                        Err(Gone::Upstream(error)) => Some(error),
                        Err(gone) => return Err(gone),
                    }
                }
            };
            if error.is_some() {
                self.to_client(&close_frame(1011, "the upstream ended the session")).await?;
            }
            self.client.lock().await.shutdown().await.map_err(client)?;
            return error.map_or(Ok(()), |error| Err(Gone::Upstream(error)));
        }
    }

    async fn passed_on(&self, messages: &mut Messages) -> Result<(), Gone> {
        let too_long = |error: llm_types::Error| Gone::Upstream(io::Error::other(error.message));
        while let Some(message) = messages.next(LONGEST).map_err(too_long)? {
            self.to_client(&frame(message.opcode, &message.payload, false)).await?;
            self.ending.hear(&message);
            if self.ending.is_over() {
                return Ok(());
            }
            if !message.is_control() && self.guarded.guards.has(Mode::RealtimeInput) {
                self.heard(&message.payload).await?;
            }
        }
        Ok(())
    }

    /// Judges what the host heard; it answers when nobody objects.
    async fn heard(&self, event: &[u8]) -> Result<(), Gone> {
        let marks = ["session.created", "session.updated", "input_audio_transcription.completed"];
        if !marks.iter().any(|mark| memchr::memmem::find(event, mark.as_bytes()).is_some()) {
            return Ok(());
        }
        let Ok(event) = serde_json::from_slice::<Json>(event) else { return Ok(()) };
        if spoken::only_writes_down(&event) {
            self.answers.store(false, Ordering::Relaxed);
        }
        if !self.answers.load(Ordering::Relaxed) {
            return Ok(());
        }
        if event.text("type") == Some("session.created") {
            return self.say(&spoken::no_auto_response(self.guarded.beta)).await;
        }
        let Some(transcript) = spoken::transcript(&event) else { return Ok(()) };
        match self.guarded.guards.heard(transcript).await {
            Ok(outcome) => {
                self.guarded.note(outcome.ran);
                self.say(&spoken::bare("response.create")).await
            }
            Err(violation) => self.stop(&violation).await,
        }
    }
}
