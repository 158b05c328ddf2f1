use super::*;

const DONE_EVENT: &str = r#"{"type":"response.done","event_id":"e","response":{"id":"r","usage":{"total_tokens":300,"input_tokens":200,"output_tokens":100,
    "input_token_details":{"cached_tokens":60,"text_tokens":80,"audio_tokens":120,"cached_tokens_details":{"text_tokens":40,"audio_tokens":20}},
    "output_token_details":{"text_tokens":30,"audio_tokens":70}}}}"#;

fn frame(first: u8, payload: &[u8], mask: Option<[u8; 4]>) -> Vec<u8> {
    let bit = if mask.is_some() { 0x80 } else { 0 };
    let mut out = vec![first];
    match payload.len() {
        n @ 0..126 => out.push(bit | n as u8),
        n @ 126..65536 => {
            out.push(bit | 126);
            out.extend_from_slice(&(n as u16).to_be_bytes());
        }
        n => {
            out.push(bit | 127);
            out.extend_from_slice(&(n as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(&mask.unwrap_or_default()[..if mask.is_some() { 4 } else { 0 }]);
    let key = mask.unwrap_or_default();
    out.extend(payload.iter().enumerate().map(|(at, b)| b ^ key[at % 4]));
    out
}

#[test]
fn usage_of_all_answers_is_added_up_whatever_the_cutting() {
    let (a, b) = DONE_EVENT.split_at(100);
    let mut wire = frame(0x81, br#"{"type":"session.created","session":{"id":"sess_1"}}"#, None);
    wire.extend(frame(
        0x81,
        format!(r#"{{"type":"response.audio.delta","delta":"{}"}}"#, "A".repeat(200_000)).as_bytes(),
        None,
    ));
    wire.extend(frame(0x81, DONE_EVENT.as_bytes(), None));
    wire.extend(frame(0x82, &[0; 300], None));
    wire.extend(frame(0x01, a.as_bytes(), Some([1, 2, 3, 4]))); // in two pieces, masked, a ping between them
    wire.extend(frame(0x89, b"response.done", None));
    wire.extend(frame(0x80, b.as_bytes(), Some([9, 8, 7, 6])));
    wire.extend(frame(0x81, b"no json", None));
    wire.extend(close_frame(1000, "bye"));
    for size in [1, 7, 4096, wire.len()] {
        let mut meter = SessionMeter::default();
        wire.chunks(size).for_each(|chunk| meter.feed(chunk));
        let u = meter.usage();
        assert_eq!((meter.responses(), meter.id(), meter.closed(), meter.at_border()), (2, Some("sess_1"), true, true));
        assert_eq!((u.input_text, u.cache_read, u.input_audio, u.cache_read_audio), (80, 80, 200, 40), "{size}");
        assert_eq!((u.output_text, u.output_audio, u.total_tokens()), (60, 140, 600));
    }
}

#[test]
fn answers_of_responses_sessions_count_as_well() {
    let event = r#"{"type":"response.completed","response":{"usage":{"input_tokens":10,"input_tokens_details":{"cached_tokens":4},
        "output_tokens":7,"output_tokens_details":{"reasoning_tokens":5}}}}"#;
    let mut meter = SessionMeter::default();
    meter.feed(&frame(0x81, event.as_bytes(), None));
    let u = meter.usage();
    assert_eq!((u.input_text, u.cache_read, u.output_text, u.reasoning), (6, 4, 2, 5));
}

#[test]
fn borders_are_known() {
    let wire = frame(0x81, b"{\"type\":\"x\"}", None);
    let mut meter = SessionMeter::default();
    meter.feed(&wire[..1]);
    assert!(!meter.at_border());
    meter.feed(&wire[1..5]);
    assert!(!meter.at_border());
    meter.feed(&wire[5..]);
    assert!(meter.at_border() && !meter.closed());
}

#[test]
fn close_frames_are_short() {
    assert_eq!(close_frame(1011, "no").as_ref(), [0x88, 4, 0x03, 0xf3, b'n', b'o']);
    let long = close_frame(1011, &"ä".repeat(100));
    assert!(long.len() <= 127 && std::str::from_utf8(&long[4..]).is_ok());
}

#[test]
fn deepgram_hears_seconds_of_every_channel() {
    let results = |start: f64| format!(r#"{{"type":"Results","channel_index":[0,2],"start":{start},"duration":2.5}}"#);
    let mut meter = SessionMeter::new(Dialect::Deepgram { channels: 1 });
    meter.feed(&frame(0x81, results(0.0).as_bytes(), None));
    meter.feed(&frame(0x81, results(2.5).as_bytes(), None));
    assert!((meter.usage().seconds_in - 10.0).abs() < 1e-9, "broken off: what was heard so far");
    let last = br#"{"type":"Metadata","request_id":"r1","duration":6.0,"channels":2}"#;
    meter.feed(&frame(0x81, last, None));
    assert!((meter.usage().seconds_in - 12.0).abs() < 1e-9);
    assert_eq!((meter.id(), meter.responses()), (Some("r1"), 2));
    let silent = SessionMeter::new(Dialect::Deepgram { channels: 2 });
    assert!(silent.usage().is_empty());
}

#[test]
fn turns_of_gemini_add_up_and_come_as_bytes() {
    let turn =
        br#"{"serverContent":{"groundingMetadata":{"webSearchQueries":["a"]}},"usageMetadata":{"promptTokenCount":100,
        "responseTokenCount":40,"totalTokenCount":140,"promptTokensDetails":[{"modality":"AUDIO","tokenCount":90}]}}"#;
    let mut meter = SessionMeter::new(Dialect::Gemini);
    meter.feed(&frame(0x82, br#"{"setupComplete":{"sessionId":"s"}}"#, None));
    meter.feed(&frame(0x82, turn, None));
    meter.feed(&frame(0x81, turn, None));
    let u = meter.usage();
    assert_eq!((u.input_audio, u.input_text, u.output_text, u.web_search_medium), (180, 20, 80, 2));
    assert_eq!((meter.id(), meter.responses()), (Some("s"), 2));
}

#[test]
fn a_first_message_is_held_until_it_is_whole() {
    let setup = br#"{"setup":{"model":"projects/p/locations/l/publishers/google/models/talker","a":[1]}}"#;
    let (a, b) = setup.split_at(20);
    let mut wire = frame(0x89, b"ping", Some([1, 1, 1, 1]));
    wire.extend(frame(0x01, a, Some([1, 2, 3, 4])));
    wire.extend(frame(0x80, b, Some([4, 3, 2, 1])));
    let behind = frame(0x81, b"more", Some([9, 9, 9, 9]));
    for size in [1, 7, 4096] {
        let mut opening = Opening::default();
        let mut first = None;
        for chunk in wire.chunks(size) {
            first = first.or(opening.feed(chunk).unwrap());
        }
        let first = first.unwrap();
        assert_eq!((first.text.as_ref(), first.binary), (setup.as_slice(), false), "{size}");
    }
    wire.extend(&behind);
    let first = Opening::default().feed(&wire).unwrap().unwrap();
    assert_eq!((live_model(&first.text).as_deref(), first.rest.as_ref()), (Some("talker"), behind.as_slice()));
    let sent = with_live_model(&first.text, "models/x").unwrap();
    assert_eq!(sent, br#"{"setup":{"model":"models/x","a":[1]}}"#);
    let mut back = Opening::default();
    assert_eq!(back.feed(&client_frame(&sent, true)).unwrap().unwrap().text.as_ref(), sent.as_slice());
    assert!(with_live_model(b"{}", "x").is_err() && live_model(b"no json").is_none());
    assert!(Opening::default().feed(&[0x81, 0xff, 0, 0, 0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0]).is_err(), "too long");
    assert!(Opening::default().feed(&close_frame(1000, "bye")).is_err());
}
