from followup_database import new_id
from followup_directory import Principal


def test_a_scope_is_carried_by_name_by_read_or_by_everything() -> None:
    """`read` covers every reading scope and no writing one; `*` covers all."""
    named = Principal(new_id(), new_id(), frozenset({"leads:write"}))
    reader = Principal(new_id(), new_id(), frozenset({"read"}))
    everything = Principal(new_id(), new_id(), frozenset({"*"}))

    assert named.may("leads:write")
    assert not named.may("leads:read")
    assert reader.may("leads:read")
    assert not reader.may("leads:write")
    assert everything.may("accounts:write")
