from rms.seeds import content_id, derive, numpy_stream, stream


def test_ids_are_the_same_on_any_machine():
    assert content_id("sample", "image", "text") == "e856f6533aa69bf6"
    assert derive(0, "split", 3) == 4400907580619163519


def test_ids_tell_apart_what_only_joins_alike():
    assert content_id("ab", "c") != content_id("a", "bc") != content_id("abc")
    assert content_id("é") == content_id("é".encode())


def test_draws_depend_on_seed_and_names_and_on_nothing_else():
    assert stream(1, "a").random() == stream(1, "a").random()
    assert len({stream(1, "a").random(), stream(2, "a").random(), stream(1, "b").random(), stream(1).random()}) == 4
    assert (numpy_stream(1, "a").random(3) == numpy_stream(1, "a").random(3)).all()
    assert 0 <= derive(7, "x") < 2**63
