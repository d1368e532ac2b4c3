import numpy as np
import pytest

from rms import encoder
from rms.encoder import DIMENSIONS, embed


def test_close_meanings_are_close():
    candle, lit, tax = embed(["light a candle", "a candle is lit this evening", "file my tax return"])
    assert float(candle @ lit) > 0.6
    assert float(candle @ tax) < 0.3


def test_vectors_are_of_unit_length_and_in_the_order_of_the_texts():
    texts = ["b " * 30, "a", "b " * 30, "c d"]
    vectors = embed(texts)
    assert vectors.shape == (4, DIMENSIONS)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0, abs=1e-5)
    assert (vectors[0] == vectors[2]).all()
    assert not np.allclose(vectors[0], vectors[1])


def test_no_texts_give_no_vectors():
    assert embed([]).shape == (0, DIMENSIONS)


def test_company_in_a_batch_changes_next_to_nothing(monkeypatch):
    alone = embed(["a solitary text"])[0].copy()
    monkeypatch.setattr(encoder, "_recent", {})
    together = embed(["a solitary text", "and a very much longer one " * 8])[0]
    assert np.abs(alone - together).max() < 1e-5


def test_memory_of_past_texts_is_limited(monkeypatch):
    monkeypatch.setattr(encoder, "_recent", {})
    monkeypatch.setattr(encoder, "_REMEMBERED", 3)
    expected = embed(["one", "two", "three", "four", "five"])
    assert len(encoder._recent) == 3
    assert np.allclose(embed(["one", "five"]), expected[[0, 4]], atol=1e-5)


def test_a_known_list_is_embedded_once_and_a_damaged_file_is_mended(tmp_path, monkeypatch):
    texts = ["wash the dog", "light a candle"]
    expected = embed(texts)
    monkeypatch.setenv("RMS_CACHE_DIR", str(tmp_path))
    assert np.array_equal(encoder.embed_known(texts, "read"), expected)
    (file,) = (tmp_path / "vectors").iterdir()
    monkeypatch.setattr(encoder, "embed", None)  # a second time it is not asked
    assert np.array_equal(encoder.embed_known(texts, "read"), expected)
    monkeypatch.undo()
    monkeypatch.setenv("RMS_CACHE_DIR", str(tmp_path))
    file.write_bytes(b"damaged")
    assert np.array_equal(encoder.embed_known(texts, "read"), expected)
    assert np.array_equal(np.load(file), expected)
