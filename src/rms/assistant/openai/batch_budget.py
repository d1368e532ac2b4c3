"""How many questions a budget has room for before it is known what they cost."""

from collections.abc import Mapping, Sequence

from rms.assistant.openai.request import Request
from rms.assistant.openai.spending import Ledger
from rms.errors import RmsError
from rms.params import OpenAIAssistant as Settings

_ANSWER_TOKENS = 250
_IMAGE_TOKENS = 800
_CHARACTERS_A_TOKEN = 4


def tokens_of(request: Request) -> int:
    """A guess at the input tokens of a question."""
    pictures = sum(len(message.images) for message in request.messages)
    return request.characters // _CHARACTERS_A_TOKEN + pictures * _IMAGE_TOKENS


def affordable(keys: Sequence[str], tokens: Mapping[str, int], settings: Settings, ledger: Ledger) -> Sequence[str]:
    """The first of `keys` that what is left of the budget pays for, which is set aside; RmsError where none is."""
    left, price = ledger.left(), settings.price
    if left is None or price is None or not keys:
        return keys
    read = sum(tokens[key] for key in keys) / len(keys)
    each = settings.batch.price_factor * (read * price.input + _ANSWER_TOKENS * price.output) / 1e6
    room = len(keys) if each * len(keys) <= left else int(left / each)
    if room < 1:
        ledger.check()
        raise RmsError(
            f"budget_usd: {left:.4f} US dollars are left, and one question costs about {each:.4f}; every answer is "
            "kept: raise the budget and run again to go on from here"
        )
    ledger.reserve(each * room)
    return keys[:room]
