"""Whether anything said ends the messages: each sentence by itself, then all of it weighed.

One sentence that asks is enough, however much else the reply wants ("Can I come Saturday?
STOP"). Else rules and words are weighed together. The weights were fitted on replies that
neither the rules nor the classifier had seen (each read by weights that were learnt without
it); the words say most. A rule that asks for an end carries a text that leans nowhere; it loses
where the words say seven to one that this is no end ("please don't take me off the waiting
list"). Vendors' signals, and replies that are a keyword as a whole, never come here.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from followup_replies.core.folding import Sentence
from followup_replies.core.intents import Intent
from followup_replies.core.keywords import keyword_in
from followup_replies.core.leanings import Leaning, learnt
from followup_replies.core.matching import Hit
from followup_replies.core.rulebook import Rulebook, Span

_WANTS_TO_HEAR: Final[frozenset[Intent]] = frozenset({"interested", "question", "not_now"})
_BASE, _ENDS = 0.65, 1.7
"""The score of words that lean nowhere, and what the odds of an end count."""
_SILENT: Final = -1.0
"""The score of words of which nothing is left but idioms."""
_ASKING_RULE, _ACCUSING_RULE = 2.2, 0.8
"""What a rule counts that asks or accuses. The first was fitted at 1.6 at most and is set higher:
whoever asks in so many words is heard in doubt."""
_OTHER_RULE: Final = -1.2
"""What a rule counts that says something else, where none speaks of an end."""
_WANTING: Final = -0.35
"""What it counts, where none speaks of an end, that the reply is likeliest to want more."""
_ENOUGH: Final = 0.4
"""From this likelihood on it ends: a text after a STOP is worse than a silence too many."""
_ENOUGH_APART: Final = 0.6
"""How far the words of one sentence or clause must lean to an end, a rule having fired in it."""
_SUREST: Final = 0.9999


def asked_apart(read: Sequence[Sentence], found: Sequence[Hit], *, book: Rulebook) -> bool:
    """Tell whether one sentence asks for an end, whatever stands in the others.

    It is a keyword as a whole, or a rule that asks fired in it and its own words lean well to an
    end, or those of the clause do in which it fired ("I still want it but quit texting me").
    `found` are all places where rules fired in `read`.
    """
    asking = {
        part
        for hit in found
        if hit.rule.intent == "opt_out"
        for part in (read[hit.sentence], _clause(read[hit.sentence], hit.span, book=book))
    }
    return any(keyword_in((each,), book=book) == "stop" for each in read) or any(
        learnt().lean((part,)).stops >= _ENOUGH_APART for part in asking
    )


def _clause(sentence: Sentence, span: Span, *, book: Rulebook) -> Sentence:
    """Give what stands between the words that join clauses around `span`."""
    joints = [at for at, word in enumerate(sentence.words) if word in book.joints]
    start = max((at for at in joints if at <= span.start), default=0)
    end = min((at for at in joints if at >= span.end), default=len(sentence.words))
    return replace(sentence, words=sentence.words[start:end])


def ends(fired: Sequence[Hit], leaning: Leaning, *, intent: Intent) -> bool:
    """Tell whether it is likely enough that nothing more may be sent to whoever said `intent`."""
    return likelihood(fired, leaning, wants=intent in _WANTS_TO_HEAR) >= _ENOUGH


def likelihood(fired: Sequence[Hit], leaning: Leaning, *, wants: bool) -> float:
    """Give how likely it is that nothing more may be sent (0 to 1)."""
    asks = any(hit.rule.intent == "opt_out" for hit in fired)
    accuses = any(hit.rule.stops and hit.rule.intent != "opt_out" for hit in fired)
    score = _by_words(leaning)
    if asks or accuses:
        score += _ASKING_RULE if asks else _ACCUSING_RULE
    else:
        score += _OTHER_RULE * max((hit.rule.weight for hit in fired), default=0.0)
        score += _WANTING * wants
    return 1 / (1 + math.exp(-score))


def _by_words(leaning: Leaning) -> float:
    """Give the score of the words alone; those that say nothing are against an end."""
    if not leaning.intents:
        return _SILENT
    return _BASE + _ENDS * _odds(leaning.stops)


def _odds(share: float) -> float:
    """Give the logarithm of the odds, bounded where a share is nought or one."""
    share = min(max(share, 1 - _SUREST), _SUREST)
    return math.log(share / (1 - share))
