#!/usr/bin/env bash
# The procedure as its runbook has it: `aws` commands one after the other, and a fixed wait for IAM after each change
# of a role. 30 seconds are the least that guides advise.
#
#   aws_cli.sh create|update|delete NAME FOLDER     DATA_LAKE, DMS: the accounts; BUCKET
set -euo pipefail

verb=$1 name=$2 folder=$3
seconds_for_iam=30
role_arn="arn:aws:iam::$DATA_LAKE:role/$name"
policy_arn="arn:aws:iam::$DATA_LAKE:policy/$name"

iam() { AWS_ACCESS_KEY_ID=$DATA_LAKE aws iam "$@" > /dev/null; }
dms() { AWS_ACCESS_KEY_ID=$DMS aws dms "$@"; }

policy() {
  echo '{"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": ["s3:PutObject", "s3:DeleteObject", "s3:PutObjectTagging"],
     "Resource": "arn:aws:s3:::'"$BUCKET/$folder"'/*"},
    {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::'"$BUCKET"'"}]}'
}

trust() { # [ExternalId]
  local condition=""
  if [ -n "${1:-}" ]; then condition=', "Condition": {"StringEquals": {"sts:ExternalId": "'$1'"}}'; fi
  echo '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
    "Principal": {"Service": "dms.amazonaws.com"}'"$condition"'}]}'
}

create_endpoint() {
  dms create-endpoint --endpoint-identifier "$name" --endpoint-type target --engine-name s3 --output text \
    --s3-settings "ServiceAccessRoleArn=$role_arn,BucketName=$BUCKET,BucketFolder=$folder" --query Endpoint.ExternalId
}

delete_endpoint() {
  local arn
  arn=$(dms describe-endpoints --filters "Name=endpoint-id,Values=$name" --query 'Endpoints[0].EndpointArn' --output text)
  dms delete-endpoint --endpoint-arn "$arn" > /dev/null
  dms wait endpoint-deleted --filters "Name=endpoint-arn,Values=$arn"
}

case $verb in
  create)
    iam create-policy --policy-name "$name" --policy-document "$(policy)"
    iam create-role --role-name "$name" --assume-role-policy-document "$(trust)"
    iam attach-role-policy --role-name "$name" --policy-arn "$policy_arn"
    sleep $seconds_for_iam
    iam update-assume-role-policy --role-name "$name" --policy-document "$(trust "$(create_endpoint)")"
    sleep $seconds_for_iam
    create_endpoint > /dev/null
    ;;
  update)
    iam create-policy-version --policy-arn "$policy_arn" --policy-document "$(policy)" --set-as-default
    delete_endpoint
    create_endpoint > /dev/null
    ;;
  delete)
    delete_endpoint
    iam detach-role-policy --role-name "$name" --policy-arn "$policy_arn"
    iam delete-role --role-name "$name"
    for version in $(AWS_ACCESS_KEY_ID=$DATA_LAKE aws iam list-policy-versions --policy-arn "$policy_arn" --output text \
      --query 'Versions[?!IsDefaultVersion].VersionId'); do
      iam delete-policy-version --policy-arn "$policy_arn" --version-id "$version"
    done
    iam delete-policy --policy-arn "$policy_arn"
    ;;
esac
