"""Parts of a text make the same whole in whatever order they came."""

from hypothesis import given
from hypothesis import strategies as st

from followup_replies.core.assembling import GAP, joined


@given(st.lists(st.text(), min_size=1, max_size=20), st.randoms(use_true_random=False))
def test_all_parts_make_the_whole(pieces, random):
    """Nothing stands between them, whatever the order."""
    numbered = list(enumerate(pieces, start=1))
    random.shuffle(numbered)
    assert joined(dict(numbered), total=len(pieces)) == "".join(pieces).strip()


@given(
    st.dictionaries(st.integers(1, 30), st.text("ab", min_size=1), min_size=1), st.integers(30, 255)
)
def test_there_is_a_gap_for_all_that_is_missing_in_a_row(parts, total):
    """No word is made of what stands on its two sides, and nothing is lost."""
    text = joined(parts, total=total)
    runs = [run for run in text.split(GAP) if run.strip()]
    starts = [n for n in parts if n - 1 not in parts]
    assert len(runs) == len(starts)
    assert "".join(runs).replace(" ", "") == "".join(parts[n] for n in sorted(parts))
