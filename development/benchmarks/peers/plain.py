"""The same flow, plainly written on crhelper with its defaults: for the bench, to compare with.

One call after the other; polled by EventBridge every two minutes; two minutes of sleep before each Delete.
"""

import json

import boto3
from crhelper import CfnResource

helper = CfnResource()
DMS_ONLY = {"Effect": "Allow", "Principal": {"Service": "dms.amazonaws.com"}, "Action": "sts:AssumeRole"}


def handler(event, context):
    helper(event, context)


def clients(properties):
    sts = boto3.client("sts")
    found = []
    for service, role_arn in (("iam", properties["DataLakeRoleArn"]), ("dms", properties["DmsRoleArn"])):
        session = sts.assume_role(RoleArn=role_arn, RoleSessionName="plain")["Credentials"]
        keys = (session["AccessKeyId"], session["SecretAccessKey"], session["SessionToken"])
        found.append(boto3.Session(*keys).client(service))
    return found


def arns(properties):
    account = properties["DataLakeRoleArn"].split(":")[4]
    return f"arn:aws:iam::{account}:role/{properties['Name']}", f"arn:aws:iam::{account}:policy/{properties['Name']}"


def policy(properties):
    bucket = f"arn:aws:s3:::{properties['Bucket']}"
    actions = ["s3:PutObject", "s3:DeleteObject", "s3:PutObjectTagging"]
    objects = {"Effect": "Allow", "Action": actions, "Resource": f"{bucket}/{properties['Folder']}/*"}
    return document(objects, {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": bucket})


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def create_endpoint(dms, properties):
    """The ExternalId, or None while DMS can't assume the role."""
    settings = {"BucketName": properties["Bucket"], "BucketFolder": properties["Folder"]}
    settings["ServiceAccessRoleArn"] = arns(properties)[0]
    try:
        answer = dms.create_endpoint(
            EndpointIdentifier=properties["Name"], EndpointType="target", EngineName="s3", S3Settings=settings
        )
    except dms.exceptions.AccessDeniedFault:
        return None
    return answer["Endpoint"]["ExternalId"]


def find(dms, name):
    try:
        return dms.describe_endpoints(Filters=[{"Name": "endpoint-id", "Values": [name]}])["Endpoints"][0]
    except dms.exceptions.ResourceNotFoundFault:
        return None


@helper.create
def create(event, context):
    properties = event["ResourceProperties"]
    iam, _ = clients(properties)
    iam.create_policy(PolicyName=properties["Name"], PolicyDocument=policy(properties))
    iam.create_role(RoleName=properties["Name"], AssumeRolePolicyDocument=document(DMS_ONLY))
    iam.attach_role_policy(RoleName=properties["Name"], PolicyArn=arns(properties)[1])


@helper.poll_create
def poll_create(event, context):
    properties = event["ResourceProperties"]
    iam, dms = clients(properties)
    external_id = create_endpoint(dms, properties)
    if find(dms, properties["Name"]):
        return properties["Name"]
    if external_id:
        condition = {"StringEquals": {"sts:ExternalId": external_id}}
        trust = document({**DMS_ONLY, "Condition": condition})
        iam.update_assume_role_policy(RoleName=properties["Name"], PolicyDocument=trust)
    return None


@helper.update
def update(event, context):
    properties = event["ResourceProperties"]
    if properties["Name"] != event["PhysicalResourceId"]:
        create(event, context)
        return
    iam, dms = clients(properties)
    iam.create_policy_version(PolicyArn=arns(properties)[1], PolicyDocument=policy(properties), SetAsDefault=True)
    dms.delete_endpoint(EndpointArn=find(dms, properties["Name"])["EndpointArn"])


@helper.poll_update
def poll_update(event, context):
    if event["ResourceProperties"]["Name"] != event["PhysicalResourceId"]:
        return poll_create(event, context)
    _, dms = clients(event["ResourceProperties"])
    if find(dms, event["PhysicalResourceId"]):
        return None
    create_endpoint(dms, event["ResourceProperties"])
    return event["PhysicalResourceId"]


@helper.delete
def delete(event, context):
    _, dms = clients(event["ResourceProperties"])
    dms.delete_endpoint(EndpointArn=find(dms, event["PhysicalResourceId"])["EndpointArn"])


@helper.poll_delete
def poll_delete(event, context):
    properties = event["ResourceProperties"]
    iam, dms = clients(properties)
    if find(dms, properties["Name"]):
        return None
    policy_arn = arns(properties)[1]
    iam.detach_role_policy(RoleName=properties["Name"], PolicyArn=policy_arn)
    iam.delete_role(RoleName=properties["Name"])
    for version in iam.list_policy_versions(PolicyArn=policy_arn)["Versions"]:
        if not version["IsDefaultVersion"]:
            iam.delete_policy_version(PolicyArn=policy_arn, VersionId=version["VersionId"])
    iam.delete_policy(PolicyArn=policy_arn)
    return True
