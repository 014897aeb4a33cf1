"""Reading figures out of what was seen."""

from collections.abc import Mapping, Sequence


def percentile(values: Sequence[float], share: float, *, digits: int = 1) -> float:
    """Nearest rank; the values need no order."""
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))], digits)


def median(values: Sequence[float]) -> float:
    """The middle one, or the mean of the two in the middle."""
    ordered, half = sorted(values), len(values) // 2
    return ordered[half] if len(values) % 2 else (ordered[half - 1] + ordered[half]) / 2


def steady_rate(arrivals: Mapping[str, float]) -> float:
    """Arrivals per second between the 5th and the 95th hundredth of them.

    How a worker starts and how its last few trickle in belong to no throughput.
    """
    times = sorted(arrivals.values())
    first, last = int(len(times) * 0.05), int(len(times) * 0.95) - 1
    return (last - first) / (times[last] - times[first])
