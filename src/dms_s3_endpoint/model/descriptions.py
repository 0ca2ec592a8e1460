"""botocore's descriptions of AWS's services, read once for all that a function serves.

Each session of botocore reads them anew: for the clients of one request that is most of its processor time (`make
bench`).
"""

from __future__ import annotations

import os
from functools import cache

from botocore.loaders import Loader, create_loader


@cache
def descriptions() -> Loader:
    """What botocore reads them by, and keeps them in."""
    return create_loader(os.environ.get("AWS_DATA_PATH"))
