"""Stand-ins for vendors' HTTP APIs: one server, and what is each vendor's own."""

from followup_testkit.vendors.dialects import DIALECTS
from followup_testkit.vendors.speaking import Asked, Dialect, Kept, Say, Told
from followup_testkit.vendors.stub import Fault, VendorStub

__all__ = ["DIALECTS", "Asked", "Dialect", "Fault", "Kept", "Say", "Told", "VendorStub"]
