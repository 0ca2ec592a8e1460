"""Custom::CreateDMSS3Endpoint: an AWS DMS target endpoint on an S3 bucket in another account."""
