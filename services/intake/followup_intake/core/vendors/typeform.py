"""Typeform, by webhook.

typeform.com/developers/webhooks/example-payload
"""

from collections.abc import Mapping
from typing import Any

from followup_intake.core.vendors.answers import (
    Rules,
    Sent,
    Unreadable,
    as_fields,
    list_of,
    mapping_of,
)

_PLAIN = ("text", "email", "phone_number", "number", "date", "url", "file_url")
_LONGEST_ID = 200
# A question of these types is what it is, however it is worded.
_TYPES = {"email": "email", "phone_number": "phone"}


def read_lead(body: Mapping[str, Any], rules: Rules) -> Sent | Unreadable:
    """The lead in a `form_response`; hidden fields count like answers, behind them."""
    response = mapping_of(body.get("form_response"))
    token = str(response.get("token", ""))
    if body.get("event_type") != "form_response" or not token or len(token) > _LONGEST_ID:
        return Unreadable("it is no form_response")
    definition = mapping_of(response.get("definition"))
    titles = {
        mapping_of(question).get("id"): str(mapping_of(question).get("title", ""))
        for question in list_of(definition.get("fields"))
    }
    mapping: dict[str, str] = {}
    answers: list[tuple[str, Any]] = []
    for answer in map(mapping_of, list_of(response.get("answers"))):
        question = mapping_of(answer.get("field"))
        name = str(titles.get(question.get("id")) or question.get("ref") or "answer")
        kind = str(answer.get("type"))
        if kind in _TYPES:
            mapping.setdefault(name, _TYPES[kind])
        answers.append((name, _value(answer, kind)))
    answers += [(str(k), v) for k, v in mapping_of(response.get("hidden")).items()]
    fields = as_fields(answers, Rules(rules.lead_source, {**mapping, **rules.mapping}))
    if response.get("submitted_at"):
        fields["received_at"] = str(response["submitted_at"])
    return Sent(f"typeform:{token}", fields)


def _value(answer: Mapping[str, Any], kind: str) -> str:
    if kind == "boolean":
        return "yes" if answer.get("boolean") is True else "no"
    if kind == "choice":
        return str(mapping_of(answer.get("choice")).get("label", ""))
    if kind == "choices":
        return ", ".join(map(str, list_of(mapping_of(answer.get("choices")).get("labels"))))
    return str(answer.get(kind, "")) if kind in _PLAIN else ""
