"""An estimate: what each stage will take, with what is likely at least and at most."""

from typing import NamedTuple

from rms.estimate.assumptions import Assumptions
from rms.estimate.tokens import input_tokens
from rms.estimate.workload import workload
from rms.params import OpenAIAssistant, Params

STAGES = ("patterns", "generate", "augment")


class Took(NamedTuple):
    """What a stage takes, not in whole numbers."""

    requests: float = 0.0
    input_tokens: float = 0.0
    output_tokens: float = 0.0
    usd: float | None = 0.0
    """At the price of online answers; None where a price is not known."""
    batch_usd: float | None = 0.0
    """At the price of batches."""

    def plus(self, other: "Took") -> "Took":
        """Both together."""
        return Took(
            self.requests + other.requests,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            _sum(self.usd, other.usd),
            _sum(self.batch_usd, other.batch_usd),
        )

    def times(self, factor: float) -> "Took":
        """So many times as much."""
        return Took(
            self.requests * factor,
            self.input_tokens * factor,
            self.output_tokens * factor,
            None if self.usd is None else self.usd * factor,
            None if self.batch_usd is None else self.batch_usd * factor,
        )


class Forecast(NamedTuple):
    """By stage, and how much less or more it may be in all."""

    stages: dict[str, Took]
    low: float
    """Shares of the total."""
    high: float
    how: str
    """How it was found, in a sentence."""

    @property
    def total(self) -> Took:
        whole = Took()
        for took in self.stages.values():
            whole = whole.plus(took)
        return whole


def offline(params: Params, photographs: int, assumed: Assumptions) -> Forecast:
    """From the settings and stated assumptions alone: nothing is sent."""
    ends = {"assistant": params.assistant, "checker": params.checker}
    reads = {role: input_tokens(end, assumed) for role, end in ends.items() if isinstance(end, OpenAIAssistant)}
    stages = dict.fromkeys(STAGES, Took())
    for work in workload(params, photographs, assumed.rates):
        end = ends[work.role]
        if not isinstance(end, OpenAIAssistant) or not work.questions or (work.task == "describe" and not end.vision):
            continue  # a classifier describes for a model without vision
        requests = work.questions * (end.votes if work.role == "checker" else 1)
        length = assumed.output_tokens[work.task]
        took = priced(
            end, requests, requests * reads[work.role][work.task], requests * (length.fixed + length.each * work.items)
        )
        stages[work.stage] = stages[work.stage].plus(took)
    how = (
        "Reckoned from the settings, the prompts and the shares assumed in rms/estimate/assumptions.yaml; nothing was "
        "asked. `rms estimate --sample 5` asks about five photographs and is surer."
    )
    return Forecast(stages, 1 / assumed.factor, assumed.factor, how)


def priced(end: OpenAIAssistant, requests: float, read: float, written: float) -> Took:
    """With what it costs."""
    if end.price is None:
        return Took(requests, read, written, None, None)
    usd = (read * end.price.input + written * end.price.output) / 1e6
    return Took(requests, read, written, usd, usd * end.batch.price_factor)


def _sum(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one + other
