"""Imports that are cut off, followed, previewed, and their result files."""

import csv
import io
from collections.abc import Callable

import pytest

from followup_intake.capture import Capture
from followup_intake.imports import Importer
from followup_messaging.outbox import Outbox
from followup_suppression import StopFence

HEADER = "First Name,Phone,Email,Source,Consent\n"
ROWS = 1_750
PEOPLE = "SELECT first_name, last_name FROM people.persons WHERE merged_into IS NULL ORDER BY 1, 2"
CSV = {"Content-Type": "text/csv"}


def _row(n: int) -> str:
    if n % 50 == 0:
        return "Nobody,,,Website,\n"
    again = n - 7 if n % 40 == 0 else n
    return f"Ada{n},,ada{again}@example.com,Website,{'no' if n % 9 == 0 else 'yes'}\n"


FILE = (HEADER + "".join(map(_row, range(1, ROWS + 1)))).encode()


class Killed(Exception):
    """The process is gone."""


class Dying(io.BytesIO):
    """A file whose reader is killed when it is read a second time, behind some bytes."""

    def __init__(self, content: bytes, *, after: int) -> None:
        super().__init__(content)
        self.after = after
        self.hashed = False

    def seek(self, *args: int) -> int:
        self.hashed = True
        return super().seek(*args)

    def read(self, size: int | None = -1) -> bytes:
        if self.hashed and self.tell() > self.after:
            raise Killed
        return super().read(min(size or 1024, 1024) if self.hashed else size)


def _importer(intake) -> Importer:
    outbox = Outbox("intake", intake.bus, intake.databases.worker)
    return Importer(intake.databases.api, capture=Capture(outbox), fence=StopFence())


async def _state(intake, tenant) -> list[tuple]:
    leads = await intake.rows(
        """
        SELECT p.first_name, c.match_key, l.attributes, p.consent -> 'any' ->> 'state' AS consent
        FROM people.leads l JOIN people.persons p ON p.id = l.person_id
        JOIN people.contact_points c ON c.person_id = p.id
        WHERE l.tenant_id = :tenant ORDER BY l.external_id, c.match_key
        """,
        tenant=tenant.id,
    )
    return [tuple(row.values()) for row in leads]


@pytest.mark.parametrize("after", [2_000, 40_000], ids=["at once", "half way"])
async def test_an_import_killed_on_its_way_ends_like_one_that_was_not(intake, clock, after):
    """Started again it goes on where it was; same leads, same report, announced once."""
    importer, today = _importer(intake), clock().date()
    with pytest.raises(Killed):
        await importer.run(Dying(FILE, after=after), tenant=intake.tenant, today=today)
    saved = len(await intake.leads())
    again = await importer.run(io.BytesIO(FILE), tenant=intake.tenant, today=today)
    whole = await importer.run(io.BytesIO(FILE), tenant=intake.other, today=today)

    assert saved < ROWS - ROWS // 50
    assert (again.rows, again.accepted, again.merged, again.refused, again.reasons) == (
        whole.rows,
        whole.accepted,
        whole.merged,
        whole.refused,
        whole.reasons,
    )
    assert again.refusals == whole.refusals
    assert await _state(intake, intake.tenant) == await _state(intake, intake.other)
    announced = await intake.rows(
        "SELECT tenant_id, count(*) AS n FROM messaging.outbox GROUP BY tenant_id"
    )
    assert len({row["n"] for row in announced}) == 1


async def test_an_import_is_followed_and_its_result_fetched(intake):
    """Rows done, state, and a CSV of every row's verdict with the lead it became."""
    content = HEADER + "=cmd|calc,,ada@example.com,Website,yes\nNobody,,,Website,\n"
    report = (await intake.post("/v1/leads/import", content=content, headers=CSV)).json()

    listed = (await intake.get("/v1/imports")).json()["imports"]
    one = (await intake.get(f"/v1/imports/{report['import_id']}")).json()
    assert listed == [one]
    assert (one["state"], one["rows_done"], one["accepted"], one["refused"]) == ("done", 2, 1, 1)

    result = await intake.get(f"/v1/imports/{report['import_id']}/result.csv")
    assert result.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(result.text)))
    assert [row["row"] for row in rows] == ["1", "2"]
    assert [row["verdict"] for row in rows] == ["accept", "reject"]
    (lead,) = await intake.leads()
    assert [row["lead_id"] for row in rows] == [str(lead["id"]), ""]


async def test_another_tenants_import_is_not_there(intake):
    """404 for its state and its result alike."""
    report = (await intake.post("/v1/leads/import", content=FILE[:200], headers=CSV)).json()
    for path in ("", "/result.csv"):
        answer = await intake.get(
            f"/v1/imports/{report['import_id']}{path}", token=intake.other_token
        )
        assert answer.status_code == 404


async def test_a_mapping_is_part_of_what_is_imported(intake, pointers: Callable):
    """A wrong one is refused with a pointer; a right one reads the columns it names."""
    content = "Wer,Adresse\nAda,ada@example.com\n"
    wrong = await intake.post(
        "/v1/leads/import?map=Wer=nombre&map=Adresse=email", content=content, headers=CSV
    )
    assert (wrong.status_code, pointers(wrong)) == (422, ["?map"])
    right = "/v1/leads/import?map=Wer=first_name&map=Adresse=email"
    assert (await intake.post(right, content=content, headers=CSV)).json()["accepted"] == 1
    assert [row["first_name"] for row in await intake.rows(PEOPLE)] == ["Ada"]


async def test_a_preview_writes_nothing(intake):
    """It tells how columns are read and what the first rows would become."""
    answer = await intake.post("/v1/leads/import/preview", content=FILE, headers=CSV)
    assert answer.status_code == 200, answer.text
    assert answer.json()["columns"][0] == {
        "heading": "First Name",
        "field": "first_name",
        "attribute": None,
    }
    assert answer.json()["counted"] == 1000
    assert await intake.leads() == []
    assert await intake.rows("SELECT 1 FROM intake.imports") == []
