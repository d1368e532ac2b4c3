"""Which price `conf/` composes for a model."""

import pytest
import yaml

from rms.compose import compose


@pytest.mark.parametrize(
    ("overrides", "price"),
    [
        ([], {"input": 2.5, "output": 10.0}),
        (["model=gpt-4.1-mini"], {"input": 0.4, "output": 1.6}),
        (["model=a-model-of-yours"], None),
        (["base_url=http://localhost:8000/v1"], None),
        (["model=gpt-4o-mini", "price={input: 1.0, output: 3.0}"], {"input": 1.0, "output": 3.0}),
        (["price=null"], None),
    ],
)
def test_the_price_is_looked_up_by_endpoint_and_model(overrides, price):
    for who in ("assistant", "checker"):
        composed = yaml.safe_load(compose([f"{who}=openai", *(f"{who}.{one}" for one in overrides)]))
        assert composed[who]["price"] == price


def test_the_embedded_assistant_brings_no_prices():
    assert "prices" not in yaml.safe_load(compose([]))
