"""What a neighbour costs, measured by itself: the part `fairness` of `make bench`.

fairness.py [SIZE]  → the figures as JSON; SIZE multiplies every count (default 1.0)
"""

import asyncio
import json
import sys

from ground import Ground
from measures.fairness import measure


async def main(size: float) -> dict[str, object]:
    """The whole run, on servers of its own."""
    ground = Ground.start(size=size)
    try:
        return await measure(ground)
    finally:
        ground.stop()


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0)), indent=2))
