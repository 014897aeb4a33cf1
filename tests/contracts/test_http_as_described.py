import pytest
from described import described


@pytest.mark.timeout(900)  # some seventy seconds of a processor that may be shared by four
async def test_the_api_is_as_its_description_says(database_url, clock, tmp_path) -> None:
    """Asked with what the OpenAPI document allows and with what it does not, every route
    answers as the document says, refuses what it should, and never fails.
    """
    async with described(database_url, clock=clock) as api:
        code, said = await api.tried(tmp_path)
    assert code == 0, said
