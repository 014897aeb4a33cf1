"""Reading tables: encodings, delimiters, quoting, bounds."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup_intake.core.errors import NotATable
from followup_intake.core.table import MAX_CELLS, MAX_RECORD, read_table

ROWS = 'Name,Email,Notes\r\nZoë Lake,zoe@example.com,"one\r\ntwo, ""three"""\r\n\r\nTom,,\r\n'


def _records(data):
    return [(record.row, record.cells) for record in read_table(data).records]


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
)
def test_encodings_are_recognised(encoding):
    """With their mark or, in UTF-16, without it."""
    data = ROWS.encode(encoding)
    assert _records(data)[0] == (1, ["Zoë Lake", "zoe@example.com", 'one\r\ntwo, "three"'])


def test_the_headings_of_an_old_spreadsheet_are_read_as_windows_1252():
    """They are found whatever their accents, and shown as they were written."""
    data = "Prénom;Nom;Téléphone\nZoé;Le Goff;+33199001234\n".encode("cp1252")
    table = read_table(data)
    assert table.header == ("Prénom", "Nom", "Téléphone")
    assert [record.cells[0] for record in table.records] == ["Zoé"]


def test_a_line_of_an_old_spreadsheet_is_read_as_windows_1252():
    """One such line spoils neither itself nor the others."""
    data = "Name,Email\nZoë,a@example.com\n".encode() + "Zoë,b@example.com\n".encode("cp1252")
    assert [cells[0] for _, cells in _records(data)] == ["Zoë", "Zoë"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_are_recognised(delimiter):
    """By the header they make sense of."""
    data = delimiter.join(["Full Name", "E-mail", "City, State"]) + "\n" + delimiter.join("abc")
    table = read_table(data.encode())
    assert table.dialect.delimiter == delimiter
    assert [r.cells for r in table.records] == [["a", "b", "c"]]


def test_rows_count_from_the_header_and_blank_lines_count():
    """As a CSV reader counts: line breaks in a cell count for nothing."""
    assert [row for row, _ in _records(ROWS.encode())] == [1, 2, 3]
    titled = "sep=;\n\nOur leads\nName;Email\nTom;t@example.com\n"
    assert _records(titled.encode()) == [(1, ["Tom", "t@example.com"])]


def test_an_open_file_is_read_and_left_open():
    """Its owner closes it."""
    file = io.BytesIO(ROWS.encode())
    assert len(list(read_table(file).records)) == 3
    assert not file.closed


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"  \r\n ",
        b"PK\x03\x04rest",
        b"%PDF-1.7",
        bytes(range(256)) * 40,
        b"\x00" * 5000,
        b"a,b,c\n1,2,3\n",
        b'[{"email": "a@example.com"}]',
        b"<html><body>Email</body></html>",
    ],
)
def test_what_is_no_table_of_leads_is_refused_with_its_reason(data):
    """Binary, empty, or without a column we know."""
    with pytest.raises(NotATable) as refused:
        read_table(data)
    assert refused.value.reason


def test_a_huge_cell_spoils_its_own_record_only():
    """What an unclosed quote swallowed is faulty, what follows is read."""
    data = b'Name,Email\n"' + b"x" * 200_000 + b'",a@example.com\nTom,t@example.com\n'
    first, second = read_table(data).records
    assert first.fault
    assert (second.cells, second.fault) == (["Tom", "t@example.com"], None)


def test_a_huge_line_and_a_wide_row_spoil_themselves_only():
    """Neither takes the memory of the process nor the rest of the file."""
    data = (
        b"Name,Email\n"
        + b"," * 3_000_000
        + b"\n"
        + b"a," * (MAX_CELLS + 5)
        + b"\nTom,t@example.com\n"
    )
    huge, wide, last = read_table(data).records
    assert huge.fault
    assert wide.fault
    assert last.cells == ["Tom", "t@example.com"]


def test_a_record_of_endless_lines_is_cut():
    """Quoted line breaks do not make a record without bound; reading goes on behind the cut."""
    cell = b'"' + b"x\n" * 60_000 + b'",'
    data = b"Name,Email\n" + cell * 60 + b"\nTom,t@example.com\n"
    records = list(read_table(data).records)
    assert records[0].fault
    assert len(records) > 1
    assert max(sum(map(len, r.cells)) for r in records) < MAX_RECORD


@given(
    st.binary(max_size=400), st.sampled_from([b"", b"Name,Email\n", b"\xff\xfe", b"Email\tPhone\n"])
)
def test_any_bytes_are_a_table_or_no_table(data, head):
    """Nothing else happens, and rows are counted without gaps."""
    try:
        table = read_table(head + data)
    except NotATable:
        return
    rows = [record.row for record in table.records]
    assert rows == list(range(1, 1 + len(rows)))
