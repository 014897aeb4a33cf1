"""A consent that is confirmed by the link of the message it was asked in."""

import re

WORDING = "Example Roofs may write to me about my roof."
DOCUMENT = """
format: 1
key: confirm
name: confirm
accept:
  R7-one-channel: it asks for one thing by one letter
steps:
  - id: ask
    at: {after: 0m, window: at_once}
    touches: [{channel: email, template: ask}]
templates:
  ask:
    subject: Please confirm
    text: >-
      Hi {{ person.first_name | default: "there" }}, may we write to you? {{ links.confirm }}
"""


async def asked(followup, **fields) -> tuple[object, str]:
    """A lead that was asked by letter, and the path of the letter's link."""
    headers = {"content-type": "application/yaml"}
    await followup.ask("PUT", "/v1/sequences/confirm", content=DOCUMENT, headers=headers)
    await followup.ask("POST", "/v1/sequences/confirm/publish")
    lead = await followup.lead(consent=None, sequence="confirm", **fields)
    await followup.play(until=followup.clock())
    (letter,) = followup.sent(lead)
    found = re.search(r"http://followup\.test(/c/[\w-]+)", letter.text)
    assert found is not None, letter.text
    return lead, found[1]


async def of_email(followup, lead) -> tuple[str, list[dict[str, object]]]:
    told = await followup.ask("GET", f"/v1/leads/{lead.id}/consent")
    return told["consent"]["email"], [
        record for record in told["records"] if record["method"] == "double_opt_in"
    ]


async def test_the_letters_link_confirms_what_was_asked_for_its_own_address(followup):
    """Opening it confirms nothing; its button does, once, and the proof names the address."""
    lead, link = await asked(followup, email="robin@roof.example")
    await followup.ask(
        "POST", f"/v1/leads/{lead.id}/consent/confirmation", json={"wording": WORDING}
    )
    shown = await followup.client.get(link)
    assert (shown.status_code, WORDING in shown.text) == (200, True)
    assert await of_email(followup, lead) == ("unknown", [])
    for _ in range(2):
        done = await followup.client.post(link)
        assert (done.status_code, "Thank you" in done.text) == (200, True)
    state, (proof,) = await of_email(followup, lead)
    assert state == "yes"
    assert (proof["wording"], proof["addresses"]) == (WORDING, ["robin@roof.example"])


async def test_a_link_confirms_nothing_that_was_not_asked(followup):
    """Nothing asked, a consent for another kind of address, or a link made for another purpose."""
    lead, link = await asked(followup)
    assert (await followup.client.get(link)).status_code == 404
    texts = {"wording": WORDING, "channel": "sms"}
    await followup.ask("POST", f"/v1/leads/{lead.id}/consent/confirmation", json=texts)
    assert (await followup.client.post(link)).status_code == 404
    (letter,) = followup.sent(lead)
    other = re.search(r"/u/([\w-]+)", letter.text)
    assert other is not None, letter.text
    await followup.ask(
        "POST", f"/v1/leads/{lead.id}/consent/confirmation", json={"wording": WORDING}
    )
    for token in (other[1], link[3:-1] + ("A" if link[-1] != "A" else "B"), "x" * 152):
        assert (await followup.client.post(f"/c/{token}")).status_code == 404
    assert await of_email(followup, lead) == ("unknown", [])
