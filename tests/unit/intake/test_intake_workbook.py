"""Workbooks as spreadsheet programs write them, built part by part."""

import io
import zipfile
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from followup_intake.core.errors import NotATable
from followup_intake.core.table import read_table
from followup_intake.core.workbook import MAX_ELEMENTS

MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
RELATED = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
LINKS = 'xmlns="http://schemas.openxmlformats.org/package/2006/relationships"'
STYLES = f"""<styleSheet {MAIN}><numFmts><numFmt numFmtId="164" formatCode="dd\\-mmm"/>
<numFmt numFmtId="165" formatCode="&quot;day&quot; 0.00"/></numFmts>
<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="22"/><xf numFmtId="164"/>
<xf numFmtId="165"/></cellXfs></styleSheet>"""
STRINGS = f"""<sst {MAIN}><si><t>Name</t></si><si><t>Phone</t></si><si><t>Submitted</t></si>
<si><r><t>Ada </t></r><r><t>Lovelace</t></r></si></sst>"""
HEADER = (
    '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c>'
    '<c r="C1" t="s"><v>2</v></c></row>'
)


ROWS = (
    '<row r="2"><c r="A2" t="s"><v>3</v></c><c r="B2"><v>3175550169</v></c>'
    '<c r="C2" s="1"><v>46158</v></c></row>'
)


def workbook(
    rows: str, *, state: str = "visible", date1904: str = "0", packed: bool = True
) -> bytes:
    parts = {
        "xl/workbook.xml": f'<workbook {MAIN} {RELATED}><workbookPr date1904="{date1904}"/><sheets>'
        f'<sheet name="Notes" state="{"hidden" if state == "visible" else "visible"}" r:id="r9"/>'
        f'<sheet name="Leads" state="{state}" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f"<Relationships {LINKS}>"
        '<Relationship Id="r1" Target="worksheets/sheet2.xml"/>'
        '<Relationship Id="r9" Target="/xl/worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f"<worksheet {MAIN}><sheetData/></worksheet>",
        "xl/worksheets/sheet2.xml": f"<worksheet {MAIN}><sheetData>{HEADER}{rows}"
        "</sheetData></worksheet>",
        "xl/sharedStrings.xml": STRINGS,
        "xl/styles.xml": STYLES,
    }
    made = io.BytesIO()
    how = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
    with zipfile.ZipFile(made, "w", how) as archive:
        for path, content in parts.items():
            archive.writestr(path, content)
    return made.getvalue()


def cells(rows: str, **more: str) -> list[list[str]]:
    return [record.cells for record in read_table(workbook(rows, **more)).records]


def test_the_first_visible_sheet_is_the_table():
    """Its header is found, hidden sheets are passed over, the dialect says xlsx."""
    table = read_table(workbook(""))
    assert table.header == ("Name", "Phone", "Submitted")
    assert table.dialect.encoding == "xlsx"


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ('<c r="A2" t="s"><v>3</v></c>', "Ada Lovelace"),
        ('<c r="A2" t="inlineStr"><is><r><t>A</t></r><r><t>da</t></r></is></c>', "Ada"),
        ('<c r="A2" t="str"><f>B1</f><v>Ada</v></c>', "Ada"),
        ('<c r="A2"><v>3175550169</v></c>', "3175550169"),
        ('<c r="A2"><v>3.175550169E9</v></c>', "3175550169"),
        ('<c r="A2"><v>2108.0</v></c>', "2108"),
        ('<c r="A2"><v>0.1</v></c>', "0.1"),
        ('<c r="A2"><v>1200.5</v></c>', "1200.5"),
        ('<c r="A2" s="1"><v>46158</v></c>', "2026-05-16"),
        ('<c r="A2" s="2"><v>46158.5</v></c>', "2026-05-16 12:00:00"),
        ('<c r="A2" s="3"><v>46158</v></c>', "2026-05-16"),
        ('<c r="A2" s="4"><v>46158</v></c>', "46158"),
        ('<c r="A2" t="b"><v>1</v></c>', "TRUE"),
        ('<c r="A2" t="b"><v>0</v></c>', "FALSE"),
        ('<c r="A2" t="e"><v>#N/A</v></c>', "#N/A"),
        ('<c r="A2" s="1"/>', ""),
    ],
)
def test_a_cell_is_read_as_its_reader_sees_it(cell, shown):
    """Numbers plain, dates as dates by their format, strings with all their runs."""
    (row,) = cells(f'<row r="2">{cell}<c r="C2"><v>1</v></c></row>')
    assert row == [shown, "", "1"]


def test_dates_count_from_1904_where_the_workbook_says_so():
    """ECMA-376 18.2.28: the other epoch of old Macs."""
    (row,) = cells('<row r="2"><c r="A2" s="1"><v>0</v></c></row>', date1904="1")
    assert row[0] == "1904-01-01"


def test_blank_cells_and_rows_keep_the_places_of_the_others():
    """What is not written is blank: a row at its number, a cell in its column."""
    rows = cells('<row r="4"><c r="B4"><v>5</v></c></row><row r="5"><c r="D5"><v>6</v></c></row>')
    assert rows == [[], [], ["", "5", ""], ["", "", "", "6"]]


def test_a_gap_nobody_scrolls_through_ends_the_table():
    """A stray cell a million rows down does not make a million blank rows."""
    assert cells('<row r="1048576"><c r="A1048576"><v>1</v></c></row>') == []


def test_a_row_without_end_is_no_table():
    """A megabyte can unpack to a row of a gigabyte: it is not held until it is whole."""
    with pytest.raises(NotATable, match="too much"):
        cells('<row r="2">' + "<c/>" * MAX_ELEMENTS + "</row>")


@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: whole[: len(whole) // 2],
        lambda _: b"PK\x03\x04" + bytes(200),
        lambda whole: whole.replace(b"xl/workbook.xml", b"xl/workbooc.xml"),
    ],
    ids=["cut off", "no archive", "no workbook in it"],
)
def test_what_is_no_workbook_is_no_table(damage):
    """A damaged workbook and a zip of anything else are refused in words."""
    with pytest.raises(NotATable):
        list(read_table(damage(workbook(""))).records)


def test_a_sheet_of_broken_xml_is_no_table():
    """The error comes when the rows are read, and is the same."""
    with pytest.raises(NotATable, match="can't be read"):
        cells('<row r="2"><c r="A2"><v>1</row>')


@settings(max_examples=150, deadline=None)
@given(
    at=st.floats(0, 1, exclude_max=True),
    put=st.binary(min_size=1, max_size=8),
    packed=st.booleans(),
)
def test_no_damage_to_a_workbook_is_anything_but_no_table(at, put, packed):
    """Whatever bytes are overwritten, in the zip or in its XML: rows, or a refusal in words."""
    whole = bytearray(workbook(ROWS, packed=packed))
    place = int(at * len(whole))
    whole[place : place + len(put)] = put
    with suppress(NotATable):
        rows = list(read_table(bytes(whole)).records)
        assert all(isinstance(cell, str) for row in rows for cell in row.cells)
