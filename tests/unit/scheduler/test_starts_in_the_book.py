"""What the book keeps of the events that start sequences, while others read it too."""

from uuid import UUID

from followup_scheduler.book import SequenceBook

ONE, OTHER = UUID(int=1), UUID(int=2)
STARTS = [{"event": "appointment.booked"}]


class Rows:
    """A transaction that answers with rows; before the second answer others get their turn."""

    def __init__(self, published, read, *, meanwhile=None):
        self._answers = [published, read]
        self._meanwhile = meanwhile

    async def all(self, _statement, **_params):
        answer = self._answers.pop(0)
        if not self._answers and self._meanwhile is not None:
            await self._meanwhile()
        return answer


def editions(tenant, *keys):
    return [{"tenant_id": tenant, "key": key, "version": 1, "starts": STARTS} for key in keys]


async def test_an_edition_that_others_push_out_meanwhile_is_still_read():
    """Known when the reading began, gone from memory when the rest came."""
    book = SequenceBook(cached_starts=1)
    await book.starts(Rows(editions(ONE, "a"), editions(ONE, "a")), {ONE})

    async def push_out():
        theirs = editions(OTHER, "x", "y")
        await book.starts(Rows(theirs, theirs), {OTHER})

    tx = Rows(editions(ONE, "a", "b"), editions(ONE, "b"), meanwhile=push_out)
    assert set(await book.starts(tx, {ONE})) == {(ONE, "a"), (ONE, "b")}
