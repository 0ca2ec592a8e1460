"""The parameters of accounts/*.yaml: what can't be meant is refused, and what is demanded can be read."""

from __future__ import annotations

import re
from typing import Any

import jmespath  # type: ignore[import-untyped]  # botocore's, without types
import pytest
from botocore.exceptions import ClientError

from local_aws import EmbeddedAws
from local_aws.organisation import DEV, ROOT, purge, update_account

from .attempts import ITSELF, OWNER, PATH, POWER_USER, role
from .world import no_boundary_demanded

ACCOUNT_OF = {"data-lake.yaml": DEV.data_lake, "dms.yaml": DEV.dms}
EVERYBODY = "arn:aws:iam::111111111111:role/*"
WIDE = ["*", "?*", "d*", "dms-*", "????*", "dms-s*", "dms-s3-*", "dms-s3-endpoint*", "dms-s3-endpoin?/*", "a" * 65]
NARROW = ["dms", "dms-orders", "dms-o*", "my-team-dms-*", "teams/lake/dms-*", "dms-s3-endpoint/*/dms-orders"]


@pytest.mark.parametrize("names", WIDE)
@pytest.mark.parametrize("template", ACCOUNT_OF)
def test_a_pattern_that_may_be_anybodys_is_refused(aws: EmbeddedAws, template: str, names: str) -> None:
    assert refused(aws, template, Adopt=names).startswith("Parameter 'Adopt' must ")


@pytest.mark.parametrize("template", ACCOUNT_OF)
def test_a_name_or_the_beginning_of_some_is_not(aws: EmbeddedAws, template: str) -> None:
    for names in (*NARROW, ""):
        update_account(aws, ACCOUNT_OF[template], template, Adopt=names)


@pytest.mark.parametrize("template", ACCOUNT_OF)
def test_the_function_is_one_role(aws: EmbeddedAws, template: str) -> None:
    assert refused(aws, template, FunctionRoleArn=EVERYBODY).startswith("Parameter 'FunctionRoleArn' must match")


@pytest.mark.parametrize(
    "given",
    [
        {"PermissionsBoundary": ""},
        {"PermissionsBoundary": "yes"},
        {"PermissionsBoundary": "arn:aws:iam::222222222222:policy/*"},
        {"BucketPattern": ""},
        {"BucketPattern": "data-lake-*/"},
        {"BucketAccounts": "all"},
        {"KeyAccounts": f"{DEV.dms},*"},
    ],
    ids=str,
)
def test_what_a_role_made_can_be_given_must_be_said(aws: EmbeddedAws, given: dict[str, str]) -> None:
    assert refused(aws, "data-lake.yaml", **given).startswith(f"Parameter '{next(iter(given))}' must match")


@pytest.mark.parametrize("template", ACCOUNT_OF)
def test_the_functions_own_role_carries_the_boundary_that_an_account_demands_of_every_role(
    aws: EmbeddedAws, template: str
) -> None:
    iam, name = aws.client("iam", ACCOUNT_OF[template]), f"dms-s3-endpoint-{template.removesuffix('.yaml')}"
    for given in (POWER_USER, ""):
        update_account(aws, ACCOUNT_OF[template], template, RoleBoundary=given)
        found = iam.get_role(RoleName=name)["Role"].get("PermissionsBoundary", {})
        assert found.get("PermissionsBoundaryArn", "") == given
    assert refused(aws, template, RoleBoundary="yes").startswith("Parameter 'RoleBoundary' must match")


def test_without_the_buckets_there_is_no_data_lake(aws: EmbeddedAws) -> None:
    template = (ROOT / "accounts" / "data-lake.yaml").read_text()
    function = {"ParameterKey": "FunctionRoleArn", "ParameterValue": EVERYBODY.replace("*", "function")}
    with pytest.raises(ClientError, match="BucketPattern"):
        aws.client("cloudformation", "888888888888").create_stack(
            StackName="lake", TemplateBody=template, Parameters=[function], Capabilities=["CAPABILITY_NAMED_IAM"]
        )


def refused(aws: EmbeddedAws, template: str, **parameters: str) -> str:
    """The message of CloudFormation."""
    with pytest.raises(ClientError) as caught:
        update_account(aws, ACCOUNT_OF[template], template, **parameters)
    error: Any = caught.value.response["Error"]
    assert error["Code"] == "ValidationError", error
    return str(error["Message"])


def test_the_role_says_which_boundary_is_demanded(aws: EmbeddedAws) -> None:
    assert demanded(aws) == [DEV.boundary_arn]
    with no_boundary_demanded(aws):
        assert demanded(aws) == []
        update_account(aws, DEV.data_lake, "data-lake.yaml", PermissionsBoundary=POWER_USER)
        assert demanded(aws) == [POWER_USER]


def demanded(aws: EmbeddedAws) -> list[str]:
    tags = aws.client("iam", DEV.data_lake).get_role(RoleName=ITSELF)["Role"].get("Tags", [])
    return [tag["Value"] for tag in tags if tag["Key"] == "dms-s3-endpoint:boundary"]


def test_the_line_in_the_docs_finds_the_roles_of_ours_that_have_no_boundary(aws: EmbeddedAws) -> None:
    iam = aws.client("iam", DEV.data_lake)
    iam.create_role(**role("bound", PATH, Tags=OWNER, PermissionsBoundary=DEV.boundary_arn))
    iam.create_role(**role("unbound", PATH, Tags=OWNER))
    iam.create_role(**role("adopted", "/", Tags=OWNER))
    iam.create_role(**role("theirs", "/"))
    # The embedded AWS shows no boundaries there, so these are GetRole's answers. The members are the same.
    members = iam.meta.service_model.shape_for("RoleDetail").members
    roles = [iam.get_role(RoleName=each["RoleName"])["Role"] for each in iam.list_roles()["Roles"]]
    details = [{member: value for member, value in each.items() if member in members} for each in roles]
    purge(aws, [DEV])
    assert sorted(jmespath.search(query_in_the_docs(), {"RoleDetailList": details})) == ["adopted", "unbound"]


def query_in_the_docs() -> str:
    text = (ROOT / "docs" / "security.md").read_text()
    (query,) = re.findall(r"get-account-authorization-details --filter Role --query '([^']+)'", text)
    return str(query)
