"""A vision-language model as judge: any `AutoModelForImageTextToText`, fine-tuned with LoRA or in full."""

from rms.judge.vlm.judge import Plan, VlmJudge
from rms.judge.vlm.merge import merge

__all__ = ["Plan", "VlmJudge", "merge"]
