"""What of a message its sender wrote, and what is quoted, signature or our own footer.

An opt-out above or below a quote counts; one inside our own quoted footer must not. So
words are only set aside when their place says that they are not the sender's, and a quote
without marks ends behind our footer, where people write below it.
"""

import re
from dataclasses import dataclass
from typing import Final

from followup_replies.core.folding import TEXT_LIMIT, Sentence, fold, sentences
from followup_replies.core.matching import hits, masked, well_spelt
from followup_replies.core.rulebook import Rulebook
from followup_replies.core.rulefiles import rulebook

_MARKED: Final = re.compile(r"\s*(?:>|\|\s)")
_WROTE: Final = re.compile(
    # Apple, Gmail and Thunderbird in five languages: "On 3 May 2026, X <x@y> wrote:".
    r"\s*(?:on|el|le|am|em|a)\b.{3,200}"
    r"(?:wrote|writes|escribio|a ecrit|ecrivait|schrieb|escreveu).{0,120}:\s*$"
    r"|.{0,160}<[^<>\s]{3,100}>.{0,20}(?:wrote|escribio|a ecrit|schrieb|escreveu)\s*:?\s*$"
    r"|.{0,120}(?:wrote|escribio|a ecrit|schrieb|escreveu)\s*:\s*$"
)
_WROTE_BEGINS: Final = re.compile(r"\s*(?:on|el|le|am|em)\b.{6,200}$")
_DIVIDER: Final = re.compile(
    r"\s*(?:-{2,}|_{2,}|={2,}|\*{2,})\s*(?:original message|forwarded message|mensaje original|"
    r"mensaje reenviado|message d'origine|message original|message transfere|"
    r"ursprungliche nachricht|weitergeleitete nachricht|original-nachricht|mensagem original|"
    r"mensagem encaminhada|reply message|replied message)\s*[-_=*]*\s*$"
    r"|\s*_{10,}\s*$"
    r"|\s*(?:begin forwarded message|debut du message (?:reexpedie|transfere)|"
    r"anfang der weitergeleiteten nachricht|inicio del mensaje reenviado)\s*:?\s*$"
)
_FIELD: Final = re.compile(
    r"\s*\*?(?:from|sent|date|to|cc|subject|de|enviado(?: el)?|fecha|para|asunto|envoye|a|objet|"
    r"von|gesendet|datum|an|betreff|enviada(?: em)?|data|assunto)\*?\s*:\*?\s?.{0,300}$"
)
_FROM: Final = re.compile(r"\s*\*?(?:from|de|von)\*?\s*:.{1,300}$")
_SIGNATURE: Final = re.compile(r"--\s?$|[-_]{2,3}\s*$")
_DEVICE: Final = re.compile(
    r"\s*(?:sent (?:from|via|with) (?:my|the|outlook|yahoo|gmail|proton|samsung|mail|iphone)|"
    r"get outlook for|enviado desde (?:mi|el|outlook)|envoye (?:de|depuis) (?:mon|outlook)|"
    r"telecharger outlook|obtener outlook|von meinem .{2,40} gesendet|gesendet (?:von|mit)|"
    r"enviado do (?:meu|outlook)|obter o outlook|outlook fur .{3,10} (?:beziehen|herunterladen)|"
    r"(?:sent from )?yahoo mail: search, organi[sz]e, conquer|sent by .{2,30}phone)[^.:;!?]{0,80}"
    # What says more than to excuse itself is its sender's: "Sent from my iPhone. STOP".
    r"(?:[.;!:]\s*(?:please |pls )?(?:excuse|forgive|pardon|sorry|apolog|disculp|perdon|desculp|"
    r"entschuldig|verzeih|desole)[^.!?]{0,80})?[.!]*\s*$"
)
_DISCLAIMER: Final = re.compile(
    r"\s*\*{0,2}(?:(?:notice|note|important|warning|nota|avis|hinweis|aviso)\s*:\s*)?"
    r"(?:confidentiality (?:notice|note)|disclaimer|privileged and confidential|"
    r"this (?:e-?mail|message|communication|transmission)\b.{0,120}"
    r"(?:confidential|privileged|intended (?:only|solely|for (?:the|use))|"
    r"attachments (?:is|are|may))|"
    r"the (?:information|contents?) (?:contained )?(?:in|of) this.{0,120}"
    r"(?:confidential|privileged|intended)|if you are not the intended|"
    r"este (?:mensaje|correo)\b.{0,120}(?:confidencial|exclusiv|unicamente)|aviso legal|"
    r"ce (?:message|courriel|mail)\b.{0,120}(?:confidentiel|exclusiv|uniquement|strictement)|"
    r"diese (?:e-?mail|nachricht)\b.{0,120}(?:vertraulich|ausschliesslich)|"
    r"esta mensagem\b.{0,120}(?:confidencia|exclusiv))"
)
_LINK: Final = re.compile(r"[<(]?https?://\S{1,400}")
_SIGNATURE_LINES: Final = 12


@dataclass(frozen=True, slots=True)
class Parts:
    """A message taken apart: `own` is what its sender wrote, `footer` what we said before."""

    own: str
    quoted: str
    signature: str
    footer: str


def take_apart(body: str, *, book: Rulebook | None = None) -> Parts:
    """Sort the lines of `body` (its first 10,000 characters), each as it stood."""
    book = book or rulebook()
    lines = body[:TEXT_LIMIT].replace("\r\n", "\n").replace("\r", "\n").split("\n")
    sorter = _Sorter(lines, book)
    sorter.run()
    return Parts(
        own="\n".join(sorter.own).strip(),
        quoted="\n".join(sorter.quoted).strip(),
        signature="\n".join(sorter.signature).strip(),
        footer="\n".join(sorter.footer).strip(),
    )


class _Sorter:
    """Goes through the lines once; `_goal` is where a line goes that says nothing itself."""

    def __init__(self, lines: list[str], book: Rulebook) -> None:
        self._lines = lines
        self._folded = [fold(line) for line in lines]
        self._book = book
        self.own: list[str] = []
        self.quoted: list[str] = []
        self.signature: list[str] = []
        self.footer: list[str] = []
        self._goal = self.own
        self._left = 0
        self._footed = False

    def run(self) -> None:
        """Sort every line."""
        skip = 0
        for number, line in enumerate(self._lines):
            if skip:
                skip -= 1
                self.quoted.append(line)
                continue
            skip = self._heading_lines(number)
            if skip:
                self._goal, self._footed = self.quoted, False
                self.quoted.append(line)
                skip -= 1
                continue
            self._sort(number, line)

    def _heading_lines(self, number: int) -> int:
        """Count the lines that announce a quote here, 0 when none does."""
        folded = self._folded[number]
        if _MARKED.match(folded):
            return 0
        if _DIVIDER.match(folded):
            return 1
        if _WROTE.match(folded):
            return 1
        after = self._folded[number + 1 : number + 4]
        if after and _WROTE_BEGINS.match(folded) and _WROTE.match(f"{folded} {after[0]}"):
            return 2
        if _FROM.match(folded):
            fields = sum(1 for line in after if _FIELD.match(line))
            return 1 + fields if fields >= 2 else 0  # noqa: PLR2004 - one alone may be prose
        return 0

    def _sort(self, number: int, line: str) -> None:
        folded = self._folded[number]
        if _MARKED.match(folded):
            self.quoted.append(line)
            if self._goal is not self.own:
                # A marked quote has its own end: what follows unmarked is the sender's again.
                self._goal = self.own
            return
        if self._is_footer(folded):
            self.footer.append(line)
            self._footed = True
            return
        if self._goal is self.quoted:
            self._in_unmarked_quote(line)
        elif _DEVICE.match(_LINK.sub("", folded)) and not self._asks(folded):
            self.signature.append(line)
        elif _SIGNATURE.match(folded) or _DISCLAIMER.match(folded):
            self._goal, self._left = self.signature, _SIGNATURE_LINES
            self.signature.append(line)
        else:
            self._in_place(line)

    def _in_place(self, line: str) -> None:
        self._goal.append(line)
        if self._goal is self.signature:
            self._left -= 1
            if not self._left:
                self._goal = self.own

    def _in_unmarked_quote(self, line: str) -> None:
        """Go on quoting until a blank line behind our footer."""
        self.quoted.append(line)
        if self._footed and not line.strip():
            self._goal, self._footed = self.own, False

    def _is_footer(self, folded: str) -> bool:
        """Tell whether a line is our footer; within a quote it need only begin so.

        People cite it: "reply STOP to opt out does not work, stop it", "Text STOP to end,
        it said. So: stop". What is half a footer in each of its sentences is ours.
        """
        found = [sentence for sentence in sentences(folded) if sentence.words]
        covered = [self._covered(sentence) for sentence in found]
        if self._goal is self.quoted:
            return any(covered)
        return (
            bool(found)
            and all(
                length * 2 >= len(sentence.words)
                for length, sentence in zip(covered, found, strict=True)
            )
            and not self._asks(folded)
        )

    def _asks(self, folded: str) -> bool:
        """Tell whether a line asks for an end in words that are no footer."""
        read = well_spelt(sentences(folded), book=self._book)
        return any(hit.rule.intent == "opt_out" for hit in hits(read, book=self._book)) or any(
            self._book.keywords.get(sentence.words[-1]) == "stop"
            for sentence in (masked(each, book=self._book) for each in read)
            if sentence.words
        )

    def _covered(self, sentence: Sentence) -> int:
        """Give how many words from its beginning are our footer."""
        spans = (span for _, span in self._book.footers.find(sentence))
        return max((span.end for span in spans if span.start == 0), default=0)
