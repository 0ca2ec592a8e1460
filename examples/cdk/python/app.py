from aws_cdk import App, CfnOutput, CustomResource, Duration, Stack
from dms_s3_endpoint_types import DmsS3Endpoint

app = App()
stack = Stack(app, "clicks")

properties: DmsS3Endpoint = {
    "ENVIRONMENT": "dev",
    "ENDPOINTIDENTIFIER": "clicks",
    "POLICYNAME": "dms-clicks",
    "ROLENAME": "dms-clicks",
    "S3SETTINGS": {"BUCKETNAME": "my-data-lake-dev", "BUCKETFOLDER": "clicks", "DATAFORMAT": "parquet"},
    "TAGS": [{"Key": "team", "Value": "data-lake"}],
}
endpoint = CustomResource(
    stack,
    "Endpoint",
    resource_type="Custom::CreateDMSS3Endpoint",
    service_token="{{resolve:ssm:/dms-s3-endpoint/service-token}}",
    service_timeout=Duration.seconds(960),  # the function's 900 s and a minute
    properties=properties,
)

CfnOutput(stack, "EndpointArn", value=endpoint.get_att_string("EndpointArn"))
app.synth()
