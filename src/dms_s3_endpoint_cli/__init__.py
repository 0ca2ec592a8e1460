"""Commands for a desk or a pipeline; the Lambda function doesn't have them."""
