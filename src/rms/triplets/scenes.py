"""Images joined with what an assistant sees in them."""

from collections.abc import Iterable, Iterator, Set
from pathlib import Path

from rms.assistant import Assistant, NoAnswerError, Scene
from rms.pictures import Pictures
from rms.progress import map_ordered
from rms.records import Description, Image, ImageInfo, TextReject
from rms.store import read_table
from rms.triplets.rejects import unanswered


def describe(assistant: Assistant, images: Path, wanted: Set[str], workers: int) -> Iterator[Description | TextReject]:
    """Descriptions of the images whose id is in `wanted`, in the order of the table; a reject without an answer."""

    def described(image: Image) -> Description | TextReject:
        try:
            return assistant.describe(image.image_id, image.image)
        except NoAnswerError as error:
            return unanswered(image.image_id, "", "description", "", error)

    chosen = (image for image in read_table(images, Image) if image.image_id in wanted)
    return map_ordered(described, chosen, "describe", workers=max(workers, assistant.workers), total=len(wanted))


def join(images: Path, descriptions: Iterable[Description]) -> list[Scene]:
    """Scenes in the order of the images, for those that have a description."""
    known = {description.image_id: description for description in descriptions}
    pictures = Pictures(images)
    return [
        Scene(known[info.image_id], info.split, pictures)
        for info in read_table(images, ImageInfo)
        if info.image_id in known
    ]
