"""A judge behind an OpenAI-compatible endpoint: a guard model, a large one asked by policy, or a served one of ours."""

from rms.judge.api.judge import ApiJudge

__all__ = ["ApiJudge"]
