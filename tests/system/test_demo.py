"""What `make demo KEEP=1` says at its end: the commands work, with the buckets of the README."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from local_aws import EmbeddedAws
from local_aws.demo import how_to_go_on, is_said, make_buckets_of_the_readme
from local_aws.organisation import (
    BUCKET_PATTERN,
    PAIRS,
    ROOT,
    TOOLS,
    CommandFailedError,
    delete_stack,
    run,
    sam_environ,
    update_account,
)


@pytest.mark.parametrize(("value", "said"), [("1", True), ("yes", True), ("0", False), ("", False), ("False", False)])
def test_a_switch_is_on_by_any_word_but_no(value: str, said: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEEP", value)
    assert is_said("KEEP") is said


@pytest.fixture
def kept(aws: EmbeddedAws) -> Iterator[EmbeddedAws]:
    make_buckets_of_the_readme(aws)
    yield aws
    delete_stack(aws, "orders")
    for pair in PAIRS:
        aws.client("s3", pair.data_lake).delete_bucket(Bucket=f"my-{pair.bucket}")
        update_account(aws, pair.data_lake, "data-lake.yaml", BucketPattern=BUCKET_PATTERN)


def test_the_commands_that_it_names_work_as_they_stand(kept: EmbeddedAws) -> None:
    said = how_to_go_on(kept)
    deploy, check = said.partition("Then try:\n  . .venv/bin/activate\n")[2].replace("\\\n", "").splitlines()
    run(["bash", "-ec", deploy], sam_environ(kept, TOOLS), ROOT)
    assert "delete endpoint orders: DATAFORMAT differs" in run(["bash", "-ec", check], sam_environ(kept, TOOLS), ROOT)
    with pytest.raises(CommandFailedError, match="BUCKETNAME"):
        run(["bash", "-ec", deploy.replace("my-data-lake-dev", "s3://x")], sam_environ(kept, TOOLS), ROOT)
