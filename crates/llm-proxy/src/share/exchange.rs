//! The router's state over Redis: what happened here is told, what happened everywhere is heard, four times a second.
//!
//! Keys, all in one slot: `cool` (sorted by the end of the rest), `usage:MINUTE`, `flight` (`PROCESS|DEPLOYMENT`), `alive`
//! (a number per process that changes while it lives), `ties` (a stream), `spend:NAME`.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use llm_kv::KvError;
use llm_kv::redis::{Command, RedisClient, Reply, Script};
use llm_router::{
    AffinityKey, Changes, RouterState, SharedAffinity, SharedCooldown, SharedLoad, SharedSpend, SharedUsage,
};

use crate::app::App;

/// Between two rounds: a cooldown is known everywhere after at most two of them.
const ROUND: Duration = Duration::from_millis(250);
/// Nobody waits for a round, and it carries much.
const PATIENCE: Duration = Duration::from_millis(500);
/// A process whose number has not changed for so long is gone.
const GONE: Duration = Duration::from_secs(30);
/// Ties that the stream keeps, about, and that one round reads at most.
const TIES: i64 = 50_000;
const TIES_A_ROUND: i64 = 2_000;
/// News that wait for Redis to come back, at most.
const OWED: usize = 10_000;

/// The counters of a deployment in one minute, as fields begin.
const COUNTERS: [&str; 4] = ["r", "t", "s", "f"];

const SPEND: &str = "local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local period = tonumber(ARGV[2])
local had = redis.call('HMGET', KEYS[1], 's', 'n')
local start = tonumber(had[1])
if not start or now >= start + period then
  if ARGV[3] == '0' then return { 0, 0 } end
  start = tonumber(ARGV[1])
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[1], 's', ARGV[1])
  redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', start + period))
end
return { start, redis.call('HINCRBY', KEYS[1], 'n', ARGV[3]) }";

/// One process's end of the exchange.
pub(super) struct Exchange {
    client: RedisClient,
    prefix: String,
    owner: String,
    spend: Script,
    /// What could not be told yet.
    owed: Changes,
    /// Calls that run here.
    running: HashMap<Arc<str>, u32>,
    /// Redis knows what runs here.
    introduced: bool,
    beat: u64,
    seen: HashMap<String, (String, Instant)>,
    last_tie: String,
}

/// Exchanges for as long as the app lives.
pub(super) async fn run(app: Weak<App>, mut exchange: Exchange) {
    loop {
        tokio::time::sleep(ROUND).await;
        let Some(app) = app.upgrade() else { return };
        let state = Arc::clone(app.snapshot.load().engine.router.state());
        drop(app);
        exchange.round(&state).await;
    }
}

impl Exchange {
    pub(super) fn new(client: RedisClient, prefix: &str, owner: String) -> Self {
        Self {
            client,
            prefix: format!("{prefix}{{llm:router}}:"),
            owner,
            spend: Script::new(SPEND),
            owed: Changes::default(),
            running: HashMap::new(),
            introduced: false,
            beat: 0,
            seen: HashMap::new(),
            last_tie: "-".to_owned(),
        }
    }

    async fn round(&mut self, state: &RouterState) {
        let now = Instant::now();
        let (minute, unix_ms) = (state.minute(now), state.unix_ms(now));
        self.collect(state.take_changes(now), minute);
        let told = self.tell_and_ask(minute, unix_ms).await;
        let heard = match told {
            Ok(mut totals) => {
                totals.spend = self.spend(&state.watched(now)).await;
                Some(totals)
            }
            Err(KvError::Timeout) => {
                // It may have been done: told again it would count twice.
                self.owed.usage.clear();
                None
            }
            Err(_) => None,
        };
        match heard {
            Some(totals) => {
                self.introduced = true;
                state.absorb(&totals, Instant::now());
            }
            None => {
                self.introduced = false;
                state.alone();
            }
        }
    }

    /// Adds news to what is owed already.
    fn collect(&mut self, news: Changes, minute: u32) {
        self.running.extend(news.in_flight.into_iter().map(|load| (load.id, load.calls)));
        let owed = &mut self.owed;
        owed.cooldowns.extend(news.cooldowns);
        owed.affinity.extend(news.affinity);
        owed.cooldowns.truncate(OWED);
        owed.affinity.truncate(OWED);
        owed.usage.retain(|usage| usage.minute == minute);
        for more in news.usage {
            match owed.usage.iter_mut().find(|usage| usage.id == more.id && usage.minute == more.minute) {
                Some(usage) => {
                    usage.requests = usage.requests.saturating_add(more.requests);
                    usage.tokens = usage.tokens.saturating_add(more.tokens);
                    usage.successes = usage.successes.saturating_add(more.successes);
                    usage.failures = usage.failures.saturating_add(more.failures);
                }
                None => owed.usage.push(more),
            }
        }
        for more in news.spend {
            match owed.spend.iter_mut().find(|spend| spend.key == more.key) {
                Some(spend) if spend.start_ms == more.start_ms => spend.nanos = spend.nanos.saturating_add(more.nanos),
                Some(spend) => *spend = more,
                None => owed.spend.push(more),
            }
        }
    }

    async fn tell_and_ask(&mut self, minute: u32, unix_ms: u64) -> Result<Changes, KvError> {
        let mut commands = self.news();
        let asked = self.questions(minute, unix_ms);
        let count = asked.len();
        commands.extend(asked);
        let mut replies = self.client.pipeline_within(&commands, PATIENCE).await?;
        self.owed = Changes { spend: std::mem::take(&mut self.owed.spend), ..Changes::default() };
        self.running.retain(|_, calls| *calls > 0);
        let answers = replies.split_off(replies.len().saturating_sub(count));
        Ok(self.heard(answers, minute))
    }

    fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// What happened here, as commands.
    fn news(&mut self) -> Vec<Command> {
        let mut out = Vec::new();
        for rest in &self.owed.cooldowns {
            out.push(Command::new("ZADD").arg(self.key("cool")).arg(rest.until_ms.to_string()).arg(&*rest.id));
        }
        for usage in &self.owed.usage {
            let key = self.key(&format!("usage:{}", usage.minute));
            let counts = [usage.requests, usage.tokens, usage.successes, usage.failures];
            for (counter, count) in COUNTERS.iter().zip(counts).filter(|(_, count)| *count > 0) {
                let field = format!("{counter}|{}", usage.id);
                out.push(Command::new("HINCRBY").arg(&key).arg(field).int(count.into()));
            }
            out.push(Command::new("EXPIRE").arg(key).int(180));
        }
        let flight = self.key("flight");
        for (id, calls) in &self.running {
            let field = format!("{}|{id}", self.owner);
            out.push(match calls {
                0 => Command::new("HDEL").arg(&flight).arg(field),
                calls => Command::new("HSET").arg(&flight).arg(field).int((*calls).into()),
            });
        }
        for tie in &self.owed.affinity {
            let add = Command::new("XADD").arg(self.key("ties")).arg("MAXLEN").arg("~").int(TIES).arg("*");
            let add = add.arg("k").arg(format!("{:x}", tie.key.0)).arg("d").arg(&*tie.deployment);
            out.push(add.arg("u").arg(tie.until_ms.to_string()));
        }
        self.beat += 1;
        out.push(Command::new("HSET").arg(self.key("alive")).arg(&self.owner).arg(self.beat.to_string()));
        out.push(Command::new("EXPIRE").arg(self.key("alive")).int(3600));
        out.push(Command::new("EXPIRE").arg(flight).int(3600));
        out
    }

    /// What everybody did: answered in this order.
    fn questions(&self, minute: u32, unix_ms: u64) -> Vec<Command> {
        let cool = self.key("cool");
        vec![
            Command::new("ZREMRANGEBYSCORE").arg(&cool).arg("-inf").arg(unix_ms.to_string()),
            Command::new("ZRANGE").arg(&cool).int(0).int(-1).arg("WITHSCORES"),
            Command::new("HGETALL").arg(self.key(&format!("usage:{minute}"))),
            Command::new("HGETALL").arg(self.key("alive")),
            Command::new("HGETALL").arg(self.key("flight")),
            Command::new("XRANGE").arg(self.key("ties")).arg(&self.last_tie).arg("+").arg("COUNT").int(TIES_A_ROUND),
        ]
    }

    fn heard(&mut self, answers: Vec<Reply>, minute: u32) -> Changes {
        let mut answers = answers.into_iter().skip(1);
        let mut next = || answers.next().and_then(Reply::into_list).unwrap_or_default();
        let (cool, usage, alive, flight, ties) = (next(), next(), next(), next(), next());
        self.look(&alive);
        Changes {
            cooldowns: pairs(&cool)
                .filter_map(|(id, until)| Some(SharedCooldown { id: id.into(), until_ms: score(until)? }))
                .collect(),
            usage: totals(&usage, minute),
            in_flight: self.loads(&flight),
            affinity: ties.into_iter().filter_map(|entry| self.tie(entry)).collect(),
            spend: Vec::new(),
        }
    }

    /// Notes which processes still live.
    fn look(&mut self, alive: &[Reply]) {
        let now = Instant::now();
        for (owner, beat) in pairs(alive) {
            let beat = beat.as_str().unwrap_or_default();
            let seen = self.seen.entry(owner.to_owned()).or_insert_with(|| (beat.to_owned(), now));
            if seen.0 != beat {
                *seen = (beat.to_owned(), now);
            }
        }
        self.seen.retain(|_, (_, at)| now.saturating_duration_since(*at) < 2 * GONE);
    }

    /// Calls that run, by deployment, of processes that live.
    fn loads(&self, flight: &[Reply]) -> Vec<SharedLoad> {
        let mut sums: HashMap<&str, u32> = HashMap::new();
        for (field, calls) in pairs(flight) {
            let Some((owner, id)) = field.split_once('|') else { continue };
            let lives = self.seen.get(owner).is_some_and(|(_, at)| at.elapsed() < GONE);
            let calls = calls.as_int().and_then(|calls| u32::try_from(calls).ok()).unwrap_or(0);
            *sums.entry(id).or_default() += if lives { calls } else { 0 };
        }
        sums.into_iter().map(|(id, calls)| SharedLoad { id: id.into(), calls }).collect()
    }

    /// An entry of the stream: its id, and names with values.
    fn tie(&mut self, entry: Reply) -> Option<SharedAffinity> {
        let mut entry = entry.into_list()?.into_iter();
        // The next round begins behind it.
        self.last_tie = format!("({}", entry.next()?.as_str()?);
        let fields = entry.next()?.into_list()?;
        let field = |name: &str| pairs(&fields).find(|(n, _)| *n == name).and_then(|(_, value)| value.as_str());
        Some(SharedAffinity {
            key: AffinityKey(u64::from_str_radix(field("k")?, 16).ok()?),
            deployment: field("d")?.into(),
            until_ms: field("u")?.parse().ok()?,
        })
    }

    /// Tells what was spent, and asks for the sums of everything that is watched.
    async fn spend(&mut self, watched: &Changes) -> Vec<SharedSpend> {
        let mut out = Vec::new();
        for watched in &watched.spend {
            let owed = self.owed.spend.iter().position(|owed| owed.key == watched.key);
            let told = owed.map(|at| self.owed.spend.swap_remove(at));
            let (start_ms, nanos) = told.as_ref().map_or((watched.start_ms, 0), |told| (told.start_ms, told.nanos));
            let key = self.key(&format!("spend:{}", watched.key));
            let args = [start_ms.to_string(), watched.period_ms.to_string(), nanos.to_string()];
            match self.client.script(&self.spend, &[key], &args).await.map(Reply::into_list) {
                Ok(Some(sums)) => {
                    let number = |at: usize| sums.get(at).and_then(Reply::as_int).map_or(0, i64::unsigned_abs);
                    out.push(SharedSpend { start_ms: number(0), nanos: number(1), ..watched.clone() });
                }
                Err(KvError::Unavailable(_)) => self.owed.spend.extend(told),
                Ok(None) | Err(_) => {}
            }
        }
        out
    }
}

/// A list of names and values.
fn pairs(list: &[Reply]) -> impl Iterator<Item = (&str, &Reply)> {
    list.chunks_exact(2).filter_map(|pair| match pair {
        [name, value] => Some((name.as_str()?, value)),
        _ => None,
    })
}

/// A score: milliseconds since 1970, perhaps written as a float.
fn score(reply: &Reply) -> Option<u64> {
    let score: f64 = reply.as_str()?.parse().ok()?;
    (score.is_finite() && score >= 0.0).then_some(score as u64)
}

fn totals(usage: &[Reply], minute: u32) -> Vec<SharedUsage> {
    let mut sums: HashMap<&str, [u32; 4]> = HashMap::new();
    for (field, count) in pairs(usage) {
        let Some((counter, id)) = field.split_once('|') else { continue };
        let Some(at) = COUNTERS.iter().position(|name| *name == counter) else { continue };
        let count = count.as_int().and_then(|count| u32::try_from(count).ok()).unwrap_or(u32::MAX);
        if let Some(sum) = sums.entry(id).or_default().get_mut(at) {
            *sum = count;
        }
    }
    let shared = |(id, [requests, tokens, successes, failures]): (&str, [u32; 4])| SharedUsage {
        id: id.into(),
        minute,
        requests,
        tokens,
        successes,
        failures,
    };
    sums.into_iter().map(shared).collect()
}
