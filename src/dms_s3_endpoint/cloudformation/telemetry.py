"""What the log and CloudWatch learn of each request. Both are lines of the log: they need no call and no permission.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aws_lambda_powertools import Logger, single_metric
from aws_lambda_powertools.metrics import MetricUnit
from botocore import xform_name

from ..model.errors import USER_ERRORS, shortened
from ..model.figures import Figures
from ..model.ownership import stack_name
from .event import REQUEST_TYPES, Event

logger = logging.getLogger(__name__)
NAMESPACE = "DmsS3Endpoint"
SUCCESS = "Success"
KEYS = ("StackId", "RequestId", "LogicalResourceId", "RequestType", "PhysicalResourceId")
# Of a key, which each line has; of any other text, such as a traceback. An event may have six megabytes.
LONGEST_KEY, LONGEST_TEXT, MOST_ITEMS = 1024, 16_000, 100


def start_logging(raw: Mapping[str, Any], environment: str) -> None:
    """Correlation keys on each line; never the event itself, which has the ResponseURL."""
    level = os.environ.get("LOG_LEVEL", "INFO")
    structured = Logger(service="dms_s3_endpoint", level=level, json_serializer=_as_short_json)
    keys: dict[str, Any] = {xform_name(key): shortened(str(raw[key]), LONGEST_KEY) for key in KEYS if key in raw}
    keys |= {"stack_name": shortened(stack_name(str(raw.get("StackId", ""))), LONGEST_KEY)}
    if environment:
        keys["environment"] = environment
    structured.structure_logs(append=False, **keys)
    structured.info("Request received")


def _as_short_json(line: Mapping[str, Any]) -> str:
    """The line as Powertools writes it, with its texts shortened."""
    return json.dumps(_short(line), separators=(",", ":"), ensure_ascii=False)


def _short(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _short(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_short(each) for each in value[:MOST_ITEMS]]
    # An exception, for example, is written as its text.
    return value if isinstance(value, int | float | None) else shortened(str(value), LONGEST_TEXT)


@dataclass(frozen=True)
class Measurement:
    """The metrics of one request; `began` is on time.monotonic, in seconds."""

    function_name: str
    event: Event
    environment: str
    figures: Figures
    began: float = field(default_factory=time.monotonic)

    def emit(self, outcome: str) -> None:
        """Write the metrics once the request is answered. `outcome` is Success or a Code. Raises nothing."""
        try:
            self._emit(outcome)
        except Exception as error:
            logger.warning("The request was not measured", exc_info=error)

    def _emit(self, outcome: str) -> None:
        """Low cardinality: every combination of dimensions is a billed metric, so invalid values become `Unknown`."""
        known = self.event.request_type in REQUEST_TYPES
        request_type = {"request_type": self.event.request_type if known else "Unknown"}
        environment = {"environment": self.environment or "unknown", "outcome": outcome}
        self._metric("Requests", MetricUnit.Count, 1, **request_type, **environment)
        self._metric("Seconds", MetricUnit.Seconds, time.monotonic() - self.began, **request_type)
        self._metric("Failures", MetricUnit.Count, int(outcome != SUCCESS and outcome not in USER_ERRORS))
        self._metric("Throttles", MetricUnit.Count, len(self.figures.throttled))
        self._metric("LeftAsItIs", MetricUnit.Count, len(self.figures.left_as_it_is))
        self._metric("LeftBehind", MetricUnit.Count, len(self.figures.left_behind))
        self._metric("Unverified", MetricUnit.Count, len(self.figures.unverified))
        for seconds in self.figures.propagation:
            self._metric("PropagationSeconds", MetricUnit.Seconds, seconds)

    def _metric(self, name: str, unit: MetricUnit, value: float, **dimensions: str) -> None:
        with single_metric(name=name, unit=unit, value=value, namespace=NAMESPACE) as metric:
            metric.add_dimension("service", self.function_name)
            for dimension, of_request in dimensions.items():
                metric.add_dimension(dimension, of_request)
