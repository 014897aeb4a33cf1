import pytest
from cryptography.fernet import Fernet

from followup_directory import SealBroken, TenantSettings, Vault, template_hash

OLD, NEW = (Fernet.generate_key().decode() for _ in range(2))


def test_secrets_open_with_any_key_in_force_and_seal_with_the_first():
    """Rotation: put the new key first, seal again, drop the old one."""
    sealed = Vault([OLD]).seal({"token": "hush"})
    both = Vault([NEW, OLD])
    assert both.open(sealed) == {"token": "hush"}
    assert Vault([NEW]).open(both.seal({"token": "hush"})) == {"token": "hush"}


def test_a_broken_seal_is_told_apart_from_no_secrets():
    """Nothing sealed opens to nothing; a strange or altered seal is an error."""
    sealed = Vault([OLD]).seal({"token": "hush"})
    assert Vault([NEW]).open(b"") == {}
    for vault, text in ((Vault([NEW]), sealed), (Vault([OLD]), sealed[:-4] + b"AAA=")):
        with pytest.raises(SealBroken):
            vault.open(text)


@pytest.mark.parametrize("keys", [[], ["too short"]])
def test_a_vault_needs_real_keys(keys):
    """No keys, or no Fernet keys, are refused when it is made."""
    with pytest.raises(ValueError, match=r"key|Fernet|padding"):
        Vault(keys)


def test_the_hash_of_a_template_never_changes():
    """Sequences name templates by it: a golden value, of any order of keys."""
    golden = template_hash("sms", {"text": "Hi", "subject": "Yo"})
    assert golden == template_hash("sms", {"subject": "Yo", "text": "Hi"})
    assert golden == "f80933d62e967587656c59595cf7b4bc7c68b0103b53568a03d41b2329260871"
    assert golden != template_hash("email", {"text": "Hi", "subject": "Yo"})


def test_settings_of_another_version_are_read():
    """Unknown settings are ignored, wrong ones fall back, good ones stay."""
    read = TenantSettings.read({"business_name": "A", "colour": 1, "sandbox": "maybe"})
    assert read == TenantSettings(business_name="A", sandbox=True)
