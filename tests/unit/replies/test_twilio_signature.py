"""Our check against the vendor's own, for any form and address."""

from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from followup_replies.twilio.signature import Signing, genuine, secret_for

TOKEN = "made-up"
forms = st.dictionaries(st.text(max_size=12), st.text(max_size=30), max_size=8)
paths = st.from_regex(r"/[a-z0-9/_.~%-]{0,20}(\?[a-z0-9=&%._~-]{1,20})?", fullmatch=True)
bases = st.sampled_from(
    [
        "https://example.com",
        "https://example.com:443",
        "https://example.com:8443",
        "http://example.com",
        "http://example.com:80",
        "http://example.com:8004",
    ]
)
algorithms = st.sampled_from(["HMAC_SHA1", "HMAC_SHA256"])


@given(base=bases, path=paths, form=forms, algorithm=algorithms)
def test_what_the_vendor_signs_is_genuine(base, path, form, algorithm):
    """Whatever the vendor's code signs, ours takes, and nothing with a word changed."""
    url = base + path
    signature = RequestValidator(TOKEN).compute_signature(url, form, algorithm)
    fields = list(form.items())
    assert genuine(signature, url=url, fields=fields, secret=TOKEN, algorithm=algorithm)
    assert RequestValidator(TOKEN).validate(url, form, signature, algorithm)
    more = [*fields, ("Extra", "x")]
    assert not genuine(signature, url=url, fields=more, secret=TOKEN, algorithm=algorithm)
    assert not genuine(signature, url=url, fields=fields, secret="other", algorithm=algorithm)
    assert not genuine(signature, url=url + "x", fields=fields, secret=TOKEN, algorithm=algorithm)


@given(base=bases, path=paths, form=forms, signature=st.text(max_size=60))
def test_both_refuse_the_same(base, path, form, signature):
    """Of any signature the two checks say the same."""
    url = base + path
    ours = genuine(signature, url=url, fields=list(form.items()), secret=TOKEN)
    assert ours == RequestValidator(TOKEN).validate(url, form, signature)


def test_a_published_example():
    """The vendor's documented example of the classic mode."""
    form = {
        "CallSid": "CA1234567890ABCDE",
        "Digits": "1234",
        "From": "+14158675309",
        "To": "+18005551212",
        "Caller": "+14158675309",
    }
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    signature = "RSOYDt4T1cUTdK1PDd93/VVr8B8="
    assert genuine(signature, url=url, fields=list(form.items()), secret="12345")


def test_repeated_fields_count_once_each_value():
    """A value that is there twice is signed once; two values in order."""
    url, fields = "https://example.com/x", [("a", "2"), ("a", "1"), ("a", "2")]
    once = [("a", "1"), ("a", "2")]
    signature = RequestValidator(TOKEN).compute_signature(url, _Many(once))
    assert genuine(signature, url=url, fields=fields, secret=TOKEN)


class _Many(dict):
    """A form with several values of a name, as the vendor's code knows them."""

    def __init__(self, pairs):
        super().__init__(pairs)
        self.pairs = pairs

    def getlist(self, name):
        return [value for key, value in self.pairs if key == name]


def test_no_signature_and_no_known_algorithm_are_refused():
    """Nothing is not the signature of anything, nor is what cannot be reckoned."""
    for signature, algorithm in [("", "HMAC_SHA1"), ("x", "NONE")]:
        assert not genuine(
            signature, url="https://e.com/", fields=[], secret=TOKEN, algorithm=algorithm
        )
    assert not genuine("x", url="https://e.com:nan/", fields=[], secret=TOKEN)


def test_which_secret_a_webhook_needs():
    """The auth token without a settings header, else exactly the key that it names."""
    secrets = {"auth_token": "t", "webhook_key_sid": "WK1", "webhook_key_secret": "s"}
    assert secret_for(Signing.read(None), secrets) == "t"
    assert secret_for(Signing.read("algorithm=hmac_sha256"), secrets) == "t"
    named = Signing.read(" key=WK1 , algorithm=HMAC_SHA256")
    assert named == Signing("HMAC_SHA256", "WK1")
    assert secret_for(named, secrets) == "s"
    assert secret_for(Signing.read("key=WK2"), secrets) is None
    assert secret_for(named, {}) is None
    assert secret_for(Signing.read(None), {"auth_token": ""}) is None
