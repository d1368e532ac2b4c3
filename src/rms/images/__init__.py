"""From sources of photographs to decoded, screened, fingerprinted and split images.

Why a file was not taken is always one of the names in `rms.images.faults.REASONS`.
"""

from rms.images.faults import REASONS, ImageFault

__all__ = ["REASONS", "ImageFault"]
