import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

CSV = {"Content-Type": "text/csv"}
FILE = (
    "First Name,Phone,Email,Source,Consent\n"
    "Ada,(212) 555-0123,ada@example.com,Website,yes\n"
    "Grace,+1 415 555 0199,,Facebook,\n"
    "Nobody,,,Website,\n"
    "ada,,ADA@example.com,Website,\n"
)


async def imported(intake, content: bytes, **more):
    return await intake.post("/v1/leads/import", content=content, headers=CSV, **more)


async def test_a_file_is_imported_row_by_row(intake):
    """What can be reached is taken, what repeats a row is merged, the rest is refused by row."""
    answer = await imported(intake, FILE.encode())

    assert answer.status_code == 200, answer.text
    report = answer.json()
    assert (report["rows"], report["accepted"], report["refused"]) == (4, 3, 1)
    assert report["merged"] == 1
    assert [refusal["row"] for refusal in report["refusals"]] == [3]
    assert len(await intake.rows("SELECT 1 FROM people.persons WHERE merged_into IS NULL")) == 2


async def test_a_file_imported_twice_changes_nothing(intake):
    """The same report, the same leads, nobody announced again."""
    first = await imported(intake, FILE.encode())
    leads, events = await intake.leads(), await intake.events()
    second = await imported(intake, FILE.encode())

    same = ("import_id", "rows", "accepted", "refused", "merged", "reasons", "refusals")
    assert {k: second.json()[k] for k in same} == {k: first.json()[k] for k in same}
    assert await intake.leads() == leads
    assert await intake.events() == events


async def test_the_ad_platforms_utf_16_is_read(intake):
    """A TSV in UTF-16 with its mark is the same table."""
    answer = await imported(intake, FILE.replace(",", "\t").encode("utf-16"))
    assert answer.json()["accepted"] == 3
    (ada, *_) = await intake.rows("SELECT first_name FROM people.persons ORDER BY first_name")
    assert ada["first_name"] == "Ada"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"   \n\n",
        b"PK\x03\x04" + bytes(200),
        b"%PDF-1.7\n" + bytes(range(256)) * 4,
        b"dear sir or madam\nplease find attached\n",
        b'{"first_name": "Ada"}',
        bytes(range(256)) * 100,
    ],
    ids=["nothing", "blanks", "a workbook", "a PDF", "prose", "JSON", "noise"],
)
async def test_what_is_no_table_is_refused_whole(intake, pointers, content):
    """422, and nothing at all is kept."""
    answer = await imported(intake, content)

    assert answer.status_code == 422, answer.text
    assert pointers(answer) == [""]
    assert await intake.leads() == []
    assert await intake.rows("SELECT 1 FROM intake.imports") == []


async def test_torn_rows_cost_only_themselves(intake):
    """An open quote, too many cells, bytes that are no text: those around them are taken."""
    content = (
        b"First Name,Phone,Email\n"
        b"Ada,+12125550123,\n"
        b"Eve,+12125550124,,,,,,,,\n"
        b"Bob\xff\xfe,+12125550125,\n"
        b"Joe,+12125550126,\n"
    )
    report = (await imported(intake, content)).json()
    assert report["rows"] == 4
    assert report["accepted"] >= 2
    numbers = await intake.rows("SELECT number, verdict FROM intake.import_rows ORDER BY number")
    verdicts = {row["number"]: row["verdict"] for row in numbers}
    assert verdicts[1].startswith("accept")
    assert verdicts[4].startswith("accept")


async def test_an_import_belongs_to_the_tenant_of_its_key(intake):
    """The same file for two tenants is two imports."""
    ours = await imported(intake, FILE.encode())
    theirs = await imported(intake, FILE.encode(), token=intake.other_token)
    assert ours.json()["import_id"] != theirs.json()["import_id"]
    assert ours.json()["accepted"] == theirs.json()["accepted"] == 3


async def test_leads_of_an_import_wait_behind_fresh_ones(intake):
    """They are announced in lane `later`, a repeated row as an update."""
    await imported(intake, FILE.encode())
    kinds = [(type(e).__name__, getattr(e, "lane", None)) for e in await intake.events()]
    assert kinds == [("LeadCaptured", "later")] * 2 + [("LeadUpdated", None)]


HEADER = st.lists(
    st.sampled_from(["First Name", "Phone", "email", "Consent", "Created", "x", ""]), min_size=1
).map(",".join)
CELLS = st.lists(st.text(max_size=12) | st.sampled_from(["+12125550123", '"', "\r", "a@b.co"]))
TABLES = st.tuples(HEADER, st.lists(CELLS.map(",".join), max_size=6)).map(
    lambda parts: "\n".join([parts[0], *parts[1]]).encode("utf-8", "surrogatepass")
)


@settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(content=TABLES | st.binary(max_size=400))
def test_no_file_makes_a_500(steady, content):
    """Any bytes are a table or a problem of the caller's."""
    for answer in steady.files(content):
        assert answer.status_code in (200, 422), answer.text
