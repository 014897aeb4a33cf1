"""Bytes to records: workbooks, encodings, delimiters, RFC 4180 quoting; memory stays flat."""

import csv
import io
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple, Protocol, cast

from followup_intake.core.columns import NO_MAPPING, known_fields
from followup_intake.core.errors import NotATable
from followup_intake.core.workbook import read_sheet

HEAD = 64 * 1024
MAX_CELLS = 500
MAX_LINE = 1024 * 1024
MAX_RECORD = 4 * 1024 * 1024
"""Characters of one record, its line breaks included."""

_DELIMITERS = ",\t;|"
_HEADER_WITHIN = 10
_WORKBOOK = b"PK\x03\x04"
_MAGIC = (
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook; save it as CSV"),
    (b"%PDF", "a PDF"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
)
_BOMS = (
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_BINARY = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_STRAY_BYTES = re.compile("[\udc80-\udcff]")
_SEP_LINE = re.compile(r"sep=(.)\s*", re.IGNORECASE)


class Readable(Protocol):
    """An open binary file, or anything that reads like one."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes, none at the end."""


class Record(NamedTuple):
    """One record of a table; `fault` says why its cells can't be trusted, if so."""

    row: int
    cells: list[str]
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Dialect:
    """How the table is written; a workbook's encoding is `xlsx`."""

    encoding: str
    delimiter: str


@dataclass(frozen=True, slots=True)
class Table:
    """A header and its records, to be read once. Rows count from 1 after the header."""

    header: tuple[str, ...]
    records: Iterator[Record]
    dialect: Dialect


def read_table(data: bytes | Readable, *, mapping: Mapping[str, str] = NO_MAPPING) -> Table:
    """Read a table of leads from bytes or an open binary file, which is left open.

    `mapping` says by heading what a column is (see `columns_of`). Raises NotATable when it
    is binary, empty, or no column of its header is known. Records are read as they are
    asked for; a broken one comes with its fault and ends nothing.
    """
    stream: Readable = io.BytesIO(data) if isinstance(data, bytes) else data
    head = stream.read(HEAD)
    if head.startswith(_WORKBOOK):
        return _workbook(stream, mapping)
    encoding = _encoding(head)
    sample = _sample(head, encoding)
    delimiter, header, skipped = _header(sample, mapping)
    text = io.TextIOWrapper(
        io.BufferedReader(_Rejoined(head, stream)),
        encoding=encoding,
        errors="surrogateescape" if encoding.startswith("utf-8") else "replace",
        newline="",
    )
    lines = _Lines(text)
    records = _records(lines, delimiter=delimiter, skip=skipped + 1)
    return Table(header=header, records=records, dialect=Dialect(encoding, delimiter))


def _workbook(stream: Readable, mapping: Mapping[str, str]) -> Table:
    if not hasattr(stream, "seek"):
        raise NotATable("a workbook can't be read from a stream; save it as CSV")
    file = cast("BinaryIO", stream)
    file.seek(0)
    rows = read_sheet(file)
    first = list(itertools.islice(rows, _HEADER_WITHIN))
    scores = [known_fields(row, mapping) for row in first]
    if not any(scores):
        raise NotATable("no column of the first line is known; name one e-mail, phone or name")
    at = scores.index(max(scores))
    header = _trimmed(first[at])
    found = itertools.chain(first[at + 1 :], rows)
    records = (Record(number, _as_wide(row, header)) for number, row in enumerate(found, 1))
    return Table(header=header, records=records, dialect=Dialect("xlsx", ""))


def _as_wide(row: list[str], header: Sequence[str]) -> list[str]:
    """A sheet's row as wide as its header: cells at its end that are blank aren't written."""
    while len(row) > len(header) and not row[-1].strip():
        row.pop()
    return row + [""] * (len(header) - len(row)) if any(row) else row


def _encoding(head: bytes) -> str:
    if not head.strip():
        raise NotATable("the file is empty")
    for magic, what in _MAGIC:
        if head.startswith(magic):
            raise NotATable(f"the file is {what}")
    for bom, encoding in _BOMS:
        if head.startswith(bom):
            return encoding
    # Text in UTF-16 without its mark has a zero in every other byte.
    odd, even = head[1::2].count(0), head[::2].count(0)
    third = len(head) // 6
    if odd > third or even > third:
        return "utf-16-le" if odd > even else "utf-16-be"
    return "utf-8"


def _sample(head: bytes, encoding: str) -> str:
    if encoding.startswith("utf-8"):
        lines = head.decode(encoding, errors="surrogateescape").splitlines(keepends=True)
        sample = "".join(map(_mended, lines))
    else:
        sample = head.decode(encoding, errors="replace")
    if len(_BINARY.findall(sample)) > max(32, len(sample) // 20):
        raise NotATable("the file is binary, not text")
    return sample


def _header(sample: str, mapping: Mapping[str, str]) -> tuple[str, tuple[str, ...], int]:
    """Return the delimiter, the header, and how many records stand before it."""
    announced = _SEP_LINE.match(sample)
    delimiters = announced[1] if announced else _DELIMITERS
    best: tuple[int, str, tuple[str, ...], int] | None = None
    for delimiter in delimiters:
        for index, cells in enumerate(_first_records(sample, delimiter)):
            score = known_fields(cells, mapping)
            if score and (best is None or score > best[0]):
                best = (score, delimiter, _trimmed(cells), index)
    if best is None:
        raise NotATable("no column of the first line is known; name one e-mail, phone or name")
    return best[1:]


def _first_records(sample: str, delimiter: str) -> list[list[str]]:
    reader = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)
    found: list[list[str]] = []
    try:
        for cells in itertools.islice(reader, _HEADER_WITHIN):
            found.append(cells)  # noqa: PERF402 - what came before a broken record is kept
    except csv.Error:
        return found
    return found


def _trimmed(cells: Sequence[str]) -> tuple[str, ...]:
    header = [cell.strip().lstrip("\ufeff") for cell in cells[:MAX_CELLS]]
    while header and not header[-1]:
        header.pop()
    return tuple(header)


def _records(lines: "_Lines", *, delimiter: str, skip: int) -> Iterator[Record]:
    reader = csv.reader(lines, delimiter=delimiter)
    for row in itertools.count(1 - skip):
        lines.begin_record()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as broken:
            record = Record(row, [], str(broken))
        else:
            wide = len(cells) > MAX_CELLS
            record = Record(row, cells[:MAX_CELLS], "too many cells" if wide else None)
        if row > 0:
            yield record


class _Lines:
    """Lines for a csv reader, each and all of one record within bounds."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self._in_record = 0

    def begin_record(self) -> None:
        self._in_record = 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._text.readline(MAX_LINE)
        if not line:
            raise StopIteration
        if len(line) == MAX_LINE and line[-1] not in "\r\n":
            self._drain()
            # The reader passes this on and starts afresh with the next line.
            raise csv.Error("a line is too long")
        self._in_record += len(line)
        if self._in_record > MAX_RECORD:
            raise csv.Error("a record is too long")
        return line if line.isascii() else _mended(line)

    def _drain(self) -> None:
        while (rest := self._text.readline(MAX_LINE)) and rest[-1] not in "\r\n":
            continue


def _mended(line: str) -> str:
    """Read a line that is no UTF-8 as Windows-1252, as spreadsheets of old write it."""
    if not _STRAY_BYTES.search(line):
        return line
    return line.encode("utf-8", "surrogateescape").decode("cp1252", "replace")


class _Rejoined(io.RawIOBase):
    """A stream from its beginning, though its head has been read. Does not close it."""

    def __init__(self, head: bytes, rest: Readable) -> None:
        self._head = head
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override] # the buffer protocol has no 3.11 name
        size = len(buffer)
        chunk = self._head[:size] if self._head else self._rest.read(size)
        self._head = self._head[size:]
        buffer[: len(chunk)] = chunk
        return len(chunk)
