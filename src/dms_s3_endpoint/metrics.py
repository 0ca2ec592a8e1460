"""What CloudWatch learns of each request: lines in the function's log, which need neither a call nor a permission.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .errors import OF_THE_AUTHOR

NAMESPACE = "DmsS3Endpoint"
SUCCESS = "Success"


@dataclass
class Figures:
    """What one request counts while it works; its threads add to it."""

    # Attempts of calls that AWS answered with throttling.
    throttled: list[str] = field(default_factory=list)
    # Seconds until DMS saw a role, or a trust policy, that was made or changed.
    propagation: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Request:
    """The dimensions: few values each, whatever an event says, for each combination is a metric that is paid for."""

    function_name: str
    request_type: str
    environment: str


def emit(request: Request, outcome: str, seconds: float, figures: Figures) -> None:
    """`outcome` is Success or a Code. In three records, as the metrics have different dimensions."""
    # Only once the request is answered: it takes its time to import.
    from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit  # noqa: PLC0415  # as said above

    def record(**dimensions: str) -> EphemeralMetrics:
        metrics = EphemeralMetrics(namespace=NAMESPACE, service=request.function_name)
        for name, value in dimensions.items():
            metrics.add_dimension(name, value)
        return metrics

    requests = record(request_type=request.request_type, environment=request.environment, outcome=outcome)
    requests.add_metric("Requests", MetricUnit.Count, 1)
    durations = record(request_type=request.request_type)
    durations.add_metric("Seconds", MetricUnit.Seconds, seconds)
    function = record()
    function.add_metric("Failures", MetricUnit.Count, int(outcome != SUCCESS and outcome not in OF_THE_AUTHOR))
    function.add_metric("Throttles", MetricUnit.Count, len(figures.throttled))
    for waited in figures.propagation:
        function.add_metric("PropagationSeconds", MetricUnit.Seconds, waited)
    for metrics in (requests, durations, function):
        metrics.flush_metrics()
