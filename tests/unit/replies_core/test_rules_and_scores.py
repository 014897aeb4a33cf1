from typing import TYPE_CHECKING

import pytest

from followup_replies.core.errors import RuleError
from followup_replies.core.folding import fold, sentences
from followup_replies.core.phrases import compile_phrase
from followup_replies.core.reading import Reading
from followup_replies.core.rulebook import PhraseIndex
from followup_replies.core.rulefiles import compile_rules, rulebook
from followup_replies.core.scores import Row, evaluate, figures_object, row_object

if TYPE_CHECKING:
    from followup_replies.core.intents import Intent


def stands(phrase: str, text: str) -> bool:
    index = PhraseIndex([(compile_phrase(phrase, words={"us": ["me", "my team"]}), None)])
    return any(True for sentence in sentences(fold(text)) for _ in index.find(sentence))


@pytest.mark.parametrize(
    ("phrase", "text", "expected"),
    [
        ("take me off", "Please TAKE me off!", True),
        ("take <us> off", "take my team off", True),
        ("take me? off", "take off", True),
        ("take ... off", "take all of us off", True),
        ("take ... off", "take one two three four off", False),
        ("take ... off", "take it. Off we go", False),
        ("unsubscri*", "unsubscribing", True),
        ("^ stop", "please stop", False),
        ("stop $", "please stop", True),
        ("(do not|never) call", "Never call", True),
        ("n'est pas", "ce n\u2019est pas moi", True),
        ("call", "recall", False),
    ],
)
def test_phrases(phrase: str, text: str, *, expected: bool) -> None:
    """Words, stems, choices, gaps and ends of sentences."""
    assert stands(phrase, text) is expected


@pytest.mark.parametrize("phrase", ["", "(a", "a)", "?", "... a", "a?", "<nobody> a", "a & b"])
def test_what_is_no_phrase_is_refused(phrase: str) -> None:
    """A slip in a rule file is found when it is read."""
    with pytest.raises(RuleError):
        compile_phrase(phrase)


@pytest.mark.parametrize(
    "text",
    [
        "- a list",
        "surprise: 1",
        "rules: {no_intent: [{say: [a]}]}",
        "rules: {other: [{weight: 0.5}]}",
        "thumbs: [shop]",
        "rules: {other: [{say: [a], weight: 2}]}",
        "negators: [no]",
    ],
)
def test_what_is_no_rule_file_is_refused(text: str) -> None:
    """The message names the place."""
    with pytest.raises(RuleError):
        compile_rules({"xx": text})


def test_the_shipped_rules_compile_once() -> None:
    """The same object is given again."""
    assert rulebook() is rulebook()


def test_no_correction_takes_a_real_word_of_another_language() -> None:
    """A slip in one language may be a common word of the next ("to", "ya"); those stay."""
    book = rulebook()
    real = book.negators.union(*book.common.values())
    assert real.isdisjoint(book.spellings)
    assert not {"to", "ya", "thank", "youre", "brought", "sin", "die"} & set(book.spellings)


def row(number: int, label: "Intent", got: "Intent", *, stops: bool, stopped: bool) -> Row:
    reading = Reading(
        intent=got, opt_out=stopped, keyword=None, confidence=0.8, until=None, rules=()
    )
    return Row(id=str(number), reading=reading, intent=label, opt_out=stops)


def test_figures() -> None:
    """Precision, recall and F1 by label, their mean, and those of the opt-out flag."""
    evaluation = evaluate(
        [
            row(1, "opt_out", "opt_out", stops=True, stopped=True),
            row(2, "opt_out", "other", stops=True, stopped=False),
            row(3, "other", "other", stops=False, stopped=False),
            row(4, "question", "other", stops=False, stopped=True),
        ]
    )
    assert evaluation.per_intent["opt_out"].recall == 0.5
    assert evaluation.per_intent["opt_out"].precision == 1.0
    assert evaluation.per_intent["other"].precision == pytest.approx(1 / 3)
    assert evaluation.macro_f1 == pytest.approx((2 / 3 + 0.5 + 0.0) / 3)
    assert (evaluation.opt_out.recall, evaluation.opt_out.precision) == (0.5, 0.5)
    assert evaluation.confusion["opt_out"] == {"opt_out": 1, "other": 1}
    assert evaluation.accuracy == 0.5


def test_a_row_is_told_without_the_words_of_its_reply() -> None:
    """A machine gets id, intent, opt-out, confidence and date."""
    labelled = row(1, "other", "other", stops=False, stopped=False)
    assert row_object(labelled) == {
        "id": "1",
        "intent": "other",
        "opt_out": False,
        "confidence": 0.8,
        "until": None,
    }
    assert figures_object(evaluate([labelled]))["macro_f1"] == 1.0
