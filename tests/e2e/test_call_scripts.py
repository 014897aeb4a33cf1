"""R4: no call without a voicemail script, spoken in under 30 seconds."""

import pytest

CALL = """format: 1
key: call
name: One call
steps:
  - id: only
    at: {{after: 0m, window: at_once}}
    touches: [{{channel: voice, template: call}}]
templates:
  call:
    text: Hello, this is about your roof.
{voicemail}"""
YAML = {"content-type": "application/yaml"}
LONG = "word " * 76


@pytest.mark.mission("R4", via="lint")
@pytest.mark.parametrize(
    ("voicemail", "told"),
    [("", "voicemail script"), (f"    voicemail: {LONG}\n", "30 seconds")],
)
async def test_a_call_without_a_short_voicemail_is_refused(followup, voicemail, told):
    """The linter names the template, and the document can't be stored."""
    document = CALL.format(voicemail=voicemail)
    lint = await followup.ask("POST", "/v1/sequences/call/lint", content=document, headers=YAML)
    assert not lint["valid"]
    (finding,) = lint["findings"]
    assert finding["path"] == "/templates/call"
    assert told in finding["message"]
    answer = await followup.client.put("/v1/sequences/call", content=document, headers=YAML)
    assert answer.status_code == 422
    assert told in answer.text


@pytest.mark.mission("R4", via="lint")
async def test_a_call_with_a_short_voicemail_is_taken(followup):
    """Seventy-five words are half a minute."""
    document = CALL.format(voicemail=f"    voicemail: {'word ' * 75}\n")
    lint = await followup.ask("POST", "/v1/sequences/call/lint", content=document, headers=YAML)
    assert lint == {"valid": True, "findings": []}


@pytest.mark.mission("R4", via="send")
async def test_a_voicemail_that_data_makes_too_long_is_not_spoken(followup):
    """What the document could not know is seen at the last moment: the call is not made."""
    document = CALL.format(
        voicemail="    voicemail: 'Hello, this is about {{ lead.need }}. Call us.'\n"
    )
    await followup.ask("PUT", "/v1/sequences/call", content=document, headers=YAML)
    await followup.ask("POST", "/v1/sequences/call/publish")
    long = await followup.lead(sequence="call", need="roof and " * 40)
    short = await followup.lead(sequence="call")
    await followup.play()
    assert followup.sent(long) == []
    assert [entry.channel for entry in followup.sent(short)] == ["voice"]
    (touch,) = (await followup.run_of(long))["touches"]
    assert touch["state"] == "failed"
    assert "30 seconds" in touch["reason"]
