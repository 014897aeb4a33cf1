"""Reading the packaged tables before they are needed."""

from followup_policy.consent import consent_table
from followup_policy.phones import area_codes
from followup_policy.regions import atlas
from followup_policy.statutes import code_of_law


def read_tables() -> None:
    """Read every table now: a service that is ready answers its first lead like any other.

    Raises:
        PolicyDataError: A table does not have its shape.
    """
    for table in (atlas, area_codes, code_of_law, consent_table):
        table()
