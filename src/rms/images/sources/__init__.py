"""Where photographs come from: one small module per kind of source, all yielding `RawImage`."""

from rms.images.sources.raw import Photographs, RawImage
from rms.params import FolderSource, HubSource, PackageSource, UrlSource

__all__ = ["Photographs", "RawImage", "open_source"]


def open_source(source: FolderSource | PackageSource | HubSource | UrlSource, max_bytes: int) -> Photographs:
    """Open the configured source; files of more than `max_bytes` are never read or downloaded whole.

    Raises RmsError, here or while iterating, when the source as a whole is not what was asked for.
    """
    match source:
        case FolderSource():
            from rms.images.sources import folder  # noqa: PLC0415 - each kind loads only what it needs

            return folder.photographs(source, max_bytes)
        case PackageSource():
            from rms.images.sources import package  # noqa: PLC0415

            return package.photographs(source)
        case HubSource():
            from rms.images.sources import hub  # noqa: PLC0415

            return hub.photographs(source, max_bytes)
        case UrlSource():
            from rms.images.sources import urls  # noqa: PLC0415

            return urls.photographs(source, max_bytes)
