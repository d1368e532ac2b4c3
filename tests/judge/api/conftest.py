"""The endpoints that assistants are tested with serve judges as well."""

import sys
from pathlib import Path

for folder in ("assistant/openai", "judge"):
    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / folder))
