"""CloudFormation's protocol for custom resources: events, what they mean, and the one answer to each."""
