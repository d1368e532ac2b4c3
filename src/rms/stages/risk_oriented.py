"""Stage `risk_oriented`: a second training set, made the conventional way, to compare with."""

from pathlib import Path

from rms.contamination import held_corpus
from rms.dataset.contamination import find_contaminated, without
from rms.dataset.publish import publish
from rms.params import Params
from rms.pictures import Pictures
from rms.records import Description, ImageInfo
from rms.risk_oriented import construct
from rms.store import output_folder, read_table
from rms.triplets.scenes import join

IMAGES = Path("data/images/images")
DESCRIPTIONS = Path("data/triplets/descriptions")
CORPORA = Path("data/corpora")
OUTPUT = Path("data/risk_oriented")

TITLE = "Image-text pairs made from a list of risks"
METHOD = (
    "Made the risk-oriented way, for comparison: from a fixed list of risks, texts that ask for harm or do not, each "
    "beside the photographs that fit the risk's words best. The text alone mostly tells the label."
)


def run(params: Params) -> None:
    images = {image.image_id: image for image in read_table(IMAGES, ImageInfo)}
    scenes = join(IMAGES, read_table(DESCRIPTIONS, Description))
    made = list(construct(scenes, params.risk_oriented.per_risk, params.seed))
    tests = [held_corpus(name, CORPORA / name) for name in params.corpora.names]
    found = find_contaminated(made, images, tests, params.images.near_duplicate_bits)
    with output_folder(OUTPUT) as draft:
        publish(draft, TITLE, METHOD, without(made, found), images, Pictures(IMAGES), found, rms2=False)
