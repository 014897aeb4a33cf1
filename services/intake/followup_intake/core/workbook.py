"""The first visible sheet of an Excel workbook (ECMA-376 part 1), row by row.

Of the format only what says what a reader sees: shared and inline strings, numbers,
booleans, and which numbers are dates. A workbook is a zip of XML, so everything is
bounded: what it unpacks to, its strings, its columns. Expat refuses entities that
multiply (2.4.1 and later).
"""

import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import BinaryIO, Final
from xml.etree.ElementTree import Element, ParseError, iterparse

from followup_intake.core.errors import NotATable

MAX_UNPACKED = 1024 * 1024 * 1024
MAX_STRINGS = 64 * 1024 * 1024
"""Characters of all shared strings together: they are held while the sheet is read."""
MAX_COLUMNS = 500
MAX_ELEMENTS = 500_000
"""Elements within one row or string, and beside them: all are held until it is read."""
MAX_GAP = 1000
"""Rows without any cell that are told as blank ones; a longer gap ends the table."""

_PACKED = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATED = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_LINKS = "{http://schemas.openxmlformats.org/package/2006/relationships}"
# Numbers of the built-in formats that show a date or a time (ECMA-376 18.8.30).
_DATES = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
_UNSHOWN = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.')
_EPOCHS: Final = {False: datetime(1899, 12, 30), True: datetime(1904, 1, 1)}  # noqa: DTZ001 - a sheet's dates have no zone
_REFERENCE = re.compile(r"([A-Z]{1,3})(\d+)")


@dataclass(frozen=True, slots=True)
class _Book:
    """What a sheet's cells refer to."""

    strings: tuple[str, ...]
    dates: frozenset[int]
    epoch: datetime


def read_sheet(file: BinaryIO) -> Iterator[list[str]]:
    """Yield the rows of the first visible sheet as texts, blank ones included.

    Numbers are written plainly, dates as `2026-05-16 10:00:00`. Raises `NotATable`, also
    on the way, where the workbook is damaged, locked with a password, or too large.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            if any(member.compress_type not in _PACKED for member in archive.infolist()):
                raise NotATable("the workbook is packed in a way spreadsheets do not use")
            if sum(member.file_size for member in archive.infolist()) > MAX_UNPACKED:
                raise NotATable("the workbook is too large")
            path, epoch = _first_sheet(archive)
            book = _Book(_strings(archive), _date_styles(archive), epoch)
            yield from _rows(archive, path, book)
    except (zipfile.BadZipFile, zlib.error, ParseError, LookupError, ValueError, EOFError) as error:
        raise NotATable(f"the workbook can't be read: {error}") from None
    except (NotImplementedError, RuntimeError):  # how zipfile says that a password is needed
        raise NotATable("the workbook is locked with a password") from None


def _first_sheet(archive: zipfile.ZipFile) -> tuple[str, datetime]:
    links = {
        link.get("Id", ""): link.get("Target", "")
        for link in _elements(archive, "xl/_rels/workbook.xml.rels", f"{_LINKS}Relationship")
    }
    newer, sheets = False, list[Element]()
    with archive.open("xl/workbook.xml") as opened:
        for _, element in iterparse(opened):  # noqa: S314 - bounded, see above
            if element.tag == f"{_MAIN}workbookPr":
                newer = element.get("date1904") in {"1", "true"}
            elif element.tag == f"{_MAIN}sheet":
                sheets.append(element)
    shown = [sheet for sheet in sheets if sheet.get("state", "visible") == "visible"] or sheets
    if not shown:
        raise NotATable("the workbook has no sheet")
    target = links[shown[0].get(f"{_RELATED}id", "")]
    path = target.removeprefix("/") if target.startswith("/") else f"xl/{target}"
    return path, _EPOCHS[newer]


def _strings(archive: zipfile.ZipFile) -> tuple[str, ...]:
    if "xl/sharedStrings.xml" not in archive.namelist():
        return ()
    found, size = list[str](), 0
    for element in _elements(archive, "xl/sharedStrings.xml", f"{_MAIN}si"):
        text = _text(element)
        size += len(text)
        if size > MAX_STRINGS:
            raise NotATable("the workbook holds too much text; save it as CSV")
        found.append(text)
    return tuple(found)


def _date_styles(archive: zipfile.ZipFile) -> frozenset[int]:
    if "xl/styles.xml" not in archive.namelist():
        return frozenset()
    own: dict[int, str] = {}
    formats: list[int] = []
    inside = False
    with archive.open("xl/styles.xml") as opened:
        for event, element in iterparse(opened, events=("start", "end")):  # noqa: S314 - bounded
            if element.tag == f"{_MAIN}cellXfs":
                inside = event == "start"
            elif event == "end" and element.tag == f"{_MAIN}numFmt":
                own[int(element.get("numFmtId", "0"))] = element.get("formatCode", "")
            elif event == "end" and inside and element.tag == f"{_MAIN}xf":
                formats.append(int(element.get("numFmtId", "0")))
    return frozenset(at for at, number in enumerate(formats) if _is_date(number, own))


def _is_date(number: int, own: Mapping[int, str]) -> bool:
    if number not in own:
        return number in _DATES
    shown = _UNSHOWN.sub("", own[number]).lower()
    return any(letter in shown for letter in "ydh") or "mm" in shown


def _rows(archive: zipfile.ZipFile, path: str, book: _Book) -> Iterator[list[str]]:
    at = 0
    for row in _elements(archive, path, f"{_MAIN}row"):
        number = int(row.get("r", at + 1))
        if number - at > MAX_GAP:
            return
        for _ in range(at + 1, number):
            yield []
        at = max(at + 1, number)
        yield _cells(row, book)


def _cells(row: Element, book: _Book) -> list[str]:
    cells: list[str] = []
    for cell in row:
        found = _REFERENCE.fullmatch(cell.get("r", ""))
        place = _column(found[1]) if found else len(cells)
        if place >= MAX_COLUMNS:
            break
        cells += [""] * (place - len(cells))
        cells.append(_shown(cell, book))
    return cells


def _column(letters: str) -> int:
    place = 0
    for letter in letters:
        place = place * 26 + ord(letter) - ord("A") + 1
    return place - 1


def _shown(cell: Element, book: _Book) -> str:
    kind = cell.get("t", "n")
    if kind == "inlineStr":
        return _text(cell)
    value = cell.findtext(f"{_MAIN}v") or ""
    match kind:
        case "s":
            return book.strings[int(value)] if value else ""
        case "b":
            return "TRUE" if value == "1" else "FALSE"
        case "n" if value:
            return _number(value, date=int(cell.get("s", "0")) in book.dates, epoch=book.epoch)
        case _:
            return value


def _number(value: str, *, date: bool, epoch: datetime) -> str:
    number = float(value)
    if date:
        return _moment(number, epoch)
    # Digits beyond the fifteenth are noise of the binary form (ECMA-376 18.18.11).
    return f"{number:.0f}" if number.is_integer() and abs(number) < 1e15 else f"{number:.15g}"  # noqa: PLR2004 - see above


def _moment(serial: float, epoch: datetime) -> str:
    try:
        at = epoch + timedelta(seconds=round(serial * 86_400))
    except (OverflowError, ValueError):  # beyond the calendar, or no number
        return str(serial)
    return str(at.date()) if serial.is_integer() else str(at)


def _text(element: Element) -> str:
    """The text of a string in all its runs, without the readings above East Asian ones."""
    inside = element.find(f"{_MAIN}is")
    holder = element if inside is None else inside
    runs = (*holder.iterfind(f"{_MAIN}t"), *holder.iterfind(f"{_MAIN}r/{_MAIN}t"))
    return "".join(run.text or "" for run in runs)


def _elements(archive: zipfile.ZipFile, path: str, tag: str) -> Iterator[Element]:
    """Yield the elements of a name, each forgotten when the next is asked for."""
    open_ones: list[Element] = []
    held = 0
    with archive.open(path) as opened:
        for event, element in iterparse(opened, events=("start", "end")):  # noqa: S314 - bounded
            if event == "start":
                open_ones.append(element)
                held += 1
                if held > MAX_ELEMENTS:
                    raise NotATable("the workbook holds too much in one place")
                continue
            open_ones.pop()
            if element.tag == tag:
                yield element
                held = len(open_ones)
                # What was read must not pile up under its parent.
                open_ones[-1].clear()
