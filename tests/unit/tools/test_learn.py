from pathlib import Path

import learn
import pytest

from followup_replies.core.errors import RuleError
from followup_replies.core.features import features
from followup_replies.core.folding import Sentence, fold, sentences
from followup_replies.core.intents import INTENTS
from followup_replies.core.leanings import BIAS, Weights

ENDS = ["leave me alone now", "please leave me alone", "just leave us alone", "leave me be"]
OTHERS = ["see you on friday", "call me on friday", "friday is fine", "see you then"]


def read(text: str) -> tuple[Sentence, ...]:
    return sentences(fold(text))


def test_the_shipped_weights_are_what_the_sayings_give() -> None:
    """Whoever changes a saying, the features or the trainer trains before landing."""
    assert learn.main(["--check"]) == 0


def test_a_few_sayings_teach_their_difference_always_the_same() -> None:
    """Texts nobody told lean to the side whose words they have; twice gives the same weights."""
    found = [features(read(text)) for text in ENDS + OTHERS]
    labels = [True] * len(ENDS) + [False] * len(OTHERS)
    stops = learn.stop_weights(found, labels)
    meant = ["opt_out" if label else "interested" for label in labels]
    intents = learn.intent_weights(found, meant)
    assert learn.stop_weights(found, labels) == stops
    weights = Weights(stops=stops, intents=intents)
    asked, agreed = weights.lean(read("leave him alone")), weights.lean(read("on friday"))
    assert asked.stops > 0.5 > agreed.stops
    assert asked.intents["opt_out"] > asked.intents["interested"]
    assert agreed.intents["interested"] > agreed.intents["opt_out"]
    assert len(intents[BIAS]) == len(INTENTS)


def test_sayings_come_from_both_kinds_of_file_each_once(tmp_path: Path) -> None:
    """YAML by language holds intents and those that end it, a table is named for its intent."""
    (tmp_path / "en.yaml").write_text('other: ["ok"]\ncomplaint stops: ["spam!"]\n')
    (tmp_path / "replies/en").mkdir(parents=True)
    (tmp_path / "replies/en/wrong_person.tsv").write_text("0\tok\n1\the died\\nlast year\n")
    told = [(saying.intent, saying.stops, saying.text) for saying in learn.sayings(tmp_path)]
    assert told == [
        ("other", False, "ok"),
        ("complaint", True, "spam!"),
        ("wrong_person", True, "he died\nlast year"),
    ]


@pytest.mark.parametrize("line", ["no label", "2\ttext", "1 text"])
def test_what_is_no_saying_is_refused(tmp_path: Path, line: str) -> None:
    """The message names file and line."""
    (tmp_path / "other.tsv").write_text(f"0\tok\n{line}\n")
    with pytest.raises(RuleError, match=r"other\.tsv:2"):
        list(learn.sayings(tmp_path))
