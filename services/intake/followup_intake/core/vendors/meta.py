"""Meta Lead Ads.

Its webhook says only that there is a lead; what it says is fetched from the Graph API.
developers.facebook.com/docs/marketing-api/guides/lead-ads/retrieving
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

FIELDS = "id,created_time,field_data,form_id,ad_id,campaign_id,platform,is_organic"
_PLATFORMS = {"fb": "facebook_lead_ad", "ig": "instagram_lead_ad"}
_LONGEST_ID = 100


def lead_ids(body: Mapping[str, Any]) -> list[str]:
    """The ids of the leads a webhook tells of, each once."""
    changes = (
        change
        for entry in list_of(body.get("entry"))
        for change in list_of(mapping_of(entry).get("changes"))
    )
    values = (
        mapping_of(c).get("value") for c in changes if mapping_of(c).get("field") == "leadgen"
    )
    ids = (str(mapping_of(value).get("leadgen_id", "")) for value in values)
    return list(dict.fromkeys(i for i in ids if i.isdecimal() and len(i) <= _LONGEST_ID))


def read_lead(body: Mapping[str, Any], rules: Rules) -> Sent | Unreadable:
    """The lead in an answer of the Graph API; a form's own question names are headings."""
    data = body.get("field_data")
    if not isinstance(data, list) or not body.get("id"):
        return Unreadable("the answer has no field_data")
    answers = [
        (str(mapping_of(each).get("name", "")), _first(mapping_of(each).get("values")))
        for each in list_of(data)
    ]
    named = {name: body[name] for name in ("form_id", "ad_id", "campaign_id") if body.get(name)}
    answers += [(f"meta_{name}", value) for name, value in named.items()]
    fields = as_fields(answers, rules)
    fields["source"] = _PLATFORMS.get(str(body.get("platform")), rules.lead_source)
    if body.get("created_time"):
        fields["received_at"] = str(body["created_time"])
    return Sent(f"meta:{body['id']}", fields)


def _first(values: Any) -> str:
    found = list_of(values)
    return ", ".join(str(value) for value in found)
