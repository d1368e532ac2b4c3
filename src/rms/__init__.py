"""RMS: build image-text-risk safety data from safe photographs, and measure how good that data is."""

__version__ = "0.1.0"
