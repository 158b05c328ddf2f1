"""The official SDKs against the gateway, and what came back. `GATEWAY` is its address, `MASTER_KEY` its master key."""

import json
import os
import urllib.request

import anthropic
import openai

GATEWAY, MASTER_KEY = os.environ["GATEWAY"], os.environ["MASTER_KEY"]
ASK = [{"role": "user", "content": "Name three colours of the rainbow."}]
LIMITS = {"max_tokens": 40, "temperature": 0}


def show(title, **facts):
    print(f"\n== {title}")
    for name, fact in facts.items():
        print(f"   {name}: {fact}")


def post(path, body, key=MASTER_KEY):
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    request = urllib.request.Request(GATEWAY + path, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request) as reply:
        return json.load(reply)


def chat(client):
    raw = client.chat.completions.with_raw_response.create(model="smollm2", messages=ASK, **LIMITS)
    answer = raw.parse()
    assert answer.choices[0].message.content and answer.usage.completion_tokens > 0
    told = {name: value for name, value in raw.headers.items() if name.startswith("x-litellm-")}
    show("OpenAI SDK: chat", text=answer.choices[0].message.content, model=answer.model, usage=usage(answer.usage),
         cost=told.get("x-litellm-response-cost"), call=told.get("x-litellm-call-id"))


def chat_stream(client):
    stream = client.chat.completions.create(
        model="smollm2", messages=ASK, stream=True, stream_options={"include_usage": True}, **LIMITS)
    pieces, finish, last = [], None, None
    for chunk in stream:
        last = chunk.usage or last
        for choice in chunk.choices:
            pieces.append(choice.delta.content or "")
            finish = choice.finish_reason or finish
    assert len(pieces) > 3 and finish and last
    show("OpenAI SDK: stream", text="".join(pieces), chunks=len(pieces), finish=finish, usage=usage(last))


def messages(client):
    answer = client.messages.create(model="smollm2", messages=ASK, max_tokens=40)
    assert answer.type == "message" and answer.content[0].text
    show("Anthropic SDK: messages", text=answer.content[0].text, stop=answer.stop_reason, usage=usage(answer.usage))


def messages_stream(client):
    with client.messages.stream(model="smollm2", messages=ASK, max_tokens=40) as stream:
        pieces = list(stream.text_stream)
        answer = stream.get_final_message()
    assert len(pieces) > 3 and answer.stop_reason
    show("Anthropic SDK: stream", text="".join(pieces), pieces=len(pieces), stop=answer.stop_reason,
         usage=usage(answer.usage))


def refused(title, call, error):
    try:
        call()
    except error as refusal:
        show(title, error=type(refusal).__name__, status=refusal.status_code, body=json.dumps(refusal.body))
    else:
        raise AssertionError(f"{title}: nobody refused")


def usage(reported):
    return {name: count for name, count in reported.model_dump().items() if isinstance(count, int)}


def main():
    key = post("/key/generate", {"models": ["smollm2"], "key_alias": "demo", "max_budget": 1.0})["key"]
    show("A virtual key for the model, with a budget of one dollar", key=key[:6] + "...")
    ours = {"api_key": key, "max_retries": 0, "timeout": 120}
    chat_client = openai.OpenAI(base_url=GATEWAY + "/v1", **ours)
    messages_client = anthropic.Anthropic(base_url=GATEWAY, **ours)
    chat(chat_client)
    chat_stream(chat_client)
    messages(messages_client)
    messages_stream(messages_client)
    admin = chat_client.with_options(api_key=MASTER_KEY)
    refused("Unknown model", lambda: admin.chat.completions.create(model="smolm2", messages=ASK),
            openai.BadRequestError)
    refused("Model outside of the key's list", lambda: chat_client.chat.completions.create(model="other", messages=ASK),
            openai.APIStatusError)
    stranger = chat_client.with_options(api_key="sk-nobody-knows-this-key")
    refused("Wrong key", lambda: stranger.chat.completions.create(model="smollm2", messages=ASK),
            openai.AuthenticationError)
    stranger = messages_client.with_options(api_key="sk-nobody-knows-this-key")
    refused("Wrong key, Anthropic SDK", lambda: stranger.messages.create(model="smollm2", messages=ASK, max_tokens=40),
            anthropic.AuthenticationError)
    print("\nAll of it came from a real model behind the gateway.")


if __name__ == "__main__":
    main()
