import math
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from followup_replies.core.ending import ends, likelihood
from followup_replies.core.errors import RuleError
from followup_replies.core.features import features
from followup_replies.core.folding import Sentence, fold, sentences
from followup_replies.core.intents import INTENTS, Intent
from followup_replies.core.leanings import (
    BIAS,
    NOTHING,
    Leaning,
    Weights,
    learnt,
    parsed,
    table,
    written,
)
from followup_replies.core.matching import Hit
from followup_replies.core.reading import InboundText, read
from followup_replies.core.rulebook import Rule, Span

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
KEYWORDS = st.sampled_from(["STOP", "Unsubscribe", "baja", "ARRÊT", "stopp", "sair", "s t o p"])


def of(text: str) -> tuple[Sentence, ...]:
    return sentences(fold(text))


def test_features_of_a_sentence() -> None:
    """Words, beginnings, pairs next to each other, over one, and anywhere, runs, a question."""
    found = features(of("leave me alone please?"))
    assert {"alone", "pleas*", "leave me", "^ leave", "please $", "leave _ alone"} <= found
    assert {"leave&please", "#<lea", "#ase>", "?"} <= found


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=300))
def test_any_text_leans_somewhere_and_always_there(text: str) -> None:
    """Likelihoods lie between 0 and 1, those of the intents add up to one; twice the same."""
    told = learnt().lean(of(text))
    assert told == learnt().lean(of(text))
    if told != NOTHING:
        assert set(told.intents) == set(INTENTS)
        assert math.isclose(sum(told.intents.values()), 1)
        assert 0 <= told.stops <= 1


@settings(max_examples=50, deadline=None)
@given(keyword=KEYWORDS, around=st.sampled_from(["{}", " {} ", "{}!", "\n{}\n", "{}."]))
def test_a_keyword_always_ends_it(keyword: str, around: str) -> None:
    """No weight is asked about a message that is a keyword as a whole."""
    reading = read(InboundText(channel="sms", body=around.format(keyword)), received=NOW)
    assert (reading.opt_out, reading.keyword) == (True, "stop")


def test_words_that_no_saying_has_are_told_by_the_biases_alone() -> None:
    """A weight of a feature counts by the root of how many features its text has."""
    nought = ("0",) * len(INTENTS)
    weights = Weights(stops={BIAS: -20}, intents={BIAS: tuple(map(int, nought))})
    told = weights.lean(of("qwx"))
    assert told.stops == pytest.approx(1 / (1 + math.e))
    assert told.intents["question"] == pytest.approx(1 / len(INTENTS))


def test_weights_are_written_as_they_are_read() -> None:
    """Noughts take no place, and no line of a file is lost."""
    assert written((0, -3, 12)) == ",-3,12"
    assert parsed(",-3,12") == (0, -3, 12)
    assert table("x", "# made\n^bias\t1\n?\t-2\n") == {BIAS: "1", "?": "-2"}
    with pytest.raises(RuleError):
        table("x", "?\t-2\n")


def test_words_alone_end_it_when_they_are_sure_enough() -> None:
    """The more the words lean to an end the likelier it is; words that say nothing end nothing."""
    sure = Leaning(intents=dict.fromkeys(INTENTS, 0.01) | {"opt_out": 0.89}, stops=0.9)
    unsure = Leaning(intents=dict.fromkeys(INTENTS, 0.09) | {"opt_out": 0.01}, stops=0.1)
    assert ends((), sure, intent="other")
    assert not ends((), unsure, intent="other")
    assert not ends((), NOTHING, intent="other")
    assert likelihood((), unsure, wants=False) < likelihood((), sure, wants=False)


@pytest.mark.parametrize(
    ("fired", "stops", "ended"),
    [
        ((), 0.4, True),
        ((), 0.3, False),
        (("complaint",), 0.3, True),
        (("complaint",), 0.2, False),
        (("opt_out",), 0.2, True),
        (("opt_out", "complaint"), 0.2, True),
        (("opt_out",), 0.1, False),
    ],
)
def test_rules_carry_words_that_are_in_doubt(
    fired: tuple[Intent, ...],
    stops: float,
    ended: bool,  # noqa: FBT001 - a parameter of the table
) -> None:
    """A rule that asks needs least of the words, one that accuses more, no rule most."""
    leaning = Leaning(intents=dict.fromkeys(INTENTS, 1 / len(INTENTS)), stops=stops)
    assert ends([hit(intent) for intent in fired], leaning, intent="other") is ended


def hit(intent: Intent) -> Hit:
    """Give a rule for `intent` that ends the messages, as if it had fired."""
    rule = Rule(
        name=f"en.{intent}.1",
        language="en",
        intent=intent,
        weight=0.9,
        stops=True,
        negatable=False,
        asked=None,
        unless=(),
        at_most_words=None,
    )
    return Hit(rule=rule, sentence=0, span=Span(0, 1))
