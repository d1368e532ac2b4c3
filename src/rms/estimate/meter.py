"""What two assistants take while something is done with them."""

from rms.assistant import Assistant, Books, load_assistant
from rms.estimate.forecast import Took, priced
from rms.params import Assistant as Settings
from rms.params import OpenAIAssistant, Params


class Meter:
    """Who proposes and who checks, asked online, and what both have taken so far."""

    def __init__(self, params: Params) -> None:
        ends = [_online(params.assistant)]
        if params.checker != params.assistant:
            ends.append(_online(params.checker))
        self._accounts = [(end, Books(params.budget_usd)) for end in ends]
        assistants = [load_assistant(end, params.seed, books) for end, books in self._accounts]
        self.proposer: Assistant = assistants[0]
        self.checker: Assistant = assistants[-1]
        self._read = Took()

    def since(self) -> Took:
        """What was taken since this was asked last."""
        now = Took()
        for end, books in self._accounts:
            spent = books.spending()
            if isinstance(end, OpenAIAssistant) and spent.answers:
                now = now.plus(priced(end, spent.answers, spent.input_tokens, spent.output_tokens))
        before, self._read = self._read, now
        return now.plus(before.times(-1)) if now.requests > before.requests else Took()


def _online(end: Settings) -> Settings:
    return end.model_copy(update={"mode": "online"}) if isinstance(end, OpenAIAssistant) else end
