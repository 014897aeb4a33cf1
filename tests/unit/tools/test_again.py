"""What failed is run once more by itself, within bounds."""

import json

import again
import pytest

UNSTEADY = """
from pathlib import Path

def test_steady_the_second_time():
    mark = Path(__file__).with_name("ran")
    ran = mark.exists()
    mark.touch()
    assert ran
"""


@pytest.fixture
def project(tmp_path):
    """A project whose last run left word of these failures."""

    def left(*tests, source=""):
        (tmp_path / "test_one.py").write_text(source)
        cache = tmp_path / again.FAILED
        cache.parent.mkdir(parents=True)
        cache.write_text(json.dumps(dict.fromkeys(tests, True)))
        return tmp_path

    return left


def test_who_passes_alone_passes_and_is_named(project, capfd):
    """The exit status is 0, and the test stands in the output as unsteady."""
    test = "test_one.py::test_steady_the_second_time"
    root = project(test, source=UNSTEADY)
    (root / "ran").touch()
    assert again.main(root) == 0
    assert f"{test}: passed alone: unsteady" in capfd.readouterr().out


def test_a_defect_fails_again(project, capfd):
    """And so does the run."""
    test = "test_one.py::test_steady_the_second_time"
    assert again.main(project(test, source=UNSTEADY)) == 1
    assert f"{test}: a defect" in capfd.readouterr().out


def test_too_many_are_not_run_again(project, capfd):
    """Four at once are a defect of the change, whatever a second run would say."""
    tests = [f"test_one.py::test_{number}" for number in range(4)]
    root = project(*tests, source="\n".join(f"def test_{n}(): pass" for n in range(4)))
    assert again.main(root) == 1
    assert "4 failed:" in capfd.readouterr().out


def test_a_run_that_left_no_word_stays_failed(tmp_path):
    """A suite that died before its end has not passed."""
    assert again.main(tmp_path) == 1


def test_what_is_gone_stays_failed(project):
    """A failed test that cannot be found any more does not count as passed."""
    assert again.main(project("test_one.py::test_gone", source="")) != 0
