use super::*;

fn state_at(unix: u64) -> (Instant, Arc<RouterState>) {
    let now = Instant::now();
    (now, RouterState::new(now, UNIX_EPOCH + Duration::from_secs(unix)))
}

#[test]
fn minutes_are_those_of_the_calendar() {
    let (now, state) = state_at(120 + 58);
    assert_eq!(state.minute(now), 2);
    assert_eq!(state.minute(now + Duration::from_secs(2)), 3);
    assert_eq!(state.unix_ms(now + Duration::from_millis(5)), 178_005);
}

#[test]
fn unknown_deployments_are_forgotten_when_nobody_holds_them() {
    let (now, state) = state_at(0);
    let held = state.deployment(&"held".into());
    state.cool_down(&"gone".into(), Duration::from_secs(9), now);
    assert_eq!(state.cooling(now).len(), 1);
    state.forget_unused();
    assert!(state.cooling(now).is_empty());
    assert!(Arc::ptr_eq(&held, &state.deployment(&"held".into())));
}

/// A shared store as simple as can be: it adds increments up.
#[derive(Default)]
struct Shared {
    all: Changes,
    loads: HashMap<(usize, Arc<str>), u32>,
}

impl Shared {
    fn put(&mut self, process: usize, news: Changes) {
        for u in news.usage {
            match self.all.usage.iter_mut().find(|t| t.id == u.id && t.minute == u.minute) {
                Some(t) => {
                    t.requests += u.requests;
                    t.tokens += u.tokens;
                    t.successes += u.successes;
                    t.failures += u.failures;
                }
                None => self.all.usage.push(u),
            }
        }
        for s in news.spend {
            match self.all.spend.iter_mut().find(|t| t.key == s.key) {
                Some(t) => t.nanos += s.nanos,
                None => self.all.spend.push(s),
            }
        }
        for load in news.in_flight {
            self.loads.insert((process, load.id), load.calls);
        }
        self.all.cooldowns.extend(news.cooldowns);
        self.all.affinity.extend(news.affinity);
        let ids: std::collections::BTreeSet<_> = self.loads.keys().map(|(_, id)| Arc::clone(id)).collect();
        let calls = |id: &Arc<str>| self.loads.iter().filter(|((_, of), _)| of == id).map(|(_, n)| n).sum();
        self.all.in_flight = ids.iter().map(|id| SharedLoad { id: Arc::clone(id), calls: calls(id) }).collect();
    }
}

#[test]
fn two_processes_know_of_each_other() {
    let id: Arc<str> = "d".into();
    let (now, _) = state_at(0);
    let wall = UNIX_EPOCH + Duration::from_secs(6000);
    let processes = [RouterState::new(now, wall), RouterState::new(now, wall)];
    let held: Vec<_> = processes.iter().map(|p| (p.deployment(&id), p.purse("k", Duration::from_secs(60)))).collect();
    processes.iter().for_each(|p| assert!(p.take_changes(now).is_empty()));
    let mut shared = Shared::default();
    let minute = processes[0].minute(now);
    for (n, (deployment, purse)) in held.iter().enumerate() {
        for _ in 0..=n {
            deployment.begin(minute);
        }
        deployment.add_tokens(minute, 100);
        purse.add(7, processes[n].unix_ms(now));
    }
    let key = AffinityKey(5);
    processes[1].tie(key, &id, Duration::from_secs(60), now);
    processes[1].cool_down(&id, Duration::from_secs(9), now);
    for _ in 0..3 {
        for (n, p) in processes.iter().enumerate() {
            shared.put(n, p.take_changes(now));
        }
        processes.iter().for_each(|p| p.absorb(&shared.all, now));
    }
    for (n, p) in processes.iter().enumerate() {
        let (deployment, purse) = &held[n];
        assert_eq!((deployment.requests(minute), deployment.tokens(minute)), (3, 200));
        assert_eq!((deployment.load(), deployment.in_flight() as usize), (3, n + 1));
        assert_eq!(purse.spent(p.unix_ms(now)), 14);
        assert_eq!(p.tied(key, now), Some(Arc::clone(&id)));
        assert_eq!(p.cooling(now), [(Arc::clone(&id), Duration::from_secs(9))]);
        assert!(p.take_changes(now).is_empty(), "what came from others is not told again");
        assert_eq!((p.watched(now).usage.len(), p.watched(now).spend.len()), (1, 1));
    }
    processes[0].alone();
    assert_eq!((held[0].0.requests(minute), held[0].0.load(), held[0].1.spent(processes[0].unix_ms(now))), (1, 1, 7));
    let text = serde_json::to_string(&shared.all).unwrap();
    assert_eq!(serde_json::from_str::<Changes>(&text).unwrap(), shared.all);
}
