"""Migrations of one owner that do not form one chain are refused before they are run."""

import migrations
import pytest

FOLDER = "services/made/followup_made/migrations/versions"


@pytest.fixture
def tree(tmp_path):
    """A tree with these revisions of one owner: file → (revision, the one before)."""

    def made(**files):
        folder = tmp_path / FOLDER
        folder.mkdir(parents=True)
        for name, (revision, before) in files.items():
            text = f"revision = {revision!r}\ndown_revision = {before!r}\n"
            (folder / f"{name.lstrip('_')}.py").write_text(text)
        return tmp_path

    return made


def test_every_chain_of_this_repository_has_one_end(capsys):
    """And there are chains to check."""
    assert len([*migrations.ROOT.glob(migrations.CHAINS)]) >= 7
    assert migrations.main() == 0, capsys.readouterr().out


def test_a_chain_is_a_chain(tree):
    """The first follows nothing, each other the one before it."""
    root = tree(_0001_first=("0001", None), _0002_more=("0002", "0001"))
    assert migrations.faults(root) == []


@pytest.mark.parametrize(
    ("third", "fault"),
    [
        ({"_0002_other": ("0002", "0001")}, "are both revision 0002"),
        ({"_0003_other": ("0003", "0001")}, "0003_other.py follows 0001, and should follow 0002"),
        ({"_0003_other": ("0003", None)}, "0003_other.py follows None, and should follow 0002"),
        ({"_0004_other": ("0003", "0002")}, "is not named after its revision 0003"),
    ],
)
def test_two_ends_and_doubles_are_refused(tree, capsys, third, fault):
    """Whether two have one number, or two numbers follow the same one."""
    root = tree(_0001_first=("0001", None), _0002_more=("0002", "0001"), **third)
    assert migrations.main(root) == 1
    said = capsys.readouterr().out
    assert fault in said
    assert said.startswith(FOLDER)
