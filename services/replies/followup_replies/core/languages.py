"""Which language a text is probably in, by its commonest words; only dates depend on it."""

from followup_replies.core.folding import Sentence
from followup_replies.core.rulebook import Rulebook


def language_of(read: tuple[Sentence, ...], *, book: Rulebook, hint: str | None = None) -> str:
    """Give the two-letter code of `hint` if it has one, else the likeliest, else "en"."""
    if hint and hint[:2].lower() in book.common:
        return hint[:2].lower()
    words = [word for sentence in read for word in sentence.words]
    counts = {
        language: sum(word in common for word in words) for language, common in book.common.items()
    }
    best = max(counts, key=lambda language: (counts[language], language == "en"), default="en")
    return best if counts.get(best) else "en"
