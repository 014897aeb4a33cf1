"""The reference names what there is, and nothing else."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from followup_runtime.settings import Settings, variable

ROOT = Path(__file__).resolve().parents[3]
PAGES = ROOT / "docs/reference"
DOCUMENTS = [*sorted(ROOT.glob("docs/**/*.md")), *sorted(ROOT.glob("*.md"))]
SHOW = """
import sys
sys.path.insert(0, "tools")
import reference
print(reference.PAGES[sys.argv[1]]())
"""


def entries(text: str) -> set[str]:
    """What a page lists: the first cell of every row, and every heading."""
    return set(re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE)) | set(
        re.findall(r"^## (.+)$", text, re.MULTILINE)
    )


@pytest.mark.parametrize("page", ["http.md", "command.md", "messages.md"])
def test_a_page_lists_what_the_code_has(page: str, tmp_path: Path) -> None:
    """After a change of routes, options or messages: make reference."""
    made = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-c", SHOW, page],
        cwd=ROOT,
        env={"FOLLOWUP_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert list(tmp_path.iterdir()) == []
    assert entries((PAGES / page).read_text()) == entries(made.stdout)


def test_every_setting_is_explained() -> None:
    """Each variable a process reads has its row, and there is no row of another."""
    listed = {e for e in entries((PAGES / "settings.md").read_text()) if e.startswith("FOLLOWUP_")}
    ours = {variable(name) for name in Settings.model_fields}
    assert ours <= listed
    assert listed - ours == {"FOLLOWUP_TEST_AMQP_URL", "FOLLOWUP_TEST_DATABASE_URL"}


@pytest.mark.parametrize("page", DOCUMENTS, ids=lambda p: p.name)
def test_links_lead_to_files_that_are_there(page: Path) -> None:
    """A relative link in the documentation names something in the repository."""
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []
