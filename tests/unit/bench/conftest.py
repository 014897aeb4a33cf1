import sys
from pathlib import Path

# Scripts that import each other by name; at the end of the path, so that they hide nobody.
sys.path.append(str(Path(__file__).resolve().parents[3] / "bench"))
