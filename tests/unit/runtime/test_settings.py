from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from followup_runtime.errors import SettingsError
from followup_runtime.keyring import keys_of
from followup_runtime.settings import Settings, load, read

KEY = Fernet.generate_key().decode()
DISTRIBUTED = {
    "FOLLOWUP_DATABASE_URL": "postgresql://u:p@db/followup",
    "FOLLOWUP_AMQP_URL": "amqp://u:p@mq/",
    "FOLLOWUP_SECRET_KEYS": f"{KEY}, {KEY}",
    "FOLLOWUP_SUPPRESSION_KEY": "0123456789abcdef",
}


def test_nothing_set_is_the_embedded_deployment():
    """Every setting has a default that works on one machine."""
    settings = read({})
    assert not settings.distributed
    assert (settings.database_url, settings.amqp_url) == (None, None)


def test_settings_are_read_and_empty_ones_are_unset():
    """Lists are split at commas; an empty variable is none."""
    given = {
        "FOLLOWUP_BOOTSTRAP_KEY": "",
        "FOLLOWUP_HTTP_PORT": "8003",
        "FOLLOWUP_TRUSTED_PROXIES": "10.1.2.3, fd00::/8",
    }
    settings = read(DISTRIBUTED | given)
    assert settings.trusted_proxies == ("10.1.2.3/32", "fd00::/8")
    assert settings.distributed
    assert settings.secret_keys == (KEY, KEY)
    assert settings.http_port == 8003
    assert settings.bootstrap_key is None


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("FOLLOWUP_DATABASE_URL", "mysql://root:hush@db/x", '"mysql://…" is no PostgreSQL address'),
        ("FOLLOWUP_DATABASE_URL", "postgresql://u:p@db:port/x", "can't be read"),
        ("FOLLOWUP_AMQP_URL", "http://u:hush@mq/", "is no AMQP address"),
        ("FOLLOWUP_AMQP_URL", "amqp://", "is no AMQP address"),
        ("FOLLOWUP_SECRET_KEYS", "hush", "key 1 is no Fernet key"),
        ("FOLLOWUP_SUPPRESSION_KEY", "hush", "at least 16 characters"),
        ("FOLLOWUP_BOOTSTRAP_KEY", "hush hush", "no blanks"),
        ("FOLLOWUP_HTTP_PORT", "99999", "less than or equal to 65535"),
        ("FOLLOWUP_HTTP_PORT", "web", "integer"),
        ("FOLLOWUP_PUBLIC_URL", "example.com", "no http or https address"),
        ("FOLLOWUP_TRUSTED_PROXIES", "*", "addresses or networks"),
        ("FOLLOWUP_TRUSTED_PROXIES", "10.0.0.1, 0.0.0.0/0", "addresses or networks"),
        ("FOLLOWUP_LOG_LEVEL", "LOUD", "'DEBUG'"),
    ],
)
def test_a_wrong_value_is_one_line_that_names_the_variable(capsys, variable, value, says):
    """Exit 2, and nothing of a value that may be a secret."""
    with pytest.raises(SystemExit) as ended:
        load(DISTRIBUTED | {variable: value})
    assert ended.value.code == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith(f"followup: {variable}: ")
    assert output.err.count("\n") == 1
    assert says in output.err
    assert "hush" not in output.err


@pytest.mark.parametrize("missing", ["FOLLOWUP_SECRET_KEYS", "FOLLOWUP_SUPPRESSION_KEY"])
def test_several_processes_need_the_same_keys(missing):
    """A process that made its own would neither open nor recognise the others' data."""
    with pytest.raises(SettingsError, match=f"{missing}: required when FOLLOWUP_AMQP_URL is set"):
        read({k: v for k, v in DISTRIBUTED.items() if k != missing})


def test_embedded_keys_are_made_once_and_kept_private(tmp_path: Path):
    """The second start finds the first one's keys, in a file for its owner alone."""
    settings = Settings(data_dir=tmp_path / "data")
    first = keys_of(settings)
    assert keys_of(settings) == first
    assert (tmp_path / "data" / "secrets.json").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["secrets.json"]
    assert first.link_key != first.suppression_key


def test_given_keys_come_before_kept_ones(tmp_path: Path):
    """Nothing is written when nothing is missing."""
    settings = read(DISTRIBUTED | {"FOLLOWUP_DATA_DIR": str(tmp_path / "data")})
    assert keys_of(settings).suppression_key == b"0123456789abcdef"
    assert not (tmp_path / "data").exists()


def test_a_damaged_key_file_is_an_error_not_a_new_key(tmp_path: Path):
    """New keys would lift every suppression: the file is never replaced."""
    (tmp_path / "secrets.json").write_text("{}")
    with pytest.raises(SettingsError, match="FOLLOWUP_DATA_DIR"):
        keys_of(Settings(data_dir=tmp_path))
    assert (tmp_path / "secrets.json").read_text() == "{}"
