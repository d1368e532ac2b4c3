"""What is in a picture: an ImageNet classifier, and the scene elements its classes stand for.

Shared by the embedded assistant and the embedded judge.
"""

from rms.perception.classifier import FEATURES, MODEL, Percept, perceive
from rms.perception.elements import Element, Elements, load_elements

__all__ = ["FEATURES", "MODEL", "Element", "Elements", "Percept", "load_elements", "perceive"]
