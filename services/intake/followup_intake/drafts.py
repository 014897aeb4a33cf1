"""Leads as other programs send them: read, judged, drafted, and what is said of them."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import orjson
from pydantic import ValidationError

from followup_directory import Tenant
from followup_intake.capture import Captured, Draft, Proof
from followup_intake.core.attributes import Schema, Unfit
from followup_intake.core.lead import RowResult
from followup_intake.core.normalise import normalise_lead
from followup_intake.models import LeadIn
from followup_runtime.limits import nul_in
from followup_runtime.problems import Problem, from_validation


def schema_of(tenant: Tenant) -> Schema:
    """What a tenant's attributes may be."""
    return Schema(tenant.settings.attributes, strict=tenant.settings.strict_attributes)


def read_lead(text: bytes) -> LeadIn | Problem:
    """The lead in a JSON text, or what is wrong with it (400, 422)."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return Problem(400, "Malformed JSON", str(error), pointer="")
    # The escape is the only way to write a NUL in JSON; most texts end here.
    pointer = nul_in(value) if b"\\u0000" in text else None
    if pointer is not None:
        return Problem(400, "Malformed text", "a text holds a NUL character", pointer=pointer)
    try:
        return LeadIn.model_validate(value)
    except ValidationError as error:
        found = from_validation(error.errors(include_input=False, include_url=False))
        return Problem(422, "Invalid lead", found[0]["detail"], errors=found)


def drafted(
    body: LeadIn, *, tenant: Tenant, today: date, row: int = 1, traceparent: str | None = None
) -> Draft | RowResult | list[Unfit]:
    """A draft ready to be saved, or the verdict on a lead that nobody can be reached by.

    Or what of its attributes does not fit the tenant's schema: who sent it can mend that.
    """
    result = normalise_lead(
        body.fields(),
        today=today,
        default_country=tenant.settings.default_country,
        row=row,
        schema=schema_of(tenant),
    )
    if result.lead is None:
        return result
    if result.unfit:
        return list(result.unfit)
    return Draft(
        result,
        result.lead,
        Proof("api", page=body.consent_page),
        external_id=body.external_id,
        stated_zone=body.zone,
        sequence=body.sequence,
        audience=body.audience,
        traceparent=traceparent,
    )


def refusal(result: RowResult | list[Unfit]) -> Problem:
    """Why a lead was refused, with pointers to what was unusable."""
    if isinstance(result, list):
        return unfit(result)
    errors = [
        {"pointer": pointer, "detail": detail}
        for note, pointer, detail in (
            ("bad_phone", "/phone", "this is no phone number that can be reached"),
            ("bad_email", "/email", "this is no e-mail address"),
        )
        if note in result.other_reasons
    ]
    detail = "neither a usable phone number nor a usable e-mail address"
    return Problem(
        422,
        "Nobody can be reached",
        detail,
        errors=errors or [{"pointer": "/phone", "detail": detail}],
    )


def unfit(found: list[Unfit]) -> Problem:
    """What does not fit the tenant's schema, with a pointer to each."""
    errors = [
        {"pointer": f"/attributes/{_escaped(each.name)}", "detail": each.why} for each in found
    ]
    return Problem(422, "Attributes do not fit", errors[0]["detail"], errors=errors)


def _escaped(name: str) -> str:
    # RFC 6901, section 3
    return name.replace("~", "~0").replace("/", "~1")


def answer(draft: Draft, captured: Captured) -> Mapping[str, Any]:
    """What became of a lead, as `LeadOut` has it in JSON."""
    result = draft.result
    return {
        "lead_id": str(captured.lead_id),
        "person_id": str(captured.person_id),
        "verdict": result.verdict,
        "reason": result.reason,
        "other_reasons": list(result.other_reasons),
        "merged": captured.merged,
        "repeated": captured.repeated,
    }
