from xml.etree import ElementTree as ET

import pytest
from chart import HEIGHT, WIDTH, Bars, Chart, Line, bars, curve
from hypothesis import given
from hypothesis import strategies as st
from page import write

POINTS = st.lists(
    st.tuples(st.floats(1, 1e7), st.floats(0.1, 1e6)),
    min_size=2,
    max_size=20,
    unique_by=lambda p: p[0],
)


@given(st.lists(POINTS, min_size=1, max_size=4), st.booleans(), st.booleans())
def test_every_point_lies_within_the_picture(lines, log_x, log_y):
    """Whatever was measured, on either kind of axis."""
    chart = Chart("a < b", "x", "y", log_x=log_x, log_y=log_y)
    svg = ET.fromstring(  # noqa: S314 - our own
        curve(chart, [Line("l", points) for points in lines])
    )
    dots = svg.findall("{http://www.w3.org/2000/svg}circle")
    assert len(dots) == sum(len(points) for points in lines)
    assert all(0 <= float(dot.get("cx")) <= WIDTH for dot in dots)
    assert all(0 <= float(dot.get("cy")) <= HEIGHT for dot in dots)


def test_the_same_figures_give_the_same_picture():
    """Nothing in it tells of a time."""
    rows = [("Celery & co", 420.0), ("raw", 1900.0)]
    assert bars(Bars("t", rows)) == bars(Bars("t", rows))
    ET.fromstring(bars(Bars("t", rows)))  # noqa: S314 - our own


def test_a_page_keeps_what_was_written_by_hand(tmp_path):
    """Tables go between their marks; written twice, the page is as written once."""
    page = tmp_path / "page.md"
    places = ("figures", "processor", "lead", "statements")
    marks = "".join(
        f"before {name}\n<!-- {name} -->\nold\n<!-- /{name} -->\nafter {name}\n" for name in places
    )
    page.write_text(marks)
    figures = {
        "full_to_raw": 0.61,
        "statements": [
            {
                "service": "x",
                "statement": "SELECT a || b",
                "calls_per_touch": 0.1,
                "rows_per_call": 8.0,
                "grows": "",
            }
        ],
    }
    write(figures, page)
    once = page.read_text()
    write(figures, page)
    assert page.read_text() == once
    assert "| `full_to_raw` | 0.61 | ≥ 0.6 |" in once
    assert r"SELECT a \|\| b" in once
    assert "old" not in once
    assert all(
        f"before {n}\n" in once and f"after {n}\n" in once for n in ("figures", "processor", "lead")
    )


def test_a_page_without_a_place_for_a_table_is_refused(tmp_path):
    """Rather than lose a table silently."""
    page = tmp_path / "page.md"
    page.write_text("nothing")
    with pytest.raises(ValueError, match="figures"):
        write({}, page)
