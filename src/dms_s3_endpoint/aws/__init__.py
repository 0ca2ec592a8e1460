"""The AWS accounts: sessions, IAM, DMS, bucket and key, and the time that is left. The only users of boto3."""
