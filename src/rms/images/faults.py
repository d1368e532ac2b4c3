"""Why a file is not taken: the stable names that end up in `rejects.jsonl`, all in one place."""

from collections.abc import Mapping

REASONS: Mapping[str, str] = {
    # The file itself, whatever the source (rms.images.decode).
    "empty": "the file has no bytes",
    "too_large": "more bytes than images.max_bytes",
    "not_an_image": "the content is not JPEG, PNG, WebP, GIF, BMP or TIFF",
    "mislabelled": "the content is an image of another format than the file name says",
    "decompression_bomb": "the header announces more pixels than images.max_pixels",
    "too_small": "the shorter side is below images.min_side",
    "truncated": "cut short or damaged: it cannot be decoded to the end",
    # What the source could not hand over (rms.images.sources).
    "outside_folder": "a symbolic link that leaves the source folder",
    "unreadable": "the file system or the data set refuses to give the bytes",
    "bad_url": "not an http or https address, or it redirects to one that is not",
    "timeout": "no complete answer within the time allowed, retries included",
    "connection": "no connection, or it broke, retries included",
    "http_<status>": "the server answered with this status, for example http_404",
    # What a readable photograph failed (rms.images.collect).
    "unsafe_alone": "the screening model's score reaches images.nsfw_threshold",
    "duplicate": "the same bytes as an earlier image",
    "near_duplicate": "within images.near_duplicate_bits of the perceptual hash of an earlier image",
}


class ImageFault(Exception):  # noqa: N818 - a fault of the file; the program is in order
    """One file is not taken. A row of the rejects table, never the end of a run.

    `reason` is a key of `REASONS` (`http_<status>` with the number filled in); `detail` is one line for people.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
