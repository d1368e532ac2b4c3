"""Faults of models and machines in one line each."""

from collections.abc import Iterator
from contextlib import contextmanager

from rms.errors import RmsError, one_line

KNOBS = "judge.batch_size (with more gradient_accumulation), max_pixels, gradient_checkpointing, quantize"
_OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "not enough memory", "CUBLAS_STATUS_ALLOC_FAILED")


@contextmanager
def computing(model: str) -> Iterator[None]:
    """Turns what goes wrong while `model` computes into an RmsError that says what to turn."""
    try:
        yield
    except MemoryError:
        raise RmsError(f"{model}: out of memory; turn one of {KNOBS}") from None
    except (RuntimeError, ValueError, IndexError) as error:
        said = one_line(error)
        if any(sign in said for sign in _OUT_OF_MEMORY):
            raise RmsError(f"{model}: out of memory; turn one of {KNOBS}") from None
        if "image" in said.lower() and "token" in said.lower():
            raise RmsError(
                f"{model}: image tokens do not match the image features; model and processor do not belong together "
                f"(judge.processor, or the model's preprocessor_config.json): {said[:300]}"
            ) from None
        raise


@contextmanager
def fetching(model: str, revision: str | None) -> Iterator[None]:
    """Turns what goes wrong while the files of `model` are found and read into an RmsError."""
    from huggingface_hub import errors  # noqa: PLC0415 - heavy
    from safetensors import SafetensorError  # noqa: PLC0415

    at = f" at revision {revision}" if revision else ""
    try:
        yield
    except SafetensorError as error:
        raise RmsError(f"{model}{at}: damaged weights ({one_line(error)}); fetch or make them again") from None
    except ImportError as error:
        raise RmsError(f"{model}{at}: {one_line(error)}") from None
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, AttributeError) as error:
        causes = tuple(_causes(error))
        if any(isinstance(cause, errors.GatedRepoError) for cause in causes):
            raise RmsError(
                f"{model}{at}: gated: ask for access on its page of the Hub, then set HF_TOKEN to a token that has it"
            ) from None
        if any(isinstance(cause, errors.RevisionNotFoundError) for cause in causes):
            raise RmsError(f"{model}{at}: the repository has no such revision; see judge.revision") from None
        if any(isinstance(cause, errors.RepositoryNotFoundError | errors.HFValidationError) for cause in causes):
            raise RmsError(
                f"{model}{at}: no such model on the Hub, or a private one (then set HF_TOKEN); see judge.model"
            ) from None
        if any(isinstance(cause, errors.OfflineModeIsEnabled | errors.LocalEntryNotFoundError) for cause in causes):
            raise RmsError(
                f"{model}{at}: no such folder, and not in the cache of the Hub; run once with offline=false to fetch it"
            ) from None
        if "custom code" in str(error):
            raise RmsError(
                f"{model}{at}: comes with code of its own; set judge.trust_remote_code=true if you trust its author"
            ) from None
        raise RmsError(f"{model}{at}: cannot be loaded: {one_line(error)[:400]}") from None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
