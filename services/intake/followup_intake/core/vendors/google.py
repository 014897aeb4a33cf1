"""Google Ads lead form assets, by webhook.

developers.google.com/google-ads/webhook/docs/implementation
"""

from collections.abc import Mapping
from typing import Any

from followup_intake.core.vendors.answers import (
    Rules,
    Sent,
    Test,
    Unreadable,
    as_fields,
    list_of,
    mapping_of,
)

_COLUMNS = {
    "FULL_NAME": "name",
    "FIRST_NAME": "first_name",
    "LAST_NAME": "last_name",
    "EMAIL": "email",
    "WORK_EMAIL": "email",
    "PHONE_NUMBER": "phone",
    "WORK_PHONE": "phone",
    "POSTAL_CODE": "postal_code",
    "CITY": "city",
    "REGION": "state",
    "COUNTRY": "country",
    "COMPANY_NAME": "company",
}
_MORE = ("form_id", "campaign_id", "adgroup_id", "creative_id", "gcl_id")
_LONGEST_ID = 200


def read_lead(body: Mapping[str, Any], rules: Rules) -> Sent | Test | Unreadable:
    """The lead in a webhook; `google_key` is checked by whoever received it."""
    data, lead_id = body.get("user_column_data"), str(body.get("lead_id", ""))
    if not isinstance(data, list) or not lead_id or len(lead_id) > _LONGEST_ID:
        return Unreadable("it has no lead_id and user_column_data")
    if body.get("is_test") is True:
        return Test()
    columns = [mapping_of(each) for each in list_of(data)]
    answers = [
        (str(c.get("column_id") or c.get("column_name") or ""), c.get("string_value", ""))
        for c in columns
    ]
    answers += [(name, str(body[name])) for name in _MORE if body.get(name)]
    known = Rules(rules.lead_source, {**_COLUMNS, **rules.mapping})
    return Sent(f"google:{lead_id}", as_fields(answers, known))
