"""Links that count clicks: which are swapped, and what a hostile letter costs."""

from processor import work

from followup_dispatcher.providers.port import Content
from followup_dispatcher.rendering.links import counted


def swapped(html):
    content = Content(text="", html=html)
    return counted(content, lambda target: f"https://c.example/{len(target)}", spare="").html


def test_the_targets_of_links_are_swapped():
    """Whatever stands beside the address in its element stays."""
    letter = "<a class='x' HREF = 'https://a.example/?b=1&amp;c=2'>see</a><a name=y>"
    assert swapped(letter) == "<a class='x' HREF = \"https://c.example/26\">see</a><a name=y>"


def test_links_that_never_end_cost_no_time():
    """A letter of half-written elements is looked through once, not once for each."""
    letter = "<a " * 60_000
    with work() as cost:
        assert swapped(letter) == letter
    assert cost.seconds < 1
