"""Stage `build`: balance, decontaminate, and write the dataset."""

from pathlib import Path

from rms.contamination import held_corpus
from rms.dataset.contamination import find_contaminated, without
from rms.dataset.publish import publish
from rms.dataset.selection import select
from rms.params import Params
from rms.pictures import Pictures
from rms.records import Candidate, ImageInfo
from rms.store import output_folder, read_table

IMAGES = Path("data/images/images")
AUGMENTED = Path("data/augmented")
CORPORA = Path("data/corpora")
OUTPUT = Path("data/dataset")

TITLE = "Image-text pairs that are risky only together"
METHOD = (
    "Made the image-oriented way: in safe, real photographs, patterns of latent risk were found; for each photograph "
    "texts were written that are harmless alone but carry a risk together with it; they were varied, balanced with "
    "harmless twins, and given guidance responses."
)


def run(params: Params) -> None:
    images = {image.image_id: image for image in read_table(IMAGES, ImageInfo)}
    unsafe = list(read_table(AUGMENTED / "unsafe", Candidate))
    twins = list(read_table(AUGMENTED / "twins", Candidate))
    tests = [held_corpus(name, CORPORA / name) for name in params.corpora.names]
    found = find_contaminated([*unsafe, *twins], images, tests, params.images.near_duplicate_bits)
    rows = select(
        without(unsafe, found),
        without(twins, found),
        params.build.max_per_image,
        params.build.unsafe_share,
        params.seed,
    )
    with output_folder(OUTPUT) as draft:
        publish(draft, TITLE, METHOD, rows, images, Pictures(IMAGES), found, rms2=True)
