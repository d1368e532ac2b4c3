"""What goes into a request's body: messages with their pictures, sampling, and how JSON is asked for."""

import base64
import io
import json
from functools import lru_cache
from typing import Any

import orjson
from PIL import Image

from rms.assistant.openai.reading import Reply
from rms.assistant.openai.request import Message, Request
from rms.params import Endpoint

FORMATS = ("json_schema", "json_object", "text")
"""Ways to ask for JSON, the surest first."""


def sampling(settings: Endpoint) -> dict[str, Any]:
    """Everything beside the messages that an answer depends on."""
    given = {
        "temperature": settings.temperature,
        "top_p": settings.top_p,
        "seed": settings.seed,
        settings.max_tokens_name: settings.max_tokens,
    }
    return {"model": settings.model, **{name: value for name, value in given.items() if value is not None}} | dict(
        settings.body
    )


def message(message: Message, settings: Endpoint) -> dict[str, Any]:
    """A turn as the protocol has it, its pictures as data URLs."""
    if not message.images:
        return {"role": message.role, "content": message.text}
    pictures = [
        {
            "type": "image_url",
            "image_url": {
                "url": _data_url(image, settings.image.side, settings.image.quality),
                "detail": settings.image.detail,
            },
        }
        for image in message.images
    ]
    return {"role": message.role, "content": [*pictures, {"type": "text", "text": message.text}]}


@lru_cache(maxsize=256)  # a picture is asked about many times in a row
def _data_url(image: bytes, side: int, quality: int) -> str:
    with Image.open(io.BytesIO(image)) as opened:
        if max(opened.size) > side or opened.format != "JPEG":
            picture = opened.convert("RGB")
            picture.thumbnail((side, side), Image.Resampling.LANCZOS)
            out = io.BytesIO()
            picture.save(out, "JPEG", quality=quality)
            image = out.getvalue()
    return f"data:image/jpeg;base64,{base64.b64encode(image).decode()}"


def told(messages: list[dict[str, Any]], request: Request) -> list[dict[str, Any]]:
    """The messages for an endpoint that takes no schema: the first of them says it in words."""
    first, *rest = messages
    schema = f"Answer with one JSON object of this JSON schema, and nothing else:\n{json.dumps(request.schema)}"
    content = first["content"]
    said = f"{content}\n\n{schema}" if isinstance(content, str) else [*content, {"type": "text", "text": schema}]
    return [{**first, "content": said}, *rest]


def encoded(value: dict[str, Any]) -> bytes:
    """`value` as it is sent."""
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:  # half a character, which models do write, or a number beyond 64 bits
        return json.dumps(value).encode()


def response_format(way: int, request: Request) -> dict[str, Any]:
    """The part of the body that asks for JSON in the way FORMATS[way]; empty for plain text."""
    match FORMATS[way]:
        case "json_schema":
            assert request.schema is not None  # who asks in words has no format
            named = {"name": str(request.schema["title"]), "strict": True, "schema": request.schema}
            return {"response_format": {"type": "json_schema", "json_schema": named}}
        case "json_object":
            return {"response_format": {"type": "json_object"}}
    return {}


def asked(sampling: dict[str, Any], request: Request, messages: list[dict[str, Any]], way: int) -> dict[str, Any]:
    """A whole body, which asks for JSON, if that is wanted, in the way FORMATS[way]."""
    likeliest = {"logprobs": True, "top_logprobs": request.logprobs} if request.logprobs else {}
    if request.schema is None:
        return {**sampling, "messages": messages, **likeliest}
    said = told(messages, request) if way else messages
    return {**sampling, "messages": said, **response_format(way, request), **likeliest}


def correction(reply: Reply, fault: str) -> list[dict[str, Any]]:
    """The turns that ask again, after an answer that was not usable."""
    return [
        {"role": "assistant", "content": reply.text[:4000]},
        {"role": "user", "content": f"That was not usable: {fault}. Answer again, with the JSON object only."},
    ]
