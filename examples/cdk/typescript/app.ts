import { App, CfnOutput, CustomResource, Duration, Stack } from 'aws-cdk-lib';
import type { DmsS3Endpoint } from './dms-s3-endpoint-types.ts';

const stack = new Stack(new App(), 'visits');

const endpoint = new CustomResource(stack, 'Endpoint', {
  resourceType: 'Custom::CreateDMSS3Endpoint',
  serviceToken: '{{resolve:ssm:/dms-s3-endpoint/service-token}}',
  serviceTimeout: Duration.seconds(960), // the function's 900 s and a minute
  properties: {
    ENVIRONMENT: 'dev',
    ENDPOINTIDENTIFIER: 'visits',
    POLICYNAME: 'dms-visits',
    ROLENAME: 'dms-visits',
    S3SETTINGS: { BUCKETNAME: 'my-data-lake-dev', BUCKETFOLDER: 'visits', DATAFORMAT: 'parquet' },
    TAGS: [{ Key: 'team', Value: 'data-lake' }],
  } satisfies DmsS3Endpoint,
});

new CfnOutput(stack, 'EndpointArn', { value: endpoint.getAttString('EndpointArn') });
