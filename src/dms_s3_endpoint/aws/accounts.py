"""The two accounts of an environment, as one request works in them."""

from __future__ import annotations

from dataclasses import dataclass

from ..model.figures import Figures
from .deadline import Deadline
from .dms import Dms
from .iam import Iam
from .storage import Storage


@dataclass(frozen=True)
class Accounts:
    """IAM and storage of the data-lake account, DMS of the other one, the endpoints' region, and the time left."""

    iam: Iam
    dms: Dms
    storage: Storage
    region: str
    deadline: Deadline
    figures: Figures
