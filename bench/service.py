"""A dispatcher by its own wiring, with another number of calls at once.

service.py CALLS
"""

import sys
from functools import partial

from followup_dispatcher.settings import DispatcherSettings
from followup_dispatcher.wiring import build
from followup_messaging.standalone import main

if __name__ == "__main__":
    main("dispatcher", partial(build, own=DispatcherSettings(calls=int(sys.argv[1]))))
