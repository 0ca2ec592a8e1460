"""What may have happened to a value that does not fit: cfn-lint says what the function says."""

from __future__ import annotations

import pytest

from dms_s3_endpoint.model.errors import EndpointError
from dms_s3_endpoint.model.parse import parse
from tests.checks.cfn_lint import ours, resource
from tests.unit.builders import ENVIRONMENTS, make_properties

HINTS = {
    ("BUCKETNAME", "arn:aws:s3:::lake"): " (this is an ARN: give its last part)",
    ("BUCKETNAME", "Lake"): " (the names of buckets have no capital letters)",
    ("BUCKETNAME", "s3://lake"): "",
    ("BUCKETFOLDER", "a*b?/c*"): " (it has * ?)",
    ("BUCKETFOLDER", "/orders"): " (leave the first slash out)",
    ("EXPECTEDBUCKETOWNER", "10"): " (write it in quotes, else YAML reads a number: 012 becomes 10)",
}


@pytest.mark.parametrize(("name", "value"), HINTS)
def test_the_function_and_cfn_lint_say_the_same_hint(name: str, value: str) -> None:
    settings = {"S3SETTINGS": {"BUCKETNAME": "lake", name: value}}
    with pytest.raises(EndpointError) as refused:
        parse(make_properties(**settings), ENVIRONMENTS)
    (found,) = ours({"Orders": resource(**settings)})
    assert f"not {value!r}{HINTS[name, value]}. Correct" in str(refused.value)
    rule = str(refused.value).partition(" must ")[2].partition(", not ")[0]
    assert found.message == f"{value!r} does not fit: must {rule}{HINTS[name, value]}"
