import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image as Pillow

from rms import store
from rms.errors import RmsError
from rms.records import (
    Check,
    CorpusFingerprint,
    CorpusImage,
    Description,
    Pattern,
    PatternFound,
    Provenance,
    SceneElement,
    TextReject,
    Triplet,
)
from rms.store import (
    count_rows,
    output_folder,
    read_json,
    read_jsonl,
    read_table,
    read_yaml,
    write_json,
    write_jsonl,
    write_table,
    write_text,
)


def _png(shade: int) -> bytes:
    out = io.BytesIO()
    Pillow.new("RGB", (8, 6), (shade % 256, 0, 0)).save(out, format="PNG")
    return out.getvalue()


def _pictures(count: int) -> list[CorpusImage]:
    return [CorpusImage(image_id=f"i{n}", sha256="0", phash="0" * 16, image=_png(n)) for n in range(count)]


def _triplet() -> Triplet:
    return Triplet(
        triplet_id="t", image_id="i", text="tea?", intent="tea", risk="r", category="c", pattern_id="p", rationale="",
        checks=[Check(modality="text", verdict="safe", score=0.05, by="me", reason="")],
        provenance=Provenance(assistant="a", model="m", version="1", seed=3, family=""),
    )  # fmt: skip


def _found(number: int = 0) -> PatternFound:
    return PatternFound(image_id=f"i{number}", pattern_id="p")


class Interruption(BaseException):
    """Stands for Ctrl-C."""


@pytest.mark.parametrize("fault", [ValueError, Interruption])
def test_a_failed_run_leaves_the_old_folder_untouched(tmp_path, fault):
    folder = tmp_path / "out"
    with output_folder(folder) as draft:
        write_text(draft / "a.txt", "good")
    with pytest.raises(fault), output_folder(folder) as draft:
        write_text(draft / "a.txt", "bad")
        write_text(draft / "b.txt", "bad")
        raise fault
    assert [(path.name, path.read_text()) for path in folder.iterdir()] == [("a.txt", "good")]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_new_run_takes_the_place_of_the_whole_old_folder(tmp_path):
    folder = tmp_path / "deep" / "out"
    for name in ("old", "new"):
        with output_folder(folder) as draft:
            write_text(draft / name, "")
            assert folder.exists() == (name == "new")
    assert [path.name for path in folder.iterdir()] == ["new"]


def test_text_is_replaced_whole(tmp_path):
    file = tmp_path / "a" / "b.txt"
    write_text(file, "one")
    write_text(file, "zwei ü\n")
    assert file.read_bytes() == "zwei ü\n".encode()
    assert [path.name for path in file.parent.iterdir()] == ["b.txt"]


def test_nan_is_refused_and_the_old_file_stays(tmp_path):
    write_json(tmp_path / "a.json", {"b": 1, "a": 2})
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(tmp_path / "a.json", {"x": float("nan")})
    assert list(read_json(tmp_path / "a.json")) == ["b", "a"]


def test_unreadable_json_and_yaml_are_one_line(tmp_path):
    (tmp_path / "a.json").write_text('{"a": 1,\n}')
    (tmp_path / "a.yaml").write_text("a: [1\nb: 2")
    for read, name in ((read_json, "a.json"), (read_yaml, "a.yaml"), (read_json, "no.json"), (read_yaml, "no.yaml")):
        with pytest.raises(RmsError, match=name) as caught:
            read(tmp_path / name)
        assert "\n" not in str(caught.value)


def test_json_nested_beyond_all_measure_is_one_line(tmp_path):
    (tmp_path / "deep.json").write_text("[" * 200_000)
    with pytest.raises(RmsError, match=r"deep\.json: not valid JSON"):
        read_json(tmp_path / "deep.json")


def test_yaml_builds_no_objects(tmp_path):
    (tmp_path / "a.yaml").write_text("!!python/object/apply:os.getcwd []")
    with pytest.raises(RmsError):
        read_yaml(tmp_path / "a.yaml")


def test_a_table_of_nested_records_is_read_back_as_written(tmp_path):
    assert write_table(tmp_path / "t", Triplet, [_triplet()]) == 1
    assert list(read_table(tmp_path / "t", Triplet)) == [_triplet()]
    seen = Description(image_id="i", caption="c", elements=[SceneElement(name="a cat", confidence=0.5, tags=["pet"])])
    bare = Description(image_id="j", caption="c", elements=[])
    write_table(tmp_path / "d", Description, [seen, bare])
    assert list(read_table(tmp_path / "d", Description)) == [seen, bare]


@pytest.mark.parametrize("count", [0, 1, 63, 64, 65, 129])
def test_any_number_of_rows_keeps_its_order(tmp_path, count):
    rows = [_found(number) for number in range(count)]
    assert write_table(tmp_path / "t", PatternFound, iter(rows)) == count
    assert list(read_table(tmp_path / "t", PatternFound)) == rows
    assert count_rows(tmp_path / "t") == count
    assert len(list((tmp_path / "t").glob("*.parquet"))) == 1


def test_many_rows_make_several_shards(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "ROWS_PER_SHARD", 128)
    rows = [_found(number) for number in range(300)]
    assert write_table(tmp_path / "t", PatternFound, rows) == 300
    assert sorted(p.name for p in (tmp_path / "t").iterdir()) == [f"part-0000{n}.parquet" for n in range(3)]
    assert list(read_table(tmp_path / "t", PatternFound)) == rows


def test_the_same_rows_give_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        write_table(tmp_path / name, CorpusImage, _pictures(70))
    assert (tmp_path / "a/part-00000.parquet").read_bytes() == (tmp_path / "b/part-00000.parquet").read_bytes()


def test_pictures_are_stored_and_can_be_left_unread(tmp_path):
    write_table(tmp_path / "t", CorpusImage, _pictures(3))
    assert [row.image for row in read_table(tmp_path / "t", CorpusImage)] == [_png(n) for n in range(3)]
    assert [row.image_id for row in read_table(tmp_path / "t", CorpusFingerprint)] == ["i0", "i1", "i2"]


def test_datasets_opens_a_table_with_decoded_pictures(tmp_path):
    import datasets  # noqa: PLC0415 - heavy

    write_table(tmp_path / "t", CorpusImage, _pictures(3))
    opened = datasets.load_dataset(
        "parquet", data_files=str(tmp_path / "t/*.parquet"), split="train", cache_dir=str(tmp_path / "cache")
    )
    assert isinstance(opened.features["image"], datasets.Image)
    assert opened[2]["image"].getpixel((0, 0)) == (2, 0, 0)


@pytest.mark.parametrize("kind", [Triplet, Description, Pattern])
def test_datasets_reads_the_declared_features_of_nested_records(tmp_path, kind):
    import datasets  # noqa: PLC0415 - heavy

    rows = {
        Triplet: [_triplet()],
        Description: [Description(image_id="i", caption="c", elements=[])],
        Pattern: [
            Pattern(pattern_id="p", element="e", intent="i", risk="r", category="c", support=1, example_image_ids=["x"])
        ],
    }[kind]
    write_table(tmp_path / "t", kind, rows)
    opened = datasets.Dataset.from_parquet(str(tmp_path / "t/*.parquet"), cache_dir=str(tmp_path / "cache"))
    assert opened[0] == rows[0].model_dump()


def test_a_record_that_does_not_validate_is_named_with_its_field(tmp_path):
    write_table(tmp_path / "t", Triplet, [_triplet()])
    file = tmp_path / "t/part-00000.parquet"
    table = pq.read_table(file)
    column = table.schema.get_field_index("text")
    pq.write_table(table.set_column(column, "text", pa.array([""])), file)
    with pytest.raises(RmsError, match=r"part-00000\.parquet: Triplet t: text: .*at least 1 character"):
        list(read_table(tmp_path / "t", Triplet))


def test_a_missing_column_and_a_missing_table_say_what_to_do(tmp_path):
    write_table(tmp_path / "t", PatternFound, [_found()])
    with pytest.raises(RmsError, match="column 'triplet_id' is missing; rerun"):
        list(read_table(tmp_path / "t", Triplet))
    with pytest.raises(RmsError, match="no Parquet shards found"):
        list(read_table(tmp_path / "nothing", Triplet))


def test_a_table_is_never_written_over_another(tmp_path):
    write_table(tmp_path / "t", PatternFound, [_found()])
    with pytest.raises(FileExistsError):
        write_table(tmp_path / "t", PatternFound, [_found()])


def _reject(text: str) -> TextReject:
    return TextReject(image_id="i", text=text, kind="k", failed="f", detail="", parent_id="")


@pytest.mark.parametrize("text", ["", "plain", "two\nlines", "\u2028\u2029\x85\x1c", "\r\n", '"quoted" \\', "🙂"])
def test_jsonl_keeps_any_text_on_its_line(tmp_path, text):
    rows = [_reject(text), _reject("next")]
    assert write_jsonl(tmp_path / "r.jsonl", rows) == 2
    assert read_jsonl(tmp_path / "r.jsonl", TextReject) == rows


def test_an_empty_jsonl_is_an_empty_file(tmp_path):
    assert write_jsonl(tmp_path / "r.jsonl", []) == 0
    assert (tmp_path / "r.jsonl").read_bytes() == b""
    assert read_jsonl(tmp_path / "r.jsonl", TextReject) == []


def test_a_bad_line_is_named_with_its_field(tmp_path):
    write_jsonl(tmp_path / "r.jsonl", [_reject("a")])
    with (tmp_path / "r.jsonl").open("a") as file:
        file.write(json.dumps({**_reject("b").model_dump(), "failed": 3}) + "\n")
    with pytest.raises(RmsError, match=r"r\.jsonl:2: failed: "):
        read_jsonl(tmp_path / "r.jsonl", TextReject)
    with pytest.raises(RmsError, match=r"no\.jsonl: not found"):
        read_jsonl(tmp_path / "no.jsonl", TextReject)


@pytest.mark.parametrize("damage", [lambda _: b"", lambda raw: raw[: len(raw) // 2], lambda _: b"no Parquet" * 9])
def test_a_damaged_shard_is_one_line_that_names_it(tmp_path, damage):
    write_table(tmp_path / "table", PatternFound, [PatternFound(image_id="i", pattern_id="p")] * 100)
    shard = tmp_path / "table/part-00000.parquet"
    shard.write_bytes(damage(shard.read_bytes()))
    for read in (lambda: list(read_table(tmp_path / "table", PatternFound)), lambda: count_rows(tmp_path / "table")):
        with pytest.raises(RmsError, match=r"part-00000\.parquet: damaged") as error:
            read()
        assert "\n" not in str(error.value)
