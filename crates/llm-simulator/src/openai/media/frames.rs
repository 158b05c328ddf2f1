//! Literal templates of OpenAI's other replies. `@name@` is filled in.

pub(super) const IMAGES: &str = r#"{
  "created": @created@,
  "data": [@data@
  ]@more@
}
"#;

pub(super) const LINKED: &str = r#"
    {@revised@
      "url": @url@
    }"#;

pub(super) const INLINE: &str = r#"
    {@revised@
      "b64_json": "@data@"
    }"#;

pub(super) const REVISED: &str = r#"
      "revised_prompt": @text@,"#;

pub(super) const SHAPE: &str =
    r#","background":@background@,"output_format":@format@,"quality":@quality@,"size":@size@"#;

pub(super) const IMAGE_USAGE: &str = r#"{"input_tokens":@input@,"input_tokens_details":{"image_tokens":@image@,"text_tokens":@text@},"output_tokens":@output@,"total_tokens":@total@}"#;

/// A picture in a stream.
pub(super) const EVENT: &str =
    "event: @type@\ndata: {\"type\":\"@type@\",\"b64_json\":\"@data@\",\"created_at\":@created@@more@}\n\n";

pub(super) const TRANSCRIPT: &str = r#"{"text":@text@@usage@}"#;

pub(super) const VERBOSE: &str = r#"{"task":@task@,"language":"english","duration":@duration@,"text":@text@,"segments":[{"id":0,"seek":0,"start":0.0,"end":@duration@,"text":@text@,"tokens":[50364,440,1702,7966,50764],"temperature":0.0,"avg_logprob":-0.2860786020755768,"compression_ratio":1.2363636493682861,"no_speech_prob":0.00985979475080967}]@words@@usage@}"#;

pub(super) const WORDS: &str = r#","words":[@words@]"#;
pub(super) const WORD: &str = r#"{"word":@word@,"start":@start@,"end":@end@}"#;

pub(super) const SECONDS: &str = r#","usage":{"type":"duration","seconds":@seconds@}"#;
pub(super) const AUDIO_USAGE: &str = r#","usage":{"type":"tokens","total_tokens":@total@,"input_tokens":@input@,"input_token_details":{"text_tokens":@text@,"audio_tokens":@audio@},"output_tokens":@output@}"#;

// events of a transcript; they have no names
pub(super) const TEXT_DELTA: &str = "data: {\"type\":\"transcript.text.delta\",\"delta\":@text@}\n\n";
pub(super) const TEXT_DONE: &str = "data: {\"type\":\"transcript.text.done\",\"text\":@text@@usage@}\n\n";

// events of speech
pub(super) const AUDIO_DELTA: &str = "data: {\"type\":\"speech.audio.delta\",\"audio\":\"@data@\"}\n\n";
pub(super) const AUDIO_DONE: &str = "data: {\"type\":\"speech.audio.done\",\"usage\":{\"input_tokens\":@input@,\"output_tokens\":@output@,\"total_tokens\":@total@}}\n\n";

pub(super) const MODERATION: &str = r#"{
  "id": @id@,
  "model": @model@,
  "results": [@results@
  ]
}
"#;

pub(super) const JUDGED: &str = r#"
    {
      "flagged": @flagged@,
      "categories": {@categories@
      },
      "category_scores": {@scores@
      },
      "category_applied_input_types": {@types@
      }
    }"#;

pub(super) const VIDEO: &str = r#"{
  "id": @id@,
  "object": "video",
  "created_at": @created@,
  "status": @status@,
  "completed_at": @completed@,
  "error": null,
  "expires_at": @expires@,
  "model": @model@,
  "progress": @progress@,
  "prompt": @prompt@,
  "remixed_from_video_id": @source@,
  "seconds": @seconds@,
  "size": @size@
}
"#;

pub(super) const VIDEO_DELETED: &str = r#"{
  "id": @id@,
  "object": "video.deleted",
  "deleted": true
}
"#;
