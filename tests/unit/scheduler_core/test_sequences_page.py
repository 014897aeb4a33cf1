import re
from pathlib import Path
from textwrap import dedent

import pytest

from followup_scheduler.core.document import Sequence, parse
from followup_scheduler.core.library import load
from followup_scheduler.core.reactions import defaults

PAGE = Path(__file__).parents[3] / "docs" / "sequences.md"


@pytest.fixture(scope="module")
def blocks() -> list[str]:
    return re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture(scope="module")
def built(blocks: list[str]) -> Sequence:
    """The page's pieces put together as it tells, with D1's own content."""
    first, email, call, text, value, again, last, end, on = blocks
    head, templates = first.split("templates:\n")
    contents = "".join(
        f"  {key}: {body.model_dump_json(exclude_none=True)}\n"
        for key, body in load("d1").templates.items()
        if key != "hello"
    )
    steps = f"{email}{call}{text}{value}{again}{last}"
    return parse(f"{head}{steps}{end}{on}templates:\n{templates}{contents}")


def test_the_page_builds_a_sequence_that_can_be_read(built: Sequence) -> None:
    """Every piece of YAML on the page is valid where the page puts it."""
    assert [step.id for step in built.steps] == [s.id for s in load("d1").steps]


def test_the_page_builds_d1(built: Sequence) -> None:
    """What the page builds are steps of D1, moment for moment."""
    d1 = load("d1")
    assert [d1.step(step.id) for step in built.steps] == list(built.steps)
    assert built.end == d1.end


def test_the_first_piece_is_a_whole_document(blocks: list[str]) -> None:
    """A reader can start with it."""
    assert parse(dedent(blocks[0])).key == "my-d1"


def test_the_page_names_every_intent() -> None:
    """No intent is left out of the table of reactions."""
    table = PAGE.read_text(encoding="utf-8").partition("| intent |")[2].partition("\n\n")[0]
    missing = [intent for intent in defaults() if intent not in table and intent != "opt_out"]
    assert not missing
    assert "opt-out" in table
