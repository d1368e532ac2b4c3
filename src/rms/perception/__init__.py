"""What is in a picture: an ImageNet classifier, and the scene elements its classes stand for.

Shared by the embedded assistant and the embedded judge.
"""

from rms.perception.classifier import MODEL, perceive
from rms.perception.elements import Element, Elements, load_elements

__all__ = ["MODEL", "Element", "Elements", "load_elements", "perceive"]
