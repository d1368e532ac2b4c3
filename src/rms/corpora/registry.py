"""Which adapters there are: those that stand in `rms.corpora.adapters`."""

import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib import import_module

from rms.corpora import adapters as modules
from rms.corpora.base import Adapter
from rms.errors import RmsError


@cache
def adapters() -> Mapping[str, type[Adapter]]:
    """Every adapter by its corpus' name, in the order of the names."""
    found: dict[str, type[Adapter]] = {}
    for module in pkgutil.iter_modules(modules.__path__):
        name = f"{modules.__name__}.{module.name}"
        for member in vars(import_module(name)).values():
            if isinstance(member, type) and issubclass(member, Adapter) and member.__module__ == name:
                found[member.name] = member
    return dict(sorted(found.items()))


def adapter(name: str, options: Mapping[str, str] | None = None) -> Adapter:
    """The adapter of the corpus `name`, set to `options`.

    RmsError lists the known corpora for any other name, and what is allowed for an unknown option or value.
    """
    if name not in adapters():
        raise RmsError(f"corpora.names: {name!r} is no known corpus; known are {', '.join(adapters())}")
    kind = adapters()[name]
    allowed_values = dict(kind.options)
    chosen = {option: values[0] for option, values in kind.options}
    for option, value in (options or {}).items():
        if option not in allowed_values:
            known = ", ".join(allowed_values) or "none"
            raise RmsError(f"corpora.options.{name}: {option!r} is no option of it; options are: {known}")
        if value not in allowed_values[option]:
            allowed = ", ".join(allowed_values[option])
            raise RmsError(f"corpora.options.{name}.{option} = {value!r}: must be one of {allowed}")
        chosen[option] = value
    return kind(chosen)


def configured(name: str, options: Mapping[str, Mapping[str, str]]) -> Adapter:
    """The adapter of the corpus `name`, set as `corpora.options` says; RmsError when that names no known corpus."""
    unknown = next((corpus for corpus in options if corpus not in adapters()), None)
    if unknown is not None:
        raise RmsError(f"corpora.options: {unknown!r} is no known corpus; known are {', '.join(adapters())}")
    return adapter(name, options.get(name))


def require_trainable(name: str) -> Adapter:
    """The adapter of a corpus that a judge may be trained on; RmsError for any other."""
    corpus = adapter(name)
    if corpus.trainable:
        return corpus
    trainable = ", ".join(name for name, kind in adapters().items() if kind.trainable)
    splits = ", ".join(split.name for split in corpus.splits)
    raise RmsError(
        f"{name!r} may not be trained on (licence: {corpus.licence}; splits: {splits}); "
        f"corpora with a training split are {trainable}"
    )
