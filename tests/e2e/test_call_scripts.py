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
    text: 'Hello {{{{ person.first_name | default: "there" }}}}, this is about your roof.'
{voicemail}"""
YAML = {"content-type": "application/yaml"}
NAMED = 'Hello {{ person.first_name | default: "there" }}, '
LONG = f"'{NAMED}" + "word " * 74 + "'"


@pytest.mark.mission("R4", via="lint")
@pytest.mark.parametrize(
    ("voicemail", "path", "told"),
    [
        ("", "/templates/call", "voicemail script"),
        (f"    voicemail: {LONG}\n", "/templates/call/voicemail", "30 seconds"),
    ],
)
async def test_a_call_without_a_short_voicemail_is_refused(followup, voicemail, path, told):
    """The linter names the place, and the document can't be published."""
    document = CALL.format(voicemail=voicemail)
    lint = await followup.ask("POST", "/v1/sequences/call/lint", content=document, headers=YAML)
    assert not lint["valid"]
    (finding,) = lint["findings"]
    assert (finding["path"], finding["rule"][:3]) == (path, "R4-")
    assert told in finding["message"]
    await followup.ask("PUT", "/v1/sequences/call", content=document, headers=YAML)
    answer = await followup.client.post("/v1/sequences/call/publish")
    assert answer.status_code == 422
    assert told in answer.text


@pytest.mark.mission("R4", via="lint")
async def test_a_call_with_a_short_voicemail_is_taken(followup):
    """Seventy-five words are half a minute."""
    document = CALL.format(voicemail=f"    voicemail: '{NAMED}{'word ' * 73}'\n")
    lint = await followup.ask("POST", "/v1/sequences/call/lint", content=document, headers=YAML)
    assert lint == {"valid": True, "findings": []}


@pytest.mark.mission("R4", via="send")
async def test_a_voicemail_that_data_makes_too_long_is_not_spoken(followup):
    """What the document could not know is seen at the last moment: the call is not made."""
    document = CALL.format(
        voicemail=f"    voicemail: '{NAMED}about {{{{ lead.need | default: \"it\" }}}}: call us.'\n"
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
