"""Entry of `make chaos`; see `chaos.command`."""

import sys
from importlib import import_module
from pathlib import Path

if __name__ == "__main__":
    faults = Path(__file__).resolve().parent.parent
    # In place of this folder: modules are `chaos.…`, and share `fleet` with the tests.
    sys.path[0:1] = [str(faults), str(faults.parent / "support")]
    import_module("chaos.command").main()
